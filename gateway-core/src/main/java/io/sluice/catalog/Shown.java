package io.sluice.catalog;

import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.RawJson;
import io.sluice.registry.ToolOverride;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tool as the registration wants it shown, and what its calls need so that the backend understands them.
 *
 * @param definition with the name, the description and the arguments that clients see
 * @param originalName as the backend knows it
 * @param fixed what clients do not send
 */
record Shown(Definition definition, String originalName, FixedArguments fixed) {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** @throws IllegalArgumentException when the definition is no JSON object */
    static Shown of(Definition own, ToolOverride override) {
        ObjectNode tool;
        try {
            tool = (ObjectNode) JSON.readTree(own.json().bytes());
        } catch (JacksonException | ClassCastException e) {
            throw new IllegalArgumentException("not a JSON object", e);
        }
        String name = override.name().orElse(own.key());
        tool.put("name", name);
        override.description().ifPresent(text -> tool.put("description", text));
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        if (tool.path("inputSchema") instanceof ObjectNode schema) {
            override.fixedArguments().forEach((argument, value) -> {
                hide(schema, argument, value, headers);
            });
        }
        Definition shown = new Definition(name, RawJson.of(JSON.writeValueAsBytes(tool)));
        return new Shown(shown, own.key(), new FixedArguments(override.fixedArguments(), headers));
    }

    private static void hide(
            ObjectNode schema, String argument, RawJson value, List<Map.Entry<String, String>> headers) {
        if (schema.path("properties") instanceof ObjectNode properties) {
            JsonNode hidden = properties.path(argument);
            JsonNode mirrored = hidden.path("x-mcp-header");
            JsonNode fixed = JSON.readTree(value.bytes());
            if (mirrored.isString() && fixed.isValueNode() && !fixed.isNull()) {
                headers.add(Map.entry(
                        McpHeaders.PARAM_PREFIX + mirrored.stringValue(), HeaderValue.encode(fixed.asString())));
            }
            properties.remove(argument);
        }
        if (schema.path("required") instanceof ArrayNode required) {
            for (int i = required.size() - 1; i >= 0; i--) {
                if (required.get(i).isString() && required.get(i).stringValue().equals(argument)) {
                    required.remove(i);
                }
            }
            if (required.isEmpty()) {
                schema.remove("required");
            }
        }
    }
}
