package io.sluice.config;

import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The JSON Schema of the configuration file, for editors: completion, descriptions and red lines while typing. */
public final class ConfigSchema {
    private ConfigSchema() {}

    /** The schema (2020-12), indented. */
    public static String json() {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.put("title", "Sluice configuration");
        schema.putAll(ConfigKeys.TOP.schema());
        @SuppressWarnings("unchecked")
        Map<String, Object> properties = (Map<String, Object>) schema.get("properties");
        if (properties != null) {
            properties.put("servers", Map.of("$ref", "#/properties/mcpServers"));
        }
        return JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build()
                .writeValueAsString(schema);
    }
}
