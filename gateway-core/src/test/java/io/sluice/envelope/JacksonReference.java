package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The slow and obvious way to read JSON, for comparison: a decoder that reports invalid UTF-8, then Jackson, then a tree
 * of maps, lists, strings and {@link Scalar}s, and the rules that Jackson does not have written out on the tree.
 */
final class JacksonReference {
    private static final JacksonReference STRICT = new JacksonReference(true, EnvelopeReader.MAX_DEPTH);
    private static final JacksonReference LENIENT = new JacksonReference(false, MessageReader.MAX_DEPTH);

    private final JsonFactory factory;
    private final JsonFactory distinctKeys;
    private final boolean strict;

    /** A number, {@code true}, {@code false} or {@code null}, as it is spelt. */
    record Scalar(String text) {}

    /** The text is not what this reference takes. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final boolean onlyForDuplicateKey;

        Refused(String why, boolean onlyForDuplicateKey) {
            super(why);
            this.onlyForDuplicateKey = onlyForDuplicateKey;
        }

        boolean onlyForDuplicateKey() {
            return onlyForDuplicateKey;
        }
    }

    private JacksonReference(boolean strict, int maxDepth) {
        this.strict = strict;
        this.factory = JsonFactory.builder()
                .configure(StreamReadFeature.STRICT_DUPLICATE_DETECTION, false)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(maxDepth)
                        .maxNumberLength(10_000)
                        .maxNameLength(Integer.MAX_VALUE)
                        .maxStringLength(Integer.MAX_VALUE)
                        .build())
                .build();
        this.distinctKeys = factory.rebuild()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
    }

    static JacksonReference strict() {
        return STRICT;
    }

    static JacksonReference lenient() {
        return LENIENT;
    }

    Object read(byte[] json) throws Refused {
        Object tree = parse(json, factory);
        if (strict) {
            check(tree);
            try {
                parse(json, distinctKeys);
            } catch (Refused e) {
                throw new Refused(String.valueOf(e.getMessage()), true);
            }
        }
        return tree;
    }

    private static Object parse(byte[] json, JsonFactory factory) throws Refused {
        try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), decode(json))) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw new Refused("nothing", false);
            }
            Object tree = tree(parser, first);
            if (parser.nextToken() != null) {
                throw new Refused("something follows", false);
            }
            return tree;
        } catch (JacksonException e) {
            throw new Refused(e.getOriginalMessage(), false);
        }
    }

    private static String decode(byte[] json) throws Refused {
        try {
            return UTF_8.newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(json))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new Refused("not UTF-8", false);
        }
    }

    private static Object tree(JsonParser parser, JsonToken token) {
        return switch (token) {
            case START_OBJECT -> {
                Map<String, Object> members = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    members.put(key, tree(parser, parser.nextToken()));
                }
                yield members;
            }
            case START_ARRAY -> {
                List<Object> elements = new ArrayList<>();
                for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
                    elements.add(tree(parser, t));
                }
                yield elements;
            }
            case VALUE_STRING -> parser.getString();
            default -> new Scalar(parser.getString());
        };
    }

    private static void check(Object tree) throws Refused {
        if (tree instanceof Map<?, ?> members) {
            for (Map.Entry<?, ?> member : members.entrySet()) {
                String key = (String) member.getKey();
                if (hasLoneSurrogate(key) || key.indexOf(0) >= 0) {
                    throw new Refused("key", false);
                }
                check(member.getValue());
            }
        } else if (tree instanceof List<?> elements) {
            for (Object element : elements) {
                check(element);
            }
        } else if (tree instanceof Scalar scalar && scalar.text().length() > EnvelopeReader.MAX_NUMBER_LENGTH) {
            throw new Refused("long number", false);
        }
    }

    static boolean hasLoneSurrogate(String text) {
        return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }

    /** The value at a path of keys, if every step is an object that has the key. */
    static Optional<Object> at(Object tree, String... path) {
        @Nullable Object value = tree;
        for (String key : path) {
            value = value instanceof Map<?, ?> members ? members.get(key) : null;
        }
        return Optional.ofNullable(value);
    }
}
