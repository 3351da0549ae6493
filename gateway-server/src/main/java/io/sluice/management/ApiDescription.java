package io.sluice.management;

import io.netty.handler.codec.http.HttpResponseStatus;
import io.sluice.management.Operation.Access;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The table of operations as an OpenAPI 3.1 document: {@code /openapi.json} says what there is because it is made of it. */
final class ApiDescription {
    private static final String PROBLEM = "#/components/schemas/Problem";

    private ApiDescription() {}

    static Map<String, Object> of(List<Operation> operations, String version) {
        Map<String, Object> paths = new LinkedHashMap<>();
        for (Operation operation : operations) {
            String path = operation.path().toString();
            Object there = paths.computeIfAbsent(path, key -> new LinkedHashMap<String, Object>());
            @SuppressWarnings("unchecked") // put there above
            Map<String, Object> item = (Map<String, Object>) there;
            item.put(operation.method().name().toLowerCase(Locale.ROOT), operation(operation));
        }
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("openapi", "3.1.0");
        document.put(
                "info",
                Map.of(
                        "title",
                        "Sluice",
                        "version",
                        version,
                        "description",
                        "The management API of an MCP gateway. MCP itself is served at /mcp and /mcp/{mount}."));
        document.put("paths", paths);
        document.put(
                "components",
                Map.of(
                        "securitySchemes",
                        Map.of("token", Map.of("type", "http", "scheme", "bearer")),
                        "schemas",
                        Map.of("Problem", problem())));
        return document;
    }

    private static Map<String, Object> operation(Operation operation) {
        Manual manual = operation.manual();
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("operationId", id(operation));
        described.put("summary", operation.summary());
        described.put("tags", List.of(tag(operation.path())));
        List<Object> parameters = new ArrayList<>();
        for (String segment : operation.path().segments()) {
            if (segment.startsWith("{")) {
                parameters.add(parameter(segment.substring(1, segment.length() - 1), "path", "", true));
            }
        }
        manual.query()
                .forEach(query ->
                        parameters.add(parameter(query.name(), "query", query.description(), query.required())));
        if (!parameters.isEmpty()) {
            described.put("parameters", parameters);
        }
        if (!manual.members().isEmpty()) {
            described.put(
                    "requestBody",
                    Map.of("required", true, "content", Map.of("application/json", Map.of("schema", manual.schema()))));
        }
        described.put("responses", responses(operation));
        if (operation.access() == Access.MANAGING) {
            described.put("security", List.of(Map.of("token", List.of())));
        }
        return described;
    }

    /** The media types of each status that an operation may answer with. */
    static Map<Integer, List<String>> formats(Operation operation) {
        Map<Integer, List<String>> formats = new LinkedHashMap<>();
        meanings(operation)
                .keySet()
                .forEach(status -> formats.put(status, operation.manual().formats(status)));
        return formats;
    }

    private static Map<Integer, String> meanings(Operation operation) {
        Map<Integer, String> meanings = new LinkedHashMap<>();
        if (operation.manual().answers().keySet().stream().noneMatch(status -> status < 300)) {
            meanings.put(200, "Done");
        }
        meanings.putAll(operation.manual().answers());
        if (!operation.manual().members().isEmpty()) {
            meanings.putIfAbsent(400, "The body is no JSON");
            meanings.putIfAbsent(408, "The body did not arrive in time");
            meanings.putIfAbsent(413, "The body is longer than 64 KiB");
            meanings.putIfAbsent(415, "The body is not said to be JSON");
        }
        if (operation.access() == Access.MANAGING) {
            meanings.putIfAbsent(401, "The token is missing or unknown");
            meanings.putIfAbsent(403, "The token may call tools, but not manage the gateway");
        }
        return meanings;
    }

    private static Map<String, Object> responses(Operation operation) {
        Map<String, Object> responses = new LinkedHashMap<>();
        meanings(operation).forEach((status, meaning) -> {
            Map<String, Object> response = new LinkedHashMap<>();
            response.put("description", meaning);
            Map<String, Object> content = new LinkedHashMap<>();
            operation
                    .manual()
                    .formats(status)
                    .forEach(type -> content.put(type, Map.of("schema", schema(type, operation))));
            response.put("content", content);
            responses.put(Integer.toString(status), response);
        });
        return responses;
    }

    private static Map<String, Object> schema(String mediaType, Operation operation) {
        return switch (mediaType) {
            case Manual.PROBLEM -> Map.of("$ref", PROBLEM);
            case Manual.JSON ->
                operation.manual().results().isEmpty()
                        ? Map.of()
                        : operation.manual().resultSchema();
            default -> Map.of("type", "string");
        };
    }

    private static Map<String, Object> parameter(String name, String in, String description, boolean required) {
        Map<String, Object> parameter = new LinkedHashMap<>();
        parameter.put("name", name);
        parameter.put("in", in);
        if (!description.isEmpty()) {
            parameter.put("description", description);
        }
        parameter.put("required", required);
        parameter.put("schema", Map.of("type", "string"));
        return parameter;
    }

    private static String id(Operation operation) {
        StringBuilder id = new StringBuilder(operation.method().name().toLowerCase(Locale.ROOT));
        for (String segment : operation.path().segments()) {
            for (String word : segment.split("[^A-Za-z0-9]+")) {
                if (!word.isEmpty()) {
                    id.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
                }
            }
        }
        return id.toString();
    }

    private static String tag(PathPattern path) {
        List<String> segments = path.segments();
        String first = segments.size() > 1 ? segments.get(1) : "";
        return switch (first) {
            case "mcp" -> "clients";
            case "api" -> segments.size() > 4 ? segments.get(4) : "api";
            case "register", "services" -> "registration";
            default -> "gateway";
        };
    }

    private static Map<String, Object> problem() {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("title", Map.of("type", "string"));
        properties.put("status", Map.of("type", "integer", "example", HttpResponseStatus.NOT_FOUND.code()));
        properties.put("detail", Map.of("type", "string", "description", "A sentence that says what is wrong"));
        properties.put("code", Map.of("type", "string", "description", "Stable, for programs"));
        properties.put("hint", Map.of("type", "string", "description", "The way out"));
        properties.put("errors", Map.of("type", "array", "items", Map.of("type", "object")));
        return Map.of("type", "object", "required", List.of("detail"), "properties", properties);
    }
}
