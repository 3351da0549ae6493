package io.sluice.openapi;

import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Arguments that fit a tool's {@code inputSchema}: always the same for the same schema, and with characters in free texts that mean something in URLs, so that one that is not encoded is seen.
 */
final class SampleArguments {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final int DEEPEST = 6;
    private static final List<String> CANDIDATES = List.of(
            "a",
            "ab",
            "abc-1",
            "1",
            "12",
            "2026-11-21",
            "2026-11-21T19:00:00Z",
            "0123456789012345678901234567890123456789",
            "0123456789abcdef0123456789abcdef01234567",
            "a/b",
            "A_B",
            "10.0.0.1",
            "#aabbcc",
            "aabbcc",
            "1.2.3",
            "refs/heads/a",
            "ssh-rsa a",
            "sha256:" + "0a".repeat(32));

    private final JsonNode definitions;
    private int count;

    private SampleArguments(JsonNode definitions) {
        this.definitions = definitions;
    }

    /** @param plain arguments whose texts are to be of ASCII and without anything special, as headers want them */
    static ObjectNode of(JsonNode schema, List<String> plain) {
        SampleArguments samples = new SampleArguments(schema.path("$defs"));
        ObjectNode arguments = JSON.createObjectNode();
        schema.path("properties")
                .forEachEntry((name, each) -> arguments.set(name, samples.value(each, 0, plain.contains(name))));
        return arguments;
    }

    private JsonNode value(JsonNode schema, int depth, boolean plain) {
        if (!schema.isObject()) {
            return NODES.stringNode("any");
        }
        if (schema.has("$ref")) {
            return value(definitions.path(schema.path("$ref").stringValue().substring(8)), depth + 1, plain);
        }
        if (schema.path("enum").isArray()) {
            return schema.path("enum").get(0);
        }
        if (schema.has("const")) {
            return schema.get("const");
        }
        for (String either : List.of("oneOf", "anyOf")) {
            if (schema.path(either).isArray() && !schema.has("properties")) {
                return value(merged(schema, schema.path(either).get(0)), depth, plain);
            }
            if (schema.path(either).isArray()) {
                ObjectNode merged = merged(schema, schema.path(either).get(0));
                return value(merged, depth, plain);
            }
        }
        if (schema.path("allOf").isArray()) {
            ObjectNode merged = (ObjectNode) schema.deepCopy();
            merged.remove("allOf");
            for (JsonNode part : schema.path("allOf")) {
                merged = merged(merged, part);
            }
            return value(merged, depth, plain);
        }
        return switch (type(schema)) {
            case "object" -> object(schema, depth, plain);
            case "array" -> array(schema, depth, plain);
            case "integer" -> NODES.numberNode(number(schema));
            case "number" -> NODES.numberNode(number(schema) + (schema.has("maximum") ? 0 : 0.5));
            case "boolean" -> NODES.booleanNode(count++ % 2 == 0);
            case "null" -> NODES.nullNode();
            default -> NODES.stringNode(text(schema, plain));
        };
    }

    /** One schema with what another adds. */
    private ObjectNode merged(JsonNode one, JsonNode other) {
        JsonNode target = other.has("$ref")
                ? definitions.path(other.path("$ref").stringValue().substring(8))
                : other;
        ObjectNode merged = (ObjectNode) one.deepCopy();
        merged.remove("oneOf");
        merged.remove("anyOf");
        target.forEachEntry((key, each) -> {
            if (key.equals("properties") && merged.path("properties").isObject()) {
                ((ObjectNode) merged.path("properties")).setAll((ObjectNode) each.deepCopy());
            } else if (key.equals("required") && merged.path("required").isArray()) {
                each.forEach(((ArrayNode) merged.path("required"))::add);
            } else {
                merged.set(key, each.deepCopy());
            }
        });
        return merged;
    }

    private static String type(JsonNode schema) {
        JsonNode type = schema.path("type");
        if (type.isArray()) {
            for (JsonNode each : type) {
                if (!each.asString("").equals("null")) {
                    return each.asString("");
                }
            }
        }
        return type.asString(schema.has("properties") ? "object" : schema.has("items") ? "array" : "string");
    }

    private ObjectNode object(JsonNode schema, int depth, boolean plain) {
        ObjectNode object = JSON.createObjectNode();
        List<String> required =
                schema.path("required").valueStream().map(n -> n.asString("")).toList();
        schema.path("properties").forEachEntry((name, each) -> {
            if (required.contains(name) || depth < 2) {
                if (depth < DEEPEST || required.contains(name) && depth < 2 * DEEPEST) {
                    object.set(name, value(each, depth + 1, plain));
                }
            }
        });
        if (object.isEmpty() && schema.path("additionalProperties").isObject() && depth < DEEPEST) {
            object.set("key", value(schema.path("additionalProperties"), depth + 1, plain));
        } else if (object.isEmpty() && !schema.has("properties") && !schema.has("additionalProperties")) {
            object.put("free", 1);
        }
        required.stream().filter(name -> !object.has(name)).forEach(name -> object.put(name, "any"));
        return object;
    }

    private ArrayNode array(JsonNode schema, int depth, boolean plain) {
        ArrayNode array = JSON.createArrayNode();
        int wanted = Math.max(
                schema.path("minItems").asInt(1),
                Math.min(schema.path("maxItems").asInt(2), 2));
        for (int i = 0; i < wanted; i++) {
            JsonNode next = value(schema.path("items"), depth + 1, plain);
            if (array.valueStream().noneMatch(next::equals)) {
                array.add(next);
            }
        }
        return array;
    }

    private long number(JsonNode schema) {
        long least =
                schema.path("minimum").asLong(schema.path("exclusiveMinimum").asLong(0) + 1);
        long most = schema.path("maximum").asLong(Long.MAX_VALUE);
        long step = schema.path("multipleOf").asLong(1);
        return Math.min(most, least + step * (count++ % 5));
    }

    private String text(JsonNode schema, boolean plain) {
        String format = schema.path("format").asString("");
        switch (format) {
            case "date-time":
                return "2026-11-21T19:00:00Z";
            case "date":
                return "2026-11-21";
            case "time":
                return "19:00:00Z";
            case "uri", "url":
                return "https://a.example";
            case "uuid":
                return "5b9d8f6e-0000-4000-8000-%012d".formatted(count++);
            case "email":
                return "a@b.example";
            case "ipv4":
                return "10.0.0.1";
            case "byte", "binary", "base64":
                return "AAEC";
            default:
                break;
        }
        if (schema.path("pattern").isString()) {
            return matching(schema.path("pattern").stringValue());
        }
        String free = plain ? "v" + count++ : "v" + count++ + " &=?#+%41;,:@ü";
        int most = schema.path("maxLength").asInt(Integer.MAX_VALUE);
        String text = free.length() > most ? free.substring(0, most) : free;
        return text + "x".repeat(Math.max(0, schema.path("minLength").asInt(0) - text.length()));
    }

    private static String matching(String pattern) {
        try {
            Pattern compiled = Pattern.compile(pattern);
            return CANDIDATES.stream()
                    .filter(candidate -> compiled.matcher(candidate).find())
                    .findFirst()
                    .orElse("a");
        } catch (PatternSyntaxException e) {
            return "a";
        }
    }
}
