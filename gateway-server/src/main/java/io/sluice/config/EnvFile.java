package io.sluice.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file of variables, as clients read for the programs they start: {@code NAME=value} on each line, perhaps after {@code export}, the value perhaps in quotes; {@code #} begins a comment. Values are
 * taken as they are: nothing in them is filled in.
 */
final class EnvFile implements Shape<Map<String, String>> {
    private static final Pattern LINE =
            Pattern.compile("(?:export\\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\\s*=\\s*(.*)", Pattern.DOTALL);

    /** Possessive: the other quantifiers need a stack as deep as a value is long, and certificates are long. */
    private static final Pattern DOUBLE_QUOTED = Pattern.compile("\"((?:[^\"\\\\]++|\\\\.)*+)\"\\s*(?:#.*)?");

    private static final Pattern SINGLE_QUOTED = Pattern.compile("'([^']*)'\\s*(?:#.*)?");

    private final Shape<String> text = Shape.text();

    @Override
    public Optional<Map<String, String>> read(Node node, String path, Decoding in) {
        Optional<String> name = text.read(node, path, in);
        if (name.isEmpty()) {
            return Optional.empty();
        }
        Path file = node.at().base().resolve(name.get()).normalize();
        return in.bytes(file, node.at(), path).flatMap(bytes -> {
            int before = in.faults.size();
            Map<String, String> variables = variables(bytes, file, in);
            return in.faults.size() == before ? Optional.of(variables) : Optional.empty();
        });
    }

    private static Map<String, String> variables(byte[] bytes, Path file, Decoding in) {
        Map<String, String> variables = new LinkedHashMap<>();
        List<String> lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty() || line.startsWith("#") || line.equals("\uFEFF")) {
                continue;
            }
            Matcher matcher = LINE.matcher(line.startsWith("\uFEFF") ? line.substring(1) : line);
            Optional<String> value = matcher.matches() ? value(matcher.group(2)) : Optional.empty();
            if (value.isEmpty()) {
                // The line itself may be a secret.
                in.fault(Location.in(file, i + 1, 1), "is not NAME=value, or has a quote that is not closed");
            } else {
                variables.put(matcher.group(1), value.get());
            }
        }
        return variables;
    }

    /** Empty when a quote is not closed. */
    private static Optional<String> value(String written) {
        if (written.startsWith("\"")) {
            Matcher quoted = DOUBLE_QUOTED.matcher(written);
            return quoted.matches() ? Optional.of(unescaped(quoted.group(1))) : Optional.empty();
        }
        if (written.startsWith("'")) {
            Matcher quoted = SINGLE_QUOTED.matcher(written);
            return quoted.matches() ? Optional.of(quoted.group(1)) : Optional.empty();
        }
        return Optional.of(
                written.startsWith("#")
                        ? ""
                        : written.replaceFirst("\\s#.*", "").strip());
    }

    private static String unescaped(String text) {
        return Pattern.compile("\\\\(.)").matcher(text).replaceAll(escape -> switch (escape.group(1)) {
            case "n" -> "\n";
            case "r" -> "\r";
            case "t" -> "\t";
            case "\"" -> "\"";
            case "$" -> "\\$";
            case "\\" -> "\\\\";
            default -> Matcher.quoteReplacement(escape.group());
        });
    }

    @Override
    public Map<String, Object> schema() {
        return text.schema();
    }

    @Override
    public boolean scalar() {
        return true;
    }
}
