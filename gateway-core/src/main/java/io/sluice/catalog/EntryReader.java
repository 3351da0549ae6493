package io.sluice.catalog;

import io.sluice.envelope.Span;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Reads a definition once, as a stream, and notes the spans and facts the catalog needs. Builds no tree. */
final class EntryReader {
    private static final JsonFactory JSON = new JsonFactory();
    private static final String ANNOTATION = "x-mcp-header";

    /** Keywords whose value is data, not a schema. */
    private static final Set<String> DATA = Set.of("default", "const", "enum", "examples");

    /** Keywords whose value maps names to schemas. */
    private static final Set<String> SCHEMA_MAPS =
            Set.of("properties", "patternProperties", "$defs", "definitions", "dependentSchemas");

    private final byte[] json;
    private final JsonParser parser;
    private final List<String> path = new ArrayList<>(4);
    private final List<ParamHeader> paramHeaders = new ArrayList<>(0);
    private final Set<String> headerNames = new HashSet<>(0);
    private @Nullable String problem;
    private final List<Entry.Link> links = new ArrayList<>(0);
    private @Nullable Span key;
    private @Nullable Span legacyCut;
    private boolean readOnly;
    private boolean idempotent;
    private TaskSupport tasks = TaskSupport.FORBIDDEN;

    private EntryReader(byte[] json, JsonParser parser) {
        this.json = json;
        this.parser = parser;
    }

