package io.sluice.openapi;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns schemas of a document into ones that stand by themselves: what they refer to within the document comes along under {@code $defs}, and what lies outside of it is left open. Schemas of OpenAPI
 * 3.0 are put into the words of JSON Schema 2020-12, which 3.1 uses.
 */
final class Schemas {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Set<String> OF_SCHEMAS =
            Set.of("properties", "patternProperties", "$defs", "definitions", "dependentSchemas");
    private static final Set<String> DROPPED =
            Set.of("xml", "externalDocs", "discriminator", "example", "$schema", "$id");
    private static final Set<String> RELAXED = Set.of("type", "description", "title");

    private final JsonNode document;
    private final boolean version30;
    private final Set<String> open = new TreeSet<>();

    Schemas(JsonNode document, boolean version30) {
        this.document = document;
        this.version30 = version30;
    }

    /** One closed schema in the making, with the definitions it needs. */
    final class Bundle {
        private final Map<String, String> names = new LinkedHashMap<>();
        private final ObjectNode definitions = JSON.createObjectNode();
        private final boolean relaxed;

        /** @param relaxed keep only what says of which type things are, for what a service may answer differently */
        Bundle(boolean relaxed) {
            this.relaxed = relaxed;
        }

        /** The schema as it may stand beside {@link #definitions()}. */
        JsonNode add(JsonNode schema) {
            if (schema.isBoolean()) {
                return schema;
            }
            if (!schema.isObject()) {
                return JSON.createObjectNode();
            }
            if (schema.path("$ref").isString()) {
                return reference(schema);
            }
            return relaxed ? relaxed(schema) : whole(schema);
        }

        ObjectNode definitions() {
            return definitions;
        }

        private JsonNode reference(JsonNode schema) {
            String pointer = schema.path("$ref").stringValue();
            ObjectNode reference = JSON.createObjectNode();
            if (schema.path("description").isString()) {
                reference.put("description", schema.path("description").stringValue());
            }
            if (!pointer.startsWith("#/") || !resolve(pointer).isObject()) {
                open.add(pointer);
                return reference; // another document, or nothing: anything goes
            }
            String name = names.get(pointer);
            if (name == null) {
                name = free(pointer);
                names.put(pointer, name);
                definitions.set(name, JSON.createObjectNode()); // it may refer to itself
                definitions.set(name, add(resolve(pointer)));
            }
            return reference.put("$ref", "#/$defs/" + name);
        }

        private String free(String pointer) {
            String plain = pointer.substring(pointer.lastIndexOf('/') + 1).replaceAll("[^A-Za-z0-9_.-]", "_");
            String name = plain;
            for (int i = 2; definitions.has(name); i++) {
                name = plain + "_" + i;
            }
            return name;
        }

        private JsonNode whole(JsonNode schema) {
            ObjectNode made = JSON.createObjectNode();
            schema.forEachEntry((key, value) -> {
                if (DROPPED.contains(key) || key.startsWith("x-")) {
                    return;
                }
                if (OF_SCHEMAS.contains(key) && value.isObject()) {
                    ObjectNode inner = made.putObject(key);
                    value.forEachEntry((name, each) -> inner.set(name, add(each)));
                } else if (key.equals("default")
                        || key.equals("enum")
                        || key.equals("const")
                        || key.equals("examples")
                        || key.equals("required")) {
                    made.set(key, value);
                } else if (value.isArray()) {
                    ArrayNode inner = made.putArray(key);
                    value.forEach(each -> inner.add(each.isObject() ? add(each) : each));
                } else {
                    made.set(key, value.isObject() ? add(value) : value);
                }
            });
            return version30 ? modernised(made) : made;
        }

        private ObjectNode modernised(ObjectNode schema) {
            boundary(schema, "exclusiveMinimum", "minimum");
            boundary(schema, "exclusiveMaximum", "maximum");
            JsonNode nullable = schema.remove("nullable");
            if (nullable == null || !nullable.asBoolean(false)) {
                return schema;
            }
            if (schema.path("enum").isArray()) {
                ((ArrayNode) schema.path("enum")).addNull();
            }
            if (schema.path("type").isString()) {
                String type = schema.path("type").stringValue();
                schema.putArray("type").add(type).add("null");
                return schema;
            }
            ObjectNode either = JSON.createObjectNode();
            either.putArray("anyOf").add(schema).add(JSON.createObjectNode().put("type", "null"));
            return either;
        }

