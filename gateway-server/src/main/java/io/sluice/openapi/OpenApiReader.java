package io.sluice.openapi;

import io.sluice.openapi.Operation.Body;
import io.sluice.openapi.Operation.Parameter;
import io.sluice.openapi.Operation.Place;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads an OpenAPI document, 3.0 or 3.1, JSON or YAML, or a {@linkplain ManifestReader manifest}. What a document gets wrong in one operation costs that operation or that part of it, not the document.
 */
final class OpenApiReader {
    static final int MOST_OPERATIONS = 10_000;
    private static final int MOST_REMARKS = 20;
    private static final int LONGEST_NAME = 64;
    private static final int LONGEST_DESCRIPTION = 2000;
    private static final int LONGEST_SCHEMA = 256 * 1024;
    private static final StreamReadConstraints LIMITS =
            StreamReadConstraints.builder().maxNestingDepth(200).build();
    private static final JsonMapper JSON = JsonMapper.builder(
                    JsonFactory.builder().streamReadConstraints(LIMITS).build())
            .build();
    private static final YAMLMapper YAML = YAMLMapper.builder(
                    YAMLFactory.builder().streamReadConstraints(LIMITS).build())
            .build();
    private static final Set<String> METHODS = Set.of("get", "put", "post", "delete", "options", "head", "patch");

    /** Which the gateway or the connection writes; a document that describes them as parameters is not obeyed. */
    private static final Set<String> OWN_HEADERS = Set.of(
            "accept",
            "content-type",
            "authorization",
            "proxy-authorization",
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
            "expect",
            "cookie",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "traceparent",
            "tracestate");

    private final JsonNode document;
    private final OpenApiSettings settings;
    private final Schemas schemas;
    private final Set<String> names = new HashSet<>();
    private final List<String> lost = new ArrayList<>();

    private OpenApiReader(JsonNode document, OpenApiSettings settings) {
        this.document = document;
        this.settings = settings;
        this.schemas =
                new Schemas(document, document.path("openapi").asString("").startsWith("3.0"));
    }

    /**
     * A document, read.
     *
     * @param server the first server's URL with its variables' defaults, perhaps relative; empty when there is none
     * @param remarks what the tools lack of what the document says, a sentence each
     */
    record Read(
            String title,
            String version,
            String description,
            String server,
            List<Operation> operations,
            List<String> remarks) {
        Read {
            operations = List.copyOf(operations);
            remarks = List.copyOf(remarks);
        }
    }

    /** @throws Unreadable with a sentence */
    static Read read(byte[] bytes, OpenApiSettings settings) {
        JsonNode document = tree(bytes);
        if (ManifestReader.isManifest(document)) {
            return ManifestReader.read(document, settings);
        }
        String version = document.path("openapi").asString("");
        if (document.has("swagger")) {
            throw new Unreadable("the document is of Swagger "
                    + document.path("swagger").asString("2.0") + "; OpenAPI 3.0 and 3.1 are read");
        }
        if (version.isEmpty()) {
            throw new Unreadable("the document is no OpenAPI document: it has no member 'openapi'");
        }
        if (!version.startsWith("3.0") && !version.startsWith("3.1")) {
            throw new Unreadable("the document is of OpenAPI " + version + "; 3.0 and 3.1 are read");
        }
        return new OpenApiReader(document, settings).read();
    }

    /** @throws Unreadable when it is no JSON or YAML, or no object */
    static JsonNode tree(byte[] bytes) {
        return tree(bytes, JacksonException::getOriginalMessage);
    }

    /** The same, of what may be no document at all: what is wrong is not shown, only where. */
    static JsonNode unquotedTree(byte[] bytes) {
        return tree(bytes, e -> "it is neither JSON nor YAML" + place(e.getLocation()));
    }

    private static String place(@Nullable TokenStreamLocation at) {
        return at == null || at.getLineNr() < 1 ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    }

    private static JsonNode tree(byte[] bytes, Function<JacksonException, String> reason) {
        int first = 0;
        while (first < bytes.length && (bytes[first] <= ' ')) {
            first++;
        }
        try {
            JsonNode tree = first < bytes.length && bytes[first] == '{' ? JSON.readTree(bytes) : YAML.readTree(bytes);
            if (!tree.isObject()) {
                throw new Unreadable("the document is no OpenAPI document: it is not an object");
            }
            return tree;
        } catch (JacksonException e) {
            throw new Unreadable("the document cannot be read: " + reason.apply(e));
        } catch (StackOverflowError e) {
            throw new Unreadable("the document cannot be read: it is nested too deeply");
        }
    }

