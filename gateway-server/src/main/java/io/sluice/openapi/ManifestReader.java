package io.sluice.openapi;

import io.sluice.openapi.Operation.Body;
import io.sluice.openapi.Operation.Parameter;
import io.sluice.openapi.Operation.Place;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the manifest of a plain service: a small JSON of tools with their HTTP bindings, for services without OpenAPI. docs/manifest.schema.json describes it. A manifest is written for the gateway, so
 * it is read strictly: the first mistake is told.
 */
final class ManifestReader {
    /** All arguments that have no other place, as members of one JSON object. */
    static final String REST = "*";

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Set<String> METHODS = Set.of("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD");

    private ManifestReader() {}

    static boolean isManifest(JsonNode document) {
        return document.has("mcpManifest");
    }

    /** @throws Unreadable with a sentence */
    static OpenApiReader.Read read(JsonNode manifest, OpenApiSettings settings) {
        if (manifest.path("mcpManifest").asInt(0) != 1) {
            throw new Unreadable("the manifest is of version " + manifest.path("mcpManifest") + "; 1 is read");
        }
        List<Operation> operations = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (JsonNode tool : manifest.path("tools")) {
            Operation operation = operation(tool);
            if (!names.add(operation.tool())) {
                throw new Unreadable("the manifest names the tool '" + operation.tool() + "' twice");
            }
            String method = operation.method().toLowerCase(Locale.ROOT);
            if (settings.include().admits(List.of(), operation.tool(), operation.tool(), method)
                    && !settings.exclude().names(List.of(), operation.tool(), operation.tool(), method)) {
                operations.add(operation);
            }
        }
        if (!manifest.path("tools").isArray()) {
            throw new Unreadable("the manifest has no array 'tools'");
        }
        return new OpenApiReader.Read(
                manifest.path("name").asString("service"),
                manifest.path("version").asString("0"),
                manifest.path("description").asString(""),
                manifest.path("baseUrl").asString(""),
                operations,
                List.of());
    }

    private static Operation operation(JsonNode tool) {
        String name = tool.path("name").asString("");
        if (!name.matches("[A-Za-z0-9_-]{1,64}")) {
            throw new Unreadable("the manifest has a tool named '" + name + "'; use 1 to 64 of A-Z, a-z, 0-9, _ and -");
        }
        JsonNode http = tool.path("http");
        String method = http.path("method").asString("").toUpperCase(Locale.ROOT);
        String path = http.path("path").asString("");
        if (!METHODS.contains(method) || !path.startsWith("/")) {
            throw new Unreadable(
                    "tool '" + name + "' of the manifest needs http: {method, path}, the path starting with '/'");
        }
        JsonNode schema = tool.path("inputSchema");
        if (schema.isObject() && schema.path("$ref").isString()) {
            throw new Unreadable("tool '" + name + "' of the manifest has an inputSchema that is a reference");
        }
        Set<String> required = new HashSet<>();
        schema.path("required").forEach(each -> required.add(each.asString("")));
        List<Parameter> parameters = new ArrayList<>();
        Set<String> placed = new HashSet<>();
        for (String hole : OpenApiReader.placeholders(path)) {
            parameters.add(new Parameter(hole, hole, Place.PATH, "simple", false, true, false));
            placed.add(hole);
        }
        for (Map.Entry<String, JsonNode> header : http.path("headers").properties()) {
            if (!OpenApiReader.mayDescribe(header.getKey())) {
                throw new Unreadable("tool '" + name + "' of the manifest sets the header '" + header.getKey()
                        + "', which is the gateway's own");
            }
            String argument = header.getValue().asString("");
            parameters.add(new Parameter(
                    argument, header.getKey(), Place.HEADER, "simple", false, required.contains(argument), false));
            placed.add(argument);
        }
        for (JsonNode each : http.path("query")) {
            query(each.asString(""), required, parameters);
            placed.add(each.asString(""));
        }
        String body = http.path("body").asString("");
        boolean bodiless = method.equals("GET") || method.equals("HEAD") || method.equals("DELETE");
        if (body.isEmpty() && bodiless) {
            for (String argument : schema.path("properties").propertyNames()) {
                if (placed.add(argument)) {
                    query(argument, required, parameters);
                }
            }
        }
        Optional<Body> sent = body.isEmpty() && bodiless
                ? Optional.empty()
                : Optional.of(new Body(
                        body.isEmpty() ? REST : body,
                        "application/json",
                        required.contains(body),
                        JSON.createObjectNode()));
        return new Operation(
                name, method, path, parameters, sent, Optional.empty(), definition(tool, name, method, schema));
    }

    private static void query(String argument, Set<String> required, List<Parameter> parameters) {
        parameters.add(
                new Parameter(argument, argument, Place.QUERY, "form", true, required.contains(argument), false));
    }

    private static ObjectNode definition(JsonNode tool, String name, String method, JsonNode schema) {
        ObjectNode definition = JSON.createObjectNode().put("name", name);
        definition.put("description", tool.path("description").asString(""));
        ObjectNode input = schema.isObject() ? (ObjectNode) schema.deepCopy() : JSON.createObjectNode();
        definition.set("inputSchema", input.put("type", "object"));
        ObjectNode annotations = tool.path("annotations").isObject()
                ? (ObjectNode) tool.path("annotations").deepCopy()
                : JSON.createObjectNode();
        boolean reads = method.equals("GET") || method.equals("HEAD");
        if (!annotations.has("readOnlyHint")) {
            annotations.put("readOnlyHint", reads);
        }
        if (!annotations.has("idempotentHint")) {
            annotations.put("idempotentHint", reads || method.equals("PUT") || method.equals("DELETE"));
        }
        definition.set("annotations", annotations);
        return definition;
    }
}