        private static void boundary(ObjectNode schema, String exclusive, String bound) {
            JsonNode flag = schema.path(exclusive);
            if (flag.isBoolean()) {
                schema.remove(exclusive);
                JsonNode value = schema.path(bound);
                if (flag.booleanValue() && value.isNumber()) {
                    schema.remove(bound);
                    schema.set(exclusive, value);
                }
            }
        }

        private JsonNode relaxed(JsonNode schema) {
            ObjectNode made = JSON.createObjectNode();
            for (String key : RELAXED) {
                if (schema.has(key)) {
                    made.set(key, schema.get(key));
                }
            }
            if (schema.path("type").isString()
                    && !schema.path("type").stringValue().equals("null")) {
                made.putArray("type").add(schema.path("type").stringValue()).add("null");
            }
            if (schema.path("properties").isObject()) {
                ObjectNode properties = made.putObject("properties");
                schema.path("properties").forEachEntry((name, each) -> properties.set(name, add(each)));
            }
            if (schema.path("items").isObject()) {
                made.set("items", add(schema.path("items")));
            }
            return made;
        }
    }

    /** The references that were asked for so far and lead nowhere within the document. */
    Set<String> open() {
        return open;
    }

    /** What a pointer within the document names, through further references, or a missing node. */
    JsonNode resolve(String pointer) {
        JsonNode at = document;
        for (String part : pointer.substring(2).split("/", -1)) {
            String key = decoded(part);
            at = at.isArray() && key.matches("\\d{1,6}") ? at.path(Integer.parseInt(key)) : at.path(key);
        }
        return at;
    }

    /** A parameter, body or response, wherever in the document it stands. */
    JsonNode followed(JsonNode node) {
        JsonNode at = node;
        for (int i = 0; i < 16 && at.path("$ref").isString(); i++) {
            String pointer = at.path("$ref").stringValue();
            at = pointer.startsWith("#/") ? resolve(pointer) : JSON.missingNode();
            if (at.isMissingNode()) {
                open.add(pointer);
            }
        }
        return at;
    }

    private static String decoded(String part) {
        String text = part;
        if (part.indexOf('%') >= 0) {
            try {
                text = java.net.URLDecoder.decode(part.replace("+", "%2B"), java.nio.charset.StandardCharsets.UTF_8);
            } catch (IllegalArgumentException e) {
                // as it stands
            }
        }
        return text.replace("~1", "/").replace("~0", "~");
    }

    /** Whether a value is of the types that a {@linkplain Bundle relaxed} schema says. */
    static boolean matches(JsonNode value, JsonNode schema, JsonNode definitions) {
        if (schema.path("$ref").isString()) {
            String pointer = schema.path("$ref").stringValue();
            return matches(value, definitions.path(pointer.substring("#/$defs/".length())), definitions);
        }
        JsonNode type = schema.path("type");
        if (type.isString() ? !isOf(value, type.stringValue()) : type.isArray() && !anyOf(value, type)) {
            return false;
        }
        if (value.isObject()) {
            for (Map.Entry<String, JsonNode> property :
                    schema.path("properties").properties()) {
                JsonNode member = value.get(property.getKey());
                if (member != null && !matches(member, property.getValue(), definitions)) {
                    return false;
                }
            }
        }
        if (value.isArray() && schema.path("items").isObject()) {
            for (JsonNode item : value) {
                if (!matches(item, schema.path("items"), definitions)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean anyOf(JsonNode value, JsonNode types) {
        for (JsonNode type : types) {
            if (isOf(value, type.asString(""))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOf(JsonNode value, String type) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isString();
            case "boolean" -> value.isBoolean();
            case "integer" ->
                value.isIntegralNumber() || (value.isNumber() && value.doubleValue() == Math.rint(value.doubleValue()));
            case "number" -> value.isNumber();
            case "null" -> value.isNull();
            default -> true;
        };
    }
}
