package io.sluice.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One reading under way: what was found wrong so far, and where <code>${…}</code> gets its values. Owned by the thread
 * that reads.
 */
final class Decoding {
    private static final Pattern VARIABLE =
            Pattern.compile("(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", Pattern.DOTALL);

    final List<Fault> faults = new ArrayList<>();
    final List<Fault> notes = new ArrayList<>();
    final SourceFiles files = new SourceFiles();
    final ClientVariables client = new ClientVariables();
    private final Map<String, String> variables;

    Decoding(Map<String, String> variables) {
        this.variables = Map.copyOf(variables);
    }

    Map<String, String> variables() {
        return variables;
    }

    void fault(Location at, String sentence) {
        faults.add(new Fault(at, sentence));
    }

    void note(Location at, String sentence) {
        notes.add(new Fault(at, sentence));
    }

    /** The text of a scalar with its <code>${…}</code> filled in; empty after a fault. */
    Optional<String> text(Node node, String path) {
        if (!(node instanceof Node.Text scalar) || scalar.isNull()) {
            fault(node.at(), path + ": expected a text, found " + node.words());
            return Optional.empty();
        }
        return expand(scalar.text(), scalar.at(), path);
    }

    /** The bytes of a file named by the configuration; empty after a fault. */
    Optional<byte[]> bytes(Path file, Location at, String path) {
        try {
            return Optional.of(files.read(file));
        } catch (IOException e) {
            fault(at, path + ": cannot read " + file + ": " + reason(e));
            return Optional.empty();
        }
    }

    static String reason(IOException e) {
        if (e instanceof NoSuchFileException) {
            return "there is no such file";
        }
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        return String.valueOf(e.getMessage());
    }

    private Optional<String> expand(String raw, Location at, String path) {
        if (at.literal() || !raw.contains("${")) {
            return Optional.of(raw);
        }
        StringBuilder out = new StringBuilder();
        boolean whole = true;
        int from = 0;
        while (true) {
            int open = raw.indexOf("${", from);
            if (open < 0) {
                out.append(raw, from, raw.length());
                return whole ? Optional.of(out.toString()) : Optional.empty();
            }
            if (open > from && raw.charAt(open - 1) == '$') {
                out.append(raw, from, open - 1).append("${");
                from = open + 2;
                continue;
            }
            int close = raw.indexOf('}', open);
            if (close < 0) {
                fault(at, path + ": a '${' is not closed by '}'; write '$${' for the characters themselves");
                return Optional.empty();
            }
            out.append(raw, from, open);
            Optional<String> value = value(raw.substring(open + 2, close), at, path);
            value.ifPresent(out::append);
            whole &= value.isPresent();
            from = close + 1;
        }
    }

    private Optional<String> value(String inside, Location at, String path) {
        if (inside.startsWith("file:")) {
            Path file = at.base().resolve(inside.substring("file:".length()).strip());
            return bytes(file, at, path)
                    .map(bytes -> new String(bytes, StandardCharsets.UTF_8).replaceFirst("\\R\\z", ""));
        }
        if (inside.startsWith("input:")) {
            String id = inside.substring("input:".length());
            Optional<String> input = client.input(id, variables);
            if (input.isEmpty()) {
                fault(at, path + ": " + client.missing(id));
            }
            return input;
        }
        Matcher variable = VARIABLE.matcher(inside);
        if (!variable.matches()) {
            Optional<String> place = ClientVariables.place(inside, at);
            if (place.isEmpty()) {
                fault(
                        at,
                        path + ": '${" + inside
                                + "}' is not understood: write ${VAR}, ${VAR:-default} or ${file:path}");
            }
            return place;
        }
        String name = variable.group(1);
        String fallback = variable.group(2);
        String found = variables.get(name);
        if (found == null || found.isEmpty() && fallback != null) {
            Optional<String> place = ClientVariables.place(inside, at);
            if (place.isPresent()) {
                return place;
            }
            if (fallback == null) {
                fault(
                        at,
                        path + ": the variable " + name + " is not set" + Suggestion.words(name, variables.keySet())
                                + (Suggestion.closest(name, variables.keySet()).isEmpty()
                                        ? "; set it, or give a default: ${" + name + ":-…}"
                                        : ""));
                return Optional.empty();
            }
            return Optional.of(fallback);
        }
        return Optional.of(found);
    }
}
