package io.sluice.catalog;

import static io.sluice.catalog.Fleet.JSON;
import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.catalog;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class CapabilitiesTest {
    @Test
    void aggregateHasWhatAnyBackendHas() {
        Catalog catalog = catalog(
                backend("a", 1).capable("{\"tools\":{}}"),
                backend("b", 2).capable("{\"resources\":{},\"logging\":{}}").speaking(ProtocolVersion.V2025_03_26),
                backend("c", 3).capable("{\"resources\":{\"subscribe\":true},\"completions\":{}}"),
                backend("d", 4).capable("{\"prompts\":{}}").apart());

        assertThat(legacy(catalog.aggregate()))
                .isEqualTo(JSON.readTree("{\"tools\":{\"listChanged\":true},"
                        + "\"resources\":{\"subscribe\":true,\"listChanged\":true},"
                        + "\"completions\":{},\"logging\":{}}"));
        assertThat(modern(catalog.aggregate())).isEqualTo(legacy(catalog.aggregate()));
        assertThat(legacy(catalog.mount("b").orElseThrow()))
                .isEqualTo(JSON.readTree("{\"resources\":{\"listChanged\":true},\"logging\":{}}"));
    }

    @Test
    void extensionsAreForModernClientsAndTheFirstBackendDecides() {
        Catalog catalog = catalog(
                backend("a", 1).capable("{\"extensions\":{\"x/ui\":{\"n\":1.10}}}"),
                backend("b", 2).capable("{\"extensions\":{\"x/ui\":{\"n\":2},\"x/skills\":{}},\"tools\":{}}"));

        assertThat(modern(catalog.aggregate()))
                .isEqualTo(JSON.readTree(
                        "{\"tools\":{\"listChanged\":true},\"extensions\":{\"x/ui\":{\"n\":1.10},\"x/skills\":{}}}"));
        assertThat(Fleet.text(catalog.mount("a").orElseThrow().discoverResult()))
                .contains("\"capabilities\":{\"extensions\":{\"x/ui\":{\"n\":1.10}}}");
        assertThat(legacy(catalog.aggregate()).has("extensions")).isFalse();
    }

    @Test
    void tasksOfALegacyBackendAreOfferedToAllAndThoseOfAModernOneToModernClients() {
        Catalog catalog = catalog(
                backend("a", 1)
                        .speaking(ProtocolVersion.V2025_11_25)
                        .capable(
                                "{\"tasks\":{\"list\":{},\"requests\":{\"x\":1,\"tools\":{\"call\":{}}}},\"tools\":{}}"),
                backend("b", 2).capable("{\"tools\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}"));

        assertThat(legacy(catalog.mount("a").orElseThrow()).has("tasks")).isTrue();
        assertThat(legacy(catalog.mount("a").orElseThrow()).has("tools")).isTrue();
        assertThat(legacy(catalog.mount("b").orElseThrow()).has("tasks")).isFalse();
        for (String mount : List.of("a", "b")) {
            assertThat(modern(catalog.mount(mount).orElseThrow()).path("extensions"))
                    .isEqualTo(JSON.readTree("{\"io.modelcontextprotocol/tasks\":{}}"));
        }
    }

    @Test
    void tasksThatNoToolCanBeCalledAsAndExperimentsAreNotPassedOn() {
        Catalog catalog = catalog(backend("a", 1)
                .speaking(ProtocolVersion.V2025_11_25)
                .capable("{\"tasks\":{\"list\":{}},\"experimental\":{\"x\":{}},\"tools\":{},\"future\":[{}]}"));

        assertThat(legacy(catalog.mount("a").orElseThrow()).propertyNames()).containsExactly("tools");
        assertThat(modern(catalog.mount("a").orElseThrow()).propertyNames()).containsExactly("tools");
    }

    @ParameterizedTest
    @CsvSource({
        "{\"tools\":{}}, TOOLS_LIST, true, true",
        "{\"tools\":{}}, TOOLS_CALL, true, true",
        "{\"tools\":{}}, PROMPTS_LIST, false, false",
        "{\"prompts\":{}}, PROMPTS_GET, true, true",
        "{\"resources\":{}}, RESOURCE_TEMPLATES_LIST, true, true",
        "{\"resources\":{}}, RESOURCES_SUBSCRIBE, false, false",
        "'{\"resources\":{\"x\":[1],\"subscribe\":true}}', RESOURCES_SUBSCRIBE, true, false",
        "{\"resources\":[true]}, RESOURCES_READ, false, false",
        "{\"logging\":{}}, LOGGING_SET_LEVEL, true, false",
        "{\"completions\":{}}, COMPLETION_COMPLETE, true, true",
        "{\"tools\":{}}, COMPLETION_COMPLETE, false, false",
        "{\"tasks\":{}}, TASKS_LIST, false, false",
        "{}, PING, true, false",
        "{}, DISCOVER, false, true",
        "{}, SUBSCRIPTIONS_LISTEN, false, true",
        "{}, TOOLS_LIST, false, false",
        "nonsense, TOOLS_LIST, false, false",
    })
    void methodIsOfferedWhenItsCapabilityIs(String capabilities, McpMethod method, boolean legacy, boolean modern) {
        Mount mount = catalog(backend("a", 1).capable(capabilities)).mount("a").orElseThrow();

        assertThat(mount.offers(method, Era.LEGACY)).isEqualTo(legacy);
        assertThat(mount.offers(method, Era.MODERN)).isEqualTo(modern);
    }

    @Test
    void unreachedBackendIsTakenToHaveTools() {
        Catalog catalog = catalog(
                backend("a", 1).capable("{\"prompts\":{}}"), backend("b", 2).unreached());

        assertThat(legacy(catalog.mount("b").orElseThrow()).propertyNames()).containsExactly("tools");
        assertThat(legacy(catalog.aggregate()).propertyNames()).containsExactly("tools", "prompts");
    }

    private static JsonNode legacy(Mount mount) {
        return JSON.readTree(mount.initializeResult(ProtocolVersion.V2025_11_25))
                .path("capabilities");
    }

    private static JsonNode modern(Mount mount) {
        return JSON.readTree(mount.discoverResult()).path("capabilities");
    }
}