    private Read read() {
        List<Operation> operations = new ArrayList<>();
        for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
            JsonNode item = schemas.followed(path.getValue());
            if (!path.getKey().startsWith("/")) {
                continue;
            }
            for (Map.Entry<String, JsonNode> each : item.properties()) {
                if (METHODS.contains(each.getKey()) && each.getValue().isObject()) {
                    operation(path.getKey(), each.getKey(), item, each.getValue())
                            .ifPresent(operations::add);
                    if (operations.size() > MOST_OPERATIONS) {
                        throw new Unreadable("the document has more than " + MOST_OPERATIONS
                                + " operations; select some with include or exclude");
                    }
                }
            }
        }
        JsonNode info = document.path("info");
        return new Read(
                info.path("title").asString("REST service"),
                info.path("version").asString("0"),
                info.path("description").asString(""),
                server(),
                operations,
                remarks());
    }

    private List<String> remarks() {
        List<String> remarks = new ArrayList<>(lost);
        schemas.open()
                .forEach(reference -> remarks.add("the reference to " + reference
                        + " is left open: it leads out of the document, or to nothing in it"));
        if (remarks.size() > MOST_REMARKS) {
            int more = remarks.size() - MOST_REMARKS;
            remarks.subList(MOST_REMARKS, remarks.size()).clear();
            remarks.add("and " + more + " more of the kind");
        }
        return remarks;
    }

    private String server() {
        JsonNode server = document.path("servers").path(0);
        String url = server.path("url").asString("");
        for (Map.Entry<String, JsonNode> variable : server.path("variables").properties()) {
            url = url.replace(
                    "{" + variable.getKey() + "}",
                    variable.getValue().path("default").asString(""));
        }
        return url;
    }

    private Optional<Operation> operation(String path, String method, JsonNode item, JsonNode operation) {
        String id = operation.path("operationId").asString("");
        String name = name(id.isEmpty() ? method + "_" + path : id);
        List<String> tags = new ArrayList<>();
        operation.path("tags").forEach(tag -> tags.add(tag.asString("")));
        boolean wanted = settings.include().admits(tags, id, name, method)
                && !settings.exclude().names(tags, id, name, method);
        if (!wanted) {
            return Optional.empty();
        }
        String tool = unique(name);
        Schemas.Bundle bundle = schemas.new Bundle(false);
        ObjectNode properties = JSON.createObjectNode();
        List<String> required = new ArrayList<>();
        List<Parameter> parameters = parameters(path, item, operation, bundle, properties, required);
        if (parameters.stream()
                        .filter(p -> p.place() == Place.PATH)
                        .map(Parameter::name)
                        .distinct()
                        .count()
                != placeholders(path).size()) {
            lost.add(method.toUpperCase(Locale.ROOT) + " " + path
                    + " is left out: its path has a parameter that nothing describes");
            return Optional.empty();
        }
        Optional<Body> body = body(operation, bundle, properties, required);
        ObjectNode input = JSON.createObjectNode().put("type", "object");
        input.set("properties", properties);
        if (!required.isEmpty()) {
            required.forEach(input.putArray("required")::add);
        }
        if (!bundle.definitions().isEmpty()) {
            input.set("$defs", bundle.definitions());
        }
        Optional<ObjectNode> output = output(operation);
        ObjectNode definition = definition(tool, method, path, operation, input);
        output.ifPresent(schema -> definition.set("outputSchema", schema));
        return Optional.of(new Operation(
                tool,
                method.toUpperCase(Locale.ROOT),
                path,
                parameters,
                body,
                output.map(o -> (JsonNode) o),
                definition));
    }

    static Set<String> placeholders(String path) {
        Set<String> found = new HashSet<>();
        int at = path.indexOf('{');
        while (at >= 0) {
            int end = path.indexOf('}', at);
            if (end < 0) {
                break;
            }
            found.add(path.substring(at + 1, end));
            at = path.indexOf('{', end);
        }
        return found;
    }

    /** Readable and stable: of the operation's id, or of its method and path. */
    private static String name(String text) {
        String name =
                text.replaceAll("[^A-Za-z0-9_-]+", "_").replaceAll("_{2,}", "_").replaceAll("^_+|_+$", "");
        if (name.isEmpty()) {
            name = "operation";
        }
        return name.length() <= LONGEST_NAME
                ? name
                : name.substring(0, LONGEST_NAME - 9) + "_" + String.format("%08x", text.hashCode());
    }

    private String unique(String name) {
        String free = name;
        for (int i = 2; !names.add(free); i++) {
            String end = "_" + i;
            free = name.substring(0, Math.min(name.length(), LONGEST_NAME - end.length())) + end;
        }
        return free;
    }

    private static ObjectNode definition(
            String tool, String method, String path, JsonNode operation, ObjectNode input) {
        ObjectNode definition = JSON.createObjectNode().put("name", tool);
        String summary = operation.path("summary").asString("").strip();
        String description = operation.path("description").asString("").strip();
        String said = summary.isEmpty() || description.startsWith(summary)
                ? description
                : description.isEmpty() ? summary : summary + "\n\n" + description;
        String request = method.toUpperCase(Locale.ROOT) + " " + path;
        String whole = (operation.path("deprecated").asBoolean(false) ? "Deprecated. " : "")
                + (said.isEmpty() ? request : said + "\n\n" + request);
        definition.put(
                "description",
                whole.length() > LONGEST_DESCRIPTION ? whole.substring(0, LONGEST_DESCRIPTION) + "…" : whole);
        if (!summary.isEmpty()) {
            definition.put("title", summary.length() > 120 ? summary.substring(0, 120) + "…" : summary);
        }
        definition.set("inputSchema", input);
        boolean reads = method.equals("get") || method.equals("head") || method.equals("options");
        ObjectNode annotations = definition.putObject("annotations");
        annotations.put("readOnlyHint", reads);
        if (!reads) {
            annotations.put("destructiveHint", !method.equals("post"));
        }
        annotations.put("idempotentHint", reads || method.equals("put") || method.equals("delete"));
        annotations.put("openWorldHint", true);
        return definition;
    }

    // ---- parameters

    private List<Parameter> parameters(
            String path,
            JsonNode item,
            JsonNode operation,
            Schemas.Bundle bundle,
            ObjectNode properties,
            List<String> required) {
        Map<String, JsonNode> all = new LinkedHashMap<>();
        for (JsonNode list : List.of(item.path("parameters"), operation.path("parameters"))) {
            for (JsonNode each : list) {
                JsonNode parameter = schemas.followed(each);
                all.put(
                        parameter.path("in").asString("") + " "
                                + parameter.path("name").asString(""),
                        parameter);
            }
        }
        Set<String> holes = placeholders(path);
        List<Parameter> found = new ArrayList<>();
        for (JsonNode parameter : all.values()) {
            String name = parameter.path("name").asString("");
            Place place = place(parameter.path("in").asString(""));
            if (place == null
                    || name.isEmpty()
                    || (place == Place.PATH && !holes.contains(name))
                    || (place == Place.HEADER && !mayDescribe(name))
                    || (place == Place.COOKIE && !isToken(name))) {
                continue;
            }
            String argument = argument(name, place, properties);
            boolean must = place == Place.PATH || parameter.path("required").asBoolean(false);
            JsonNode content = parameter.path("content").isObject()
                            && !parameter.path("content").isEmpty()
                    ? parameter.path("content").iterator().next()
                    : null;
            JsonNode schema = bundle.add(content == null ? parameter.path("schema") : content.path("schema"));
            properties.set(
                    argument, described(schema, parameter.path("description").asString("")));
            if (must) {
                required.add(argument);
            }
            String usual = place == Place.QUERY || place == Place.COOKIE ? "form" : "simple";
            boolean segments =
                    place == Place.PATH && parameter.path("x-multi-segment").asBoolean(false);
            String style =
                    segments ? Parameter.SEGMENTS : parameter.path("style").asString(usual);
            found.add(new Parameter(
                    argument,
                    name,
                    place,
                    style,
                    parameter.path("explode").asBoolean(style.equals("form")),
                    must,
                    content != null));
        }
        return found;
    }

    private static @Nullable Place place(String in) {
        return switch (in) {
            case "path" -> Place.PATH;
            case "query" -> Place.QUERY;
            case "header" -> Place.HEADER;
            case "cookie" -> Place.COOKIE;
            default -> null;
        };
    }

    /** Whether a document may have an argument sent as this header. */
    static boolean mayDescribe(String header) {
        return isToken(header) && !OWN_HEADERS.contains(header.toLowerCase(Locale.ROOT));
    }

    private static boolean isToken(String name) {
        return name.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}");
    }

    private static String argument(String name, Place place, ObjectNode taken) {
        String argument = name;
        if (taken.has(argument)) {
            argument = name + "_" + place.name().toLowerCase(Locale.ROOT);
        }
        while (taken.has(argument)) {
            argument += "_";
        }
        return argument;
    }

    private static JsonNode described(JsonNode schema, String description) {
        if (description.isEmpty() || !schema.isObject() || schema.has("description")) {
            return schema;
        }
        return ((ObjectNode) schema).put("description", description);
    }

    // ---- bodies and answers

    private Optional<Body> body(
            JsonNode operation, Schemas.Bundle bundle, ObjectNode properties, List<String> required) {
        JsonNode body = schemas.followed(operation.path("requestBody"));
        JsonNode content = body.path("content");
        if (!content.isObject() || content.isEmpty()) {
            return Optional.empty();
        }
        String type = mediaType(content);
        JsonNode schema = content.path(type).path("schema");
        String argument = properties.has("body") ? argument("body", Place.QUERY, properties) : "body";
        JsonNode closed = bundle.add(schema);
        properties.set(argument, described(closed, body.path("description").asString("")));
        boolean must = body.path("required").asBoolean(false);
        if (must) {
            required.add(argument);
        }
        String sent = type.contains("*") ? "application/json" : type;
        return Optional.of(new Body(argument, sent, must, schemas.followed(schema)));
    }

    /** JSON where it is offered, a list of patches only where there is no other; then forms; then whatever comes first. */
    private static String mediaType(JsonNode content) {
        List<String> types = new ArrayList<>(content.propertyNames());
        return types.stream()
                .filter(OpenApiReader::isJson)
                .min(Comparator.comparingInt(OpenApiReader::unusual))
                .or(() -> types.stream()
                        .filter(t -> t.startsWith("application/x-www-form-urlencoded"))
                        .findFirst())
                .or(() -> types.stream()
                        .filter(t -> t.startsWith("multipart/form-data"))
                        .findFirst())
                .orElse(types.get(0));
    }

    /** A document patched by another like it (RFC 7396) is what a schema of an object describes; a list of patches (RFC 6902) is not. */
    private static int unusual(String json) {
        String bare = json.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return switch (bare) {
            case "application/json", "*/*" -> 0;
            case "application/merge-patch+json" -> 1;
            case "application/json-patch+json" -> 3;
            default -> 2;
        };
    }

    static boolean isJson(String mediaType) {
        String bare = mediaType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return bare.equals("application/json") || bare.endsWith("+json") || bare.equals("*/*");
    }

    /** What a success is described to be, if that is an object. */
    private Optional<ObjectNode> output(JsonNode operation) {
        JsonNode responses = operation.path("responses");
        for (String status : List.of("200", "201", "202", "203", "2XX", "default")) {
            JsonNode content = schemas.followed(responses.path(status)).path("content");
            for (Map.Entry<String, JsonNode> each : content.properties()) {
                if (isJson(each.getKey())) {
                    return outputOf(each.getValue().path("schema"));
                }
            }
            if (responses.has(status)) {
                return Optional.empty();
            }
        }
        return Optional.empty();
    }

    private Optional<ObjectNode> outputOf(JsonNode schema) {
        JsonNode target = schemas.followed(schema);
        if (!target.path("type").asString("").equals("object")
                || !target.path("properties").isObject()) {
            return Optional.empty();
        }
        Schemas.Bundle bundle = schemas.new Bundle(true);
        JsonNode closed = bundle.add(target);
        if (!(closed instanceof ObjectNode made)) {
            return Optional.empty();
        }
        made.put("type", "object");
        if (!bundle.definitions().isEmpty()) {
            made.set("$defs", bundle.definitions());
        }
        return made.toString().length() > LONGEST_SCHEMA ? Optional.empty() : Optional.of(made);
    }
}
