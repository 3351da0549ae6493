package io.sluice.config;

import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLParser;

/**
 * One file's text to a tree. Names ending in {@code .json} or {@code .jsonc} are read as JSON, with the comments and
 * trailing commas editors allow; everything else as YAML, of which JSON is a part.
 */
final class DocumentReader {
    private static final StreamReadConstraints LIMITS =
            StreamReadConstraints.builder().maxNestingDepth(64).build();
    private static final TokenStreamFactory YAML =
            YAMLFactory.builder().streamReadConstraints(LIMITS).build();
    private static final TokenStreamFactory JSON = JsonFactory.builder()
            .streamReadConstraints(LIMITS)
            .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS, JsonReadFeature.ALLOW_TRAILING_COMMA)
            .build();

    private final Path file;
    private final List<Fault> faults;

    private DocumentReader(Path file, List<Fault> faults) {
        this.file = file;
        this.faults = faults;
    }

    /**
     * The top mapping; empty when the text is not one, in which case a fault was added. An empty file is an empty
     * mapping.
     */
    static Optional<Node.Mapping> read(Path file, byte[] bytes, List<Fault> faults) {
        return new DocumentReader(file, faults).document(bytes);
    }

    private Optional<Node.Mapping> document(byte[] bytes) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(java.nio.ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            faults.add(new Fault(Location.in(file, 1, 1), "this file is not UTF-8 text"));
            return Optional.empty();
        }
        String content = text.startsWith("\uFEFF") ? text.substring(1) : text;
        String name = file.toString();
        TokenStreamFactory format = name.endsWith(".json") || name.endsWith(".jsonc") ? JSON : YAML;
        try (JsonParser parser = format.createParser(ObjectReadContext.empty(), content)) {
            if (parser.nextToken() == null) {
                return Optional.of(Node.Mapping.empty(Location.in(file, 1, 1)));
            }
            Node top = node(parser);
            if (parser.nextToken() != null) {
                faults.add(new Fault(here(parser), "a second document starts here; a configuration file holds one"));
                return Optional.empty();
            }
            if (top instanceof Node.Mapping mapping) {
                return Optional.of(mapping);
            }
            if (top instanceof Node.Text scalar && scalar.isNull()) {
                return Optional.of(Node.Mapping.empty(top.at()));
            }
            faults.add(new Fault(top.at(), "expected a mapping of keys, found " + top.words()));
            return Optional.empty();
        } catch (JacksonException e) {
            faults.add(new Fault(where(e), sentence(e) + placeholderHint(content, e)));
            return Optional.empty();
        }
    }

    private Node node(JsonParser parser) {
        Location at = here(parser);
        JsonToken token = parser.currentToken();
        if (token == JsonToken.START_OBJECT) {
            return mapping(parser, at);
        }
        if (token == JsonToken.START_ARRAY) {
            List<Node> items = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                items.add(node(parser));
            }
            return new Node.Sequence(items, at);
        }
        if (parser instanceof YAMLParser yaml && yaml.isCurrentAlias()) {
            faults.add(new Fault(
                    at, "YAML aliases such as '*" + parser.getString() + "' are not read; write the value itself"));
        }
        Node.Kind kind = switch (token) {
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> Node.Kind.NUMBER;
            case VALUE_TRUE, VALUE_FALSE -> Node.Kind.BOOLEAN;
            case VALUE_NULL -> Node.Kind.NULL;
            default -> Node.Kind.STRING;
        };
        return new Node.Text(kind == Node.Kind.NULL ? "" : parser.getString(), kind, at);
    }

    private Node mapping(JsonParser parser, Location at) {
        List<Node.Entry> entries = new ArrayList<>();
        Map<String, Location> seen = new HashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            Location keyAt = here(parser);
            parser.nextToken();
            Node value = node(parser);
            Location first = seen.putIfAbsent(key, keyAt);
            if (first == null) {
                entries.add(new Node.Entry(key, keyAt, value));
            } else {
                faults.add(new Fault(keyAt, "the key '" + key + "' was already given on line " + first.line()));
            }
        }
        return new Node.Mapping(entries, at);
    }

    private Location here(JsonParser parser) {
        return at(parser.currentTokenLocation());
    }

    private Location at(TokenStreamLocation location) {
        return Location.in(file, Math.max(1, location.getLineNr()), Math.max(1, location.getColumnNr()));
    }

    private Location where(JacksonException e) {
        TokenStreamLocation location = e.getLocation();
        return location == null ? Location.in(file, 1, 1) : at(location);
    }

    /** In YAML's { } and [ ] a brace ends a value, also that of an unquoted placeholder. */
    private static String placeholderHint(String content, JacksonException e) {
        TokenStreamLocation location = e.getLocation();
        if (location == null || location.getLineNr() < 1) {
            return "";
        }
        return content.lines()
                .skip(location.getLineNr() - 1L)
                .findFirst()
                .filter(line -> {
                    int brace = location.getColumnNr() - 1;
                    return brace > 0 && brace < line.length() && line.startsWith("${", brace - 1);
                })
                .map(line -> "; inside { } and [ ] put a value with ${…} in quotes")
                .orElse("");
    }

    /** The parser's own words without its picture of the line, which may hold a secret. */
    private static String sentence(JacksonException e) {
        String words = e.getOriginalMessage()
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith(" "))
                .map(String::strip)
                .collect(Collectors.joining(": "))
                .replaceAll(" ?\\(start marker at .*", "")
                .replaceAll("\\(for (Object|Array) starting at [^)]*\\)*", "")
                .replaceAll("Unrecognized token '.*?': ", "unexpected text: ");
        String hint = words.contains("alias") ? "; put '*' in quotes" : "";
        return "cannot be read: " + words.strip() + hint;
    }
}
