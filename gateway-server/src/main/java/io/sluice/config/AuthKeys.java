package io.sluice.config;

import io.sluice.auth.NamedToken;
import io.sluice.config.GatewayConfig.Auth;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How tokens and secret keys are read. */
final class AuthKeys {
    private static final Pattern FILE_REFERENCE = Pattern.compile("\\s*\\$\\{file:([^}]*)}\\s*");
    private static final int MOST_KEYS = 2;
    private static final String CALL_ONLY = "call";

    private AuthKeys() {}

    static Optional<Auth> auth(Section.Fields f) {
        List<NamedToken> tokens = new ArrayList<>();
        Optional<Node> single = f.node(ConfigKeys.TOKEN);
        if (single.isPresent()) {
            noteLiteral(single.get(), f.pathOf(ConfigKeys.TOKEN), f.in());
            f.find(ConfigKeys.TOKEN)
                    .flatMap(value ->
                            token(NamedToken.UNNAMED, value, true, single.get().at(), f.in()))
                    .ifPresent(tokens::add);
        }
        tokens.addAll(f.value(ConfigKeys.TOKENS));
        f.find(ConfigKeys.TOKENS_FILE)
                .ifPresent(file -> tokens.addAll(tokensIn(file, f.at(ConfigKeys.TOKENS_FILE), f.in())));
        Set<String> values = new HashSet<>();
        return Optional.of(
                new Auth(tokens.stream().filter(t -> values.add(t.secret())).toList()));
    }

    static Optional<NamedToken> token(String name, String value, boolean managing, Location at, Decoding in) {
        try {
            return Optional.of(new NamedToken(name, value, managing));
        } catch (IllegalArgumentException e) {
            in.fault(at, String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }

    private static List<NamedToken> tokensIn(Path file, Location at, Decoding in) {
        byte[] bytes = in.bytes(file, at, "auth.tokensFile").orElse(new byte[0]);
        List<NamedToken> tokens = new ArrayList<>();
        int faultsBefore = in.faults.size();
        int number = 0;
        for (String line : new String(bytes, StandardCharsets.UTF_8).lines().toList()) {
            number++;
            Location here = Location.in(file, number, 1);
            List<String> words = words(line);
            int count = words.size();
            if (count == 3 && !words.get(2).equals(CALL_ONLY) || count > 3) {
                in.fault(here, "a line holds a token, or a name and a token, or these and the word 'call'");
            } else if (count > 0) {
                String name = count == 1 ? NamedToken.UNNAMED : words.get(0).replaceFirst(":$", "");
                token(name, words.get(count == 1 ? 0 : 1), count < 3, here, in).ifPresent(tokens::add);
            }
        }
        if (tokens.isEmpty() && in.faults.size() == faultsBefore) {
            in.fault(
                    at,
                    "auth.tokensFile: " + file
                            + " holds no token, which would leave the gateway open; add one, or remove the key");
        }
        return tokens;
    }

    private static List<String> words(String line) {
        String text = line.replaceFirst("(^|\\s)#.*", "").strip();
        return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
    }

    private static void noteLiteral(Node node, String path, Decoding in) {
        if (node instanceof Node.Text text
                && !text.at().literal()
                && !text.text().contains("${")) {
            in.note(
                    node.at(),
                    path
                            + " stands in the file itself; ${VAR} or ${file:path} would keep it out of copies and"
                            + " commits");
        }
    }

    /** The current key and those still accepted. A file of raw bytes is read as it is, which text could not do. */
    static final Shape<List<RootKey>> SECRET_KEYS = new Shape<>() {
        @Override
        public Optional<List<RootKey>> read(Node node, String path, Decoding in) {
            List<Node> items = node instanceof Node.Sequence sequence ? sequence.items() : List.of(node);
            List<RootKey> keys = new ArrayList<>();
            for (Node item : items) {
                content(item, path, in).ifPresent(content -> {
                    try {
                        keys.addAll(RootKey.parse(content));
                    } catch (IllegalArgumentException e) {
                        in.fault(item.at(), path + ": " + e.getMessage());
                    }
                });
            }
            if (keys.size() > MOST_KEYS) {
                in.fault(
                        node.at(),
                        path + ": holds " + keys.size() + " keys; the current and the previous one are accepted");
            }
            return Optional.of(List.copyOf(keys));
        }

        private Optional<byte[]> content(Node item, String path, Decoding in) {
            if (!(item instanceof Node.Text text)) {
                in.fault(item.at(), path + ": expected ${file:path} or ${VAR}, found " + item.words());
                return Optional.empty();
            }
            Matcher reference = FILE_REFERENCE.matcher(text.text());
            if (!item.at().literal() && reference.matches()) {
                Path file = item.at().base().resolve(reference.group(1).strip());
                return in.bytes(file, item.at(), path);
            }
            if (!item.at().literal() && !text.text().contains("${")) {
                in.fault(
                        item.at(),
                        path + ": a secret key must not stand in the file itself; write ${file:path} or ${VAR}");
                return Optional.empty();
            }
            return in.text(item, path).map(value -> value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public Map<String, Object> schema() {
            Map<String, Object> reference = Shape.schemaOf("string");
            reference.put("pattern", "\\$\\{");
            Map<String, Object> list = Shape.schemaOf("array");
            list.put("items", reference);
            Map<String, Object> either = new LinkedHashMap<>();
            either.put("anyOf", List.of(reference, list));
            return either;
        }

        @Override
        public boolean scalar() {
            return true;
        }
    };
}
