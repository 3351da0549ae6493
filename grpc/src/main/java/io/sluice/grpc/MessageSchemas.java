package io.sluice.grpc;

import com.google.api.FieldBehavior;
import com.google.api.FieldBehaviorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.OneofDescriptor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The schema of a message as the JSON mapping of protobuf writes it (protobuf.dev, "ProtoJSON Format"). Messages within messages stand under {@code $defs} by their full names, so that a message may
 * contain itself. What is read may be written in more ways than what is printed: a 64-bit number as a number or a text, for one.
 *
 * <p>The top of a schema uses no {@code oneOf}, {@code anyOf} or {@code allOf}, which several model providers refuse there.
 */
final class MessageSchemas {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String SIGNED = "^-?[0-9]+$";
    private static final String UNSIGNED = "^[0-9]+$";

    private final Comments comments;
    private final boolean printed;
    private final ObjectNode definitions = JSON.createObjectNode();
    private final Set<String> named = new HashSet<>();
    private final Deque<Descriptor> waiting = new ArrayDeque<>();

    private MessageSchemas(Comments comments, boolean printed) {
        this.comments = comments;
        this.printed = printed;
    }

    /** What may be given as a message. */
    static ObjectNode read(Descriptor message, Comments comments) {
        return new MessageSchemas(comments, false).whole(message);
    }

    /** What a message is printed as. */
    static ObjectNode printed(Descriptor message, Comments comments) {
        return new MessageSchemas(comments, true).whole(message);
    }

    /** A list of such messages, as a stream is told of. */
    static ObjectNode printedStream(Descriptor message, Comments comments) {
        MessageSchemas schemas = new MessageSchemas(comments, true);
        ObjectNode schema = JSON.createObjectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        properties.putObject("messages").put("type", "array").set("items", schemas.of(message));
        properties.putObject("truncated").put("type", "boolean");
        schema.putArray("required").add("messages");
        return schemas.closed(schema);
    }

    /** Whether the message is written as an object, as most are. */
    static boolean isObject(Descriptor message) {
        return switch (message.getFullName()) {
            case "google.protobuf.Timestamp",
                    "google.protobuf.Duration",
                    "google.protobuf.FieldMask",
                    "google.protobuf.Value",
                    "google.protobuf.ListValue" -> false;
            default -> !isWrapper(message);
        };
    }

    private static boolean isWrapper(Descriptor message) {
        return message.getFile().getName().equals("google/protobuf/wrappers.proto");
    }

    private ObjectNode whole(Descriptor message) {
        if (isObject(message)) {
            named.add(""); // the top has no name; met again within, it gets one
            return closed(inline(message));
        }
        ObjectNode schema = JSON.createObjectNode().put("type", "object");
        schema.putObject("properties").set("value", of(message));
        schema.putArray("required").add("value");
        return closed(schema.put("additionalProperties", false));
    }

    private ObjectNode closed(ObjectNode schema) {
        while (!waiting.isEmpty()) {
            Descriptor next = waiting.remove();
            definitions.set(next.getFullName(), inline(next));
        }
        if (!definitions.isEmpty()) {
            schema.set("$defs", definitions);
        }
        return schema;
    }

    /** A message as part of another. */
    private ObjectNode of(Descriptor message) {
        if (isObject(message) && message.getFile().getPackage().equals("google.protobuf") && isWellKnown(message)) {
            return inline(message);
        }
        if (!isObject(message)) {
            return wellKnown(message);
        }
        if (named.add(message.getFullName())) {
            waiting.add(message);
        }
        return JSON.createObjectNode().put("$ref", "#/$defs/" + message.getFullName());
    }

    private static boolean isWellKnown(Descriptor message) {
        return switch (message.getFullName()) {
            case "google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Empty" -> true;
            default -> false;
        };
    }

    private ObjectNode inline(Descriptor message) {
        ObjectNode schema = JSON.createObjectNode().put("type", "object");
        if (message.getFullName().equals("google.protobuf.Any")) {
            schema.put("description", "Any message: its type under @type, and its fields");
            schema.putObject("properties")
                    .putObject("@type")
                    .put("type", "string")
                    .put("description", "type.googleapis.com/ and the full name of a message");
            return schema;
        }
        if (message.getFullName().equals("google.protobuf.Struct")) {
            return schema;
        }
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = JSON.createArrayNode();
        for (FieldDescriptor field : message.getFields()) {
            properties.set(field.getJsonName(), described(field, field(field)));
            if (!printed && isRequired(field)) {
                required.add(field.getJsonName());
            }
        }
        if (!required.isEmpty()) {
            schema.set("required", required);
        }
        if (!printed) {
            oneofs(message, schema);
            schema.put("additionalProperties", false);
        }
        String comment = comments.of(message);
        if (!comment.isEmpty()) {
            schema.put("description", comment);
        }
        return schema;
    }

    private static boolean isRequired(FieldDescriptor field) {
        return field.isRequired()
                || field.getOptions()
                        .getExtension(FieldBehaviorProto.fieldBehavior)
                        .contains(FieldBehavior.REQUIRED);
    }