    /**
     * @throws IllegalArgumentException with a sentence, when the definition is not an object that names its key exactly
     *     once
     */
    static Entry read(ListKind kind, Definition definition) {
        byte[] json = definition.json().bytes();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
            EntryReader reader = new EntryReader(json, parser);
            return reader.entry(definition, reader.members(kind));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("not JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** The value of {@code name} in a tool definition that nobody has looked at yet. */
    static Optional<String> nameOf(byte[] tool) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), tool)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return Optional.empty();
            }
            for (String member = parser.nextName(); member != null; member = parser.nextName()) {
                JsonToken value = parser.nextToken();
                if (member.equals("name")) {
                    return value == JsonToken.VALUE_STRING ? Optional.of(parser.getString()) : Optional.empty();
                }
                parser.skipChildren();
            }
            return Optional.empty();
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    private Entry entry(Definition definition, Span name) {
        return new Entry(
                definition,
                name,
                links,
                Optional.ofNullable(legacyCut),
                problem == null ? paramHeaders : List.of(),
                Optional.ofNullable(problem),
                readOnly,
                idempotent,
                tasks,
                definition.key(),
                FixedArguments.NONE);
    }

    /** Reads the whole definition; returns where its key stands. */
    private Span members(ListKind kind) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new IllegalArgumentException("not an object");
        }
        boolean tool = kind == ListKind.TOOLS;
        readOnly = !tool;
        idempotent = !tool;
        for (String member = parser.nextName(); member != null; member = parser.nextName()) {
            int nameStart = tool && member.equals("outputSchema") ? tokenStart() : -1;
            JsonToken value = parser.nextToken();
            if (member.equals(kind.key())) {
                key(member, value);
            } else if (tool) {
                toolMember(member, value, nameStart);
            } else {
                parser.skipChildren();
            }
        }
        if (key == null) {
            throw new IllegalArgumentException("no " + kind.key());
        }
        if (parser.nextToken() != null) {
            throw new IllegalArgumentException("followed by something else");
        }
        return key;
    }

    private void key(String keyName, JsonToken value) {
        if (value != JsonToken.VALUE_STRING || key != null) {
            throw new IllegalArgumentException(keyName + " is not one string");
        }
        key = stringSpan();
    }

    private Span stringSpan() {
        int start = tokenStart();
        parser.finishToken();
        return new Span(start, position());
    }

    private void toolMember(String member, JsonToken value, int nameStart) {
        switch (member) {
            case "inputSchema" -> {
                if (value == JsonToken.START_OBJECT) {
                    schema();
                }
            }
            case "outputSchema" -> outputSchema(value, nameStart);
            case "annotations" -> hints(value);
            case "execution" -> execution(value);
            case "_meta" -> meta(value);
            default -> parser.skipChildren();
        }
    }

    private void hints(JsonToken value) {
        if (value != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return;
        }
        for (String hint = parser.nextName(); hint != null; hint = parser.nextName()) {
            boolean set = parser.nextToken() == JsonToken.VALUE_TRUE;
            if (hint.equals("readOnlyHint")) {
                readOnly = set;
            } else if (hint.equals("idempotentHint")) {
                idempotent = set;
            }
            parser.skipChildren();
        }
    }

    private void execution(JsonToken value) {
        if (value != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return;
        }
        for (String member = parser.nextName(); member != null; member = parser.nextName()) {
            JsonToken token = parser.nextToken();
            if (member.equals("taskSupport") && token == JsonToken.VALUE_STRING) {
                tasks = TaskSupport.of(parser.getString());
            }
            parser.skipChildren();
        }
    }

    /**
     * MCP Apps name the resource that shows a tool in {@code _meta.ui.resourceUri}; earlier drafts in
     * {@code _meta["ui/resourceUri"]}.
     */
    private void meta(JsonToken value) {
        if (value != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return;
        }
        for (String member = parser.nextName(); member != null; member = parser.nextName()) {
            JsonToken token = parser.nextToken();
            if (member.equals("ui/resourceUri")) {
                link(token);
            } else if (member.equals("ui") && token == JsonToken.START_OBJECT) {
                for (String inner = parser.nextName(); inner != null; inner = parser.nextName()) {
                    JsonToken innerToken = parser.nextToken();
                    if (inner.equals("resourceUri")) {
                        link(innerToken);
                    }
                    parser.skipChildren();
                }
            }
            parser.skipChildren();
        }
    }

    private void link(JsonToken value) {
        if (value == JsonToken.VALUE_STRING) {
            links.add(new Entry.Link(parser.getString(), stringSpan()));
        }
    }

    /**
     * Before 2026-07-28 an output schema had to describe an object; any other is noted for removal, together with one
     * comma beside it.
     */
    private void outputSchema(JsonToken value, int nameStart) {
        boolean object = false;
        if (value == JsonToken.START_OBJECT) {
            for (String member = parser.nextName(); member != null; member = parser.nextName()) {
                JsonToken token = parser.nextToken();
                if (member.equals("type")) {
                    object = token == JsonToken.VALUE_STRING
                            && parser.getString().equals("object");
                }
                parser.skipChildren();
            }
        } else {
            parser.skipChildren();
            parser.finishToken();
        }
        if (object) {
            return;
        }
        int end = position();
        int before = nameStart - 1;
        while (isBlank(json[before])) {
            before--;
        }
        if (json[before] == ',') {
            legacyCut = new Span(before, end);
            return;
        }
        int after = end;
        while (after < json.length && isBlank(json[after])) {
            after++;
        }
        boolean comma = after < json.length && json[after] == ',';
        legacyCut = new Span(nameStart, comma ? after + 1 : end);
    }

    /**
     * Reads a schema to which {@link #path} leads through {@code properties} alone; the parser stands at its opening
     * brace, and at its closing one afterwards.
     */
    private void schema() {
        String header = null;
        boolean annotated = false;
        String type = null;
        for (String keyword = parser.nextName(); keyword != null; keyword = parser.nextName()) {
            JsonToken value = parser.nextToken();
            switch (keyword) {
                case ANNOTATION -> {
                    annotated = true;
                    header = value == JsonToken.VALUE_STRING ? parser.getString() : null;
                    parser.skipChildren();
                }
                case "type" -> type = type(value);
                case "properties" -> properties(value);
                default -> unreachable(keyword, value);
            }
        }
        if (annotated) {
            annotation(header, type);
        }
    }

    private void properties(JsonToken value) {
        if (value != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return;
        }
        for (String property = parser.nextName(); property != null; property = parser.nextName()) {
            if (parser.nextToken() == JsonToken.START_OBJECT) {
                path.add(property);
                schema();
                path.remove(path.size() - 1);
            } else {
                parser.skipChildren();
            }
        }
    }

    /** The type, or the one beside {@code null}; empty when there are several or none. */
    private @Nullable String type(JsonToken value) {
        if (value == JsonToken.VALUE_STRING) {
            return parser.getString();
        }
        if (value != JsonToken.START_ARRAY) {
            parser.skipChildren();
            return null;
        }
        List<String> types = new ArrayList<>();
        for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
            types.add(token == JsonToken.VALUE_STRING ? parser.getString() : "");
            parser.skipChildren();
        }
        types.remove("null");
        return types.size() == 1 ? types.get(0) : null;
    }

    /** Looks for annotations where they cannot be: anywhere that an argument's path does not lead to. */
    private void unreachable(String keyword, @Nullable JsonToken value) {
        if (DATA.contains(keyword)) {
            parser.skipChildren();
        } else if (value == JsonToken.START_ARRAY) {
            for (JsonToken item = parser.nextToken(); item != JsonToken.END_ARRAY; item = parser.nextToken()) {
                if (item == JsonToken.START_OBJECT) {
                    unreachableSchema();
                } else {
                    parser.skipChildren();
                }
            }
        } else if (value == JsonToken.START_OBJECT && SCHEMA_MAPS.contains(keyword)) {
            for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                if (parser.nextToken() == JsonToken.START_OBJECT) {
                    unreachableSchema();
                } else {
                    parser.skipChildren();
                }
            }
        } else if (value == JsonToken.START_OBJECT) {
            unreachableSchema();
        }
    }

    private void unreachableSchema() {
        for (String keyword = parser.nextName(); keyword != null; keyword = parser.nextName()) {
            JsonToken value = parser.nextToken();
            if (keyword.equals(ANNOTATION)) {
                refuse("stands where no argument's path leads");
                parser.skipChildren();
            } else {
                unreachable(keyword, value);
            }
        }
    }

    private void annotation(@Nullable String header, @Nullable String type) {
        if (header == null || !isToken(header)) {
            refuse("is not the name of a header");
        } else if (path.isEmpty()) {
            refuse("stands on the whole schema");
        } else if (!headerNames.add(header.toLowerCase(Locale.ROOT))) {
            refuse("'" + header + "' occurs twice");
        } else {
            switch (type == null ? "" : type) {
                case "string" -> paramHeaders.add(new ParamHeader(header, path, ParamHeader.Type.STRING));
                case "integer" -> paramHeaders.add(new ParamHeader(header, path, ParamHeader.Type.INTEGER));
                case "boolean" -> paramHeaders.add(new ParamHeader(header, path, ParamHeader.Type.BOOLEAN));
                default -> refuse("'" + header + "' is on an argument that is no string, integer or boolean");
            }
        }
    }

    private void refuse(String what) {
        if (problem == null) {
            problem = ANNOTATION + " " + what;
        }
    }

    /** RFC 9110, 5.6.2: {@code 1*tchar}. */
    private static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean alphanumeric = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
            if (!alphanumeric && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\n' || b == '\r' || b == '\t';
    }

    private int tokenStart() {
        return (int) parser.currentTokenLocation().getByteOffset();
    }

    private int position() {
        return (int) parser.currentLocation().getByteOffset();
    }
}
