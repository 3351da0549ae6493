package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class ConfigSchemaTest {
    private final JsonNode schema = JsonMapper.builder().build().readTree(ConfigSchema.json());

    @Test
    void everyKeyIsInTheSchema() {
        for (String path : ConfigKeys.allPaths()) {
            JsonNode node = schema;
            for (String part : path.split("\\.")) {
                node = part.equals("*") ? node.path("additionalProperties") : property(node, part);
                assertThat(node.isMissingNode()).as("%s at %s", path, part).isFalse();
            }
            assertThat(node.path("description").asString()).as(path).isNotBlank();
        }
    }

    @Test
    void schemaRefusesUnknownKeysAndNamesTheDefaults() {
        assertThat(schema.path("additionalProperties").asBoolean(true)).isFalse();
        assertThat(schema.at("/properties/server/properties/port/default").asInt())
                .isEqualTo(8080);
        assertThat(schema.at("/properties/servers/$ref").asString()).isEqualTo("#/properties/mcpServers");
    }

    /** A property, through a list or a choice where there is one. */
    private static JsonNode property(JsonNode node, String name) {
        JsonNode direct = node.path("properties").path(name);
        if (!direct.isMissingNode()) {
            return direct;
        }
        for (JsonNode either : node.path("anyOf")) {
            JsonNode inside = property(either, name);
            if (!inside.isMissingNode()) {
                return inside;
            }
        }
        return node.has("items") ? property(node.path("items"), name) : node.path("nothing");
    }
}