    /** Where one of a oneof is given, none of those after it may be: with every pair named once, no two are. */
    private static void oneofs(Descriptor message, ObjectNode schema) {
        for (OneofDescriptor oneof : message.getRealOneofs()) {
            List<FieldDescriptor> fields = oneof.getFields();
            for (int i = 0; i < fields.size() - 1; i++) {
                ObjectNode dependent = schema.path("dependentSchemas") instanceof ObjectNode known
                        ? known
                        : schema.putObject("dependentSchemas");
                ArrayNode others = dependent
                        .putObject(fields.get(i).getJsonName())
                        .putObject("not")
                        .putArray("anyOf");
                fields.subList(i + 1, fields.size())
                        .forEach(
                                other -> others.addObject().putArray("required").add(other.getJsonName()));
            }
        }
    }

    private ObjectNode described(FieldDescriptor field, ObjectNode schema) {
        List<String> said = new ArrayList<>();
        if (field.getOptions().getDeprecated()) {
            said.add("Deprecated.");
        }
        String comment = comments.of(field);
        if (!comment.isEmpty()) {
            said.add(comment);
        } else if (schema.has("description")) {
            said.add(schema.path("description").asString(""));
        }
        OneofDescriptor oneof = field.getRealContainingOneof();
        if (oneof != null && oneof.getFieldCount() > 1) {
            said.add("At most one of "
                    + oneof.getFields().stream()
                            .map(FieldDescriptor::getJsonName)
                            .collect(Collectors.joining(", "))
                    + ".");
        }
        return said.isEmpty() ? schema : schema.put("description", String.join(" ", said));
    }

    private ObjectNode field(FieldDescriptor field) {
        if (field.isMapField()) {
            FieldDescriptor key = field.getMessageType().getFields().get(0);
            FieldDescriptor value = field.getMessageType().getFields().get(1);
            ObjectNode map = JSON.createObjectNode().put("type", "object");
            keys(key, map);
            map.set("additionalProperties", single(value));
            return map;
        }
        if (field.isRepeated()) {
            ObjectNode list = JSON.createObjectNode().put("type", "array");
            list.set("items", single(field));
            return list;
        }
        return single(field);
    }

    private static void keys(FieldDescriptor key, ObjectNode map) {
        switch (key.getJavaType()) {
            case BOOLEAN ->
                map.putObject("propertyNames").putArray("enum").add("true").add("false");
            case INT, LONG -> map.putObject("propertyNames").put("pattern", SIGNED);
            default -> {}
        }
    }

    private ObjectNode single(FieldDescriptor field) {
        ObjectNode schema = JSON.createObjectNode();
        return switch (field.getType()) {
            case BOOL -> schema.put("type", "boolean");
            case STRING -> schema.put("type", "string");
            case BYTES -> schema.put("type", "string").put("contentEncoding", "base64");
            case INT32, SINT32, SFIXED32 ->
                schema.put("type", "integer").put("minimum", Integer.MIN_VALUE).put("maximum", Integer.MAX_VALUE);
            case UINT32, FIXED32 ->
                schema.put("type", "integer").put("minimum", 0).put("maximum", 0xffffffffL);
            case INT64, SINT64, SFIXED64 -> long64(schema, SIGNED);
            case UINT64, FIXED64 -> long64(schema, UNSIGNED);
            case FLOAT, DOUBLE -> number(schema);
            case ENUM -> enumerated(field, schema);
            case MESSAGE, GROUP -> of(field.getMessageType());
        };
    }

    private ObjectNode long64(ObjectNode schema, String pattern) {
        if (printed) {
            schema.put("type", "string");
        } else {
            schema.putArray("type").add("integer").add("string");
        }
        return schema.put("pattern", pattern);
    }

    private ObjectNode number(ObjectNode schema) {
        if (!printed) {
            return schema.put("type", "number");
        }
        ArrayNode either = schema.putArray("anyOf");
        either.addObject().put("type", "number");
        either.addObject().putArray("enum").add("NaN").add("Infinity").add("-Infinity");
        return schema;
    }

    private ObjectNode enumerated(FieldDescriptor field, ObjectNode schema) {
        if (field.getEnumType().getFullName().equals("google.protobuf.NullValue")) {
            return schema.put("type", "null");
        }
        boolean open = printed && !field.legacyEnumFieldTreatedAsClosed();
        ObjectNode names = open ? schema.putArray("anyOf").addObject() : schema;
        names.put("type", "string");
        ArrayNode all = names.putArray("enum");
        field.getEnumType().getValues().stream()
                .map(EnumValueDescriptor::getName)
                .distinct()
                .forEach(all::add);
        if (open) {
            ((ArrayNode) schema.path("anyOf")).addObject().put("type", "integer");
        }
        return schema;
    }

    /** Those that are written as something else than an object. */
    private ObjectNode wellKnown(Descriptor message) {
        ObjectNode schema = JSON.createObjectNode();
        return switch (message.getFullName()) {
            case "google.protobuf.Timestamp" -> schema.put("type", "string").put("format", "date-time");
            case "google.protobuf.Duration" ->
                schema.put("type", "string")
                        .put("pattern", "^-?[0-9]+(\\.[0-9]{1,9})?s$")
                        .put("description", "Seconds, such as 1.5s");
            case "google.protobuf.FieldMask" ->
                schema.put("type", "string").put("description", "Paths of fields, separated by commas");
            case "google.protobuf.Value" -> schema.put("description", "Any JSON value");
            case "google.protobuf.ListValue" -> schema.put("type", "array");
            default -> single(message.getFields().get(0)); // a wrapper is written as what it wraps
        };
    }
}
