package io.sluice.catalog;

import static io.sluice.catalog.Fleet.JSON;
import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.build;
import static io.sluice.catalog.Fleet.catalog;
import static io.sluice.catalog.Fleet.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class RenderingTest {
    private static final ProtocolVersion LEGACY = ProtocolVersion.V2025_11_25;
    private static final ProtocolVersion MODERN = ProtocolVersion.V2026_07_28;

    @Test
    void legacyListHoldsNothingButTheDefinitions() {
        Catalog catalog = catalog(backend("a", 1).tool("x", "{\"name\":\"x\"}"));

        assertThat(tools(catalog.aggregate(), LEGACY)).isEqualTo("{\"tools\":[{\"name\":\"x\"}]}");
    }

    @Test
    void modernListSaysHowLongItLives() {
        Catalog catalog = catalog(backend("a", 1).tool("x", "{\"name\":\"x\"}"));

        assertThat(tools(catalog.aggregate(), MODERN))
                .isEqualTo("{\"resultType\":\"complete\",\"tools\":[{\"name\":\"x\"}],\"ttlMs\":45000,"
                        + "\"cacheScope\":\"public\"}");
    }

    @Test
    void allFourListsAreRendered() {
        Catalog catalog = catalog(
                backend("a", 1).tools("t").prompts("p").resources("file:///r").templates("file:///t/{x}"));
        Mount mount = catalog.aggregate();

        assertThat(text(mount.list(McpMethod.PROMPTS_LIST, LEGACY).bytes()))
                .isEqualTo("{\"prompts\":[{\"name\":\"p\"}]}");
        assertThat(text(mount.list(McpMethod.RESOURCES_LIST, LEGACY).bytes()))
                .isEqualTo("{\"resources\":[{\"uri\":\"file:///r\",\"name\":\"r\"}]}");
        assertThat(text(mount.list(McpMethod.RESOURCE_TEMPLATES_LIST, LEGACY).bytes()))
                .isEqualTo("{\"resourceTemplates\":[{\"uriTemplate\":\"file:///t/{x}\",\"name\":\"t\"}]}");
        assertThat(mount.list(McpMethod.TOOLS_LIST, LEGACY).size()).isEqualTo(1);
        assertThatThrownBy(() -> mount.list(McpMethod.TOOLS_CALL, LEGACY))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tools/call");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\":\"x\",\"n\":1.10,\"e\":1e400,\"d\":0.1234567890123456789012345678901234567890}",
                "{ \"zz\" : [ 1 , 2 ],\n\t\"name\" : \"x\" , \"aa\":{\"name\":\"inner\"} }",
                "{\"unknown\":{\"k\":\"\\ud800 \\u00e9é\"},\"na\\u006de\":\"\\u0078\",\"title\":\"名\"}",
                "{\"inputSchema\":{\"type\":\"object\",\"$defs\":{\"a\":{\"$anchor\":\"q\"}}},\"name\":\"x\"}"
            })
    void definitionsKeepEveryByteButTheirName(String definition) {
        Catalog catalog =
                catalog(backend("a", 1).tool("x", definition), backend("b", 2).tool("x", definition));

        String renamed = definition
                .replaceFirst("(\"name\"\\s*:\\s*)\"x\"", "$1\"b__x\"")
                .replace("\"\\u0078\"", "\"b__x\"");
        for (ProtocolVersion version : ProtocolVersion.values()) {
            assertThat(tools(catalog.aggregate(), version)).contains("[" + definition + "," + renamed + "]");
            assertThat(tools(catalog.mount("b").orElseThrow(), version)).contains("[" + definition + "]");
        }
        assertThat(renamed).isNotEqualTo(definition);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"name\":\"x\" , \"outputSchema\" : {\"type\":\"array\"} , \"z\":1}",
                "{\"outputSchema\" : {\"items\":[\"]\"]} , \"name\":\"x\",\"z\":1}",
                "{\"name\":\"x\",\"z\":1,\"outputSchema\":true}",
                "{\"outputSchema\":\"odd \\\" ,\",\"name\":\"x\",\"z\":1}",
                "{\"name\":\"x\",\"outputSchema\":{\"type\":[\"object\",\"null\"]},\"z\":1}",
                "{\"name\":\"x\",\"outputSchema\":17 ,\"z\":1}"
            })
    void outputSchemaOfNoObjectIsKeptFromLegacyClients(String definition) {
        Catalog catalog =
                catalog(backend("a", 1).tool("x", definition), backend("b", 2).tool("x", definition));

        JsonNode legacy = JSON.readTree(tools(catalog.aggregate(), LEGACY)).path("tools");
        assertThat(legacy.path(0)).isEqualTo(JSON.readTree("{\"name\":\"x\",\"z\":1}"));
        assertThat(legacy.path(1)).isEqualTo(JSON.readTree("{\"name\":\"b__x\",\"z\":1}"));
        assertThat(tools(catalog.aggregate(), MODERN)).contains("[" + definition + ",");
    }

    @Test
    void outputSchemaOfAnObjectIsShownToAll() {
        String tool = "{\"name\":\"x\",\"outputSchema\":{\"properties\":{\"type\":{}},\"type\":\"object\"}}";
        Catalog catalog = catalog(backend("a", 1).tool("x", tool));

        assertThat(tools(catalog.aggregate(), LEGACY)).contains(tool);
    }

    @Test
    void toolThatNeedsATaskIsShownToAll() {
        String tool = "{\"name\":\"x\",\"execution\":{\"taskSupport\":\"required\"}}";
        Catalog catalog =
                catalog(backend("a", 1).speaking(LEGACY).tool("x", tool).tools("y"));

        assertThat(Fleet.tools(catalog)).containsExactly("x", "y");
        assertThat(tools(catalog.aggregate(), LEGACY)).contains(tool);
    }

    @Test
    void aggregateLivesAsLongAsItsShortestList() {
        Catalog catalog = catalog(
                backend("a", 1).ttl(Duration.ofSeconds(50)),
                backend("b", 2).ttl(Duration.ofMillis(1_500)).apart(),
                backend("c", 3).ttl(Duration.ofMillis(12_345)));

        assertCached(catalog, 12_345, "public");
        assertThat(tools(catalog.mount("b").orElseThrow(), MODERN)).contains("\"ttlMs\":1500,");
    }

    @Test
    void promisesAreCapped() {
        assertCached(catalog(backend("a", 1).ttl(Duration.ofHours(9))), 60_000, "public");
    }

    @Test
    void legacyListsHaveTheConfiguredLifeAndArePrivate() {
        Fleet legacy = backend("a", 1).speaking(LEGACY).ttl(Duration.ZERO);
        CatalogSettings never = new CatalogSettings(
                CatalogSettings.Names.BARE, Duration.ofSeconds(60), Duration.ZERO, RawJson.of("{}"));

        assertCached(catalog(legacy, backend("b", 2)), 30_000, "private");
        assertCached(build(never, Catalog.EMPTY, legacy), 0, "private");
    }

    @Test
    void onePrivateContributorMakesTheAggregatePrivate() {
        assertCached(catalog(backend("a", 1), backend("b", 2).unshared()), 45_000, "private");
    }

    @Test
    void missingBackendsAreNamedOnTheAggregate() {
        Catalog catalog = catalog(
                backend("b", 2).unreached(),
                backend("a", 1),
                backend("c", 3).unreached().apart());

        for (ProtocolVersion version : ProtocolVersion.values()) {
            assertThat(JSON.readTree(tools(catalog.aggregate(), version)).at("/_meta/io.sluice~1missing"))
                    .isEqualTo(JSON.readTree("[\"b\"]"));
        }
        assertThat(catalog.aggregate().missing()).containsExactly("b");
        assertThat(catalog.mount("c").orElseThrow().missing()).containsExactly("c");
        assertThat(tools(catalog.mount("b").orElseThrow(), MODERN)).doesNotContain("_meta");
        assertThat(catalog.aggregate().contribution("b").orElseThrow().trouble())
                .hasValue("connection refused");
        assertThat(catalog.aggregate().contribution("c")).isEmpty();
        assertThat(tools(catalog(backend("a", 1)).aggregate(), MODERN)).doesNotContain("_meta");
    }

    @Test
    void unreachedBackendListsItsFallbackTools() {
        String tool = "{\"title\":\"t\",\"name\":\"x\"}";
        Catalog catalog = catalog(
                backend("a", 1).unreached().fallback(tool).fallback("{}").fallback("nonsense"));

        assertThat(tools(catalog.aggregate(), LEGACY)).startsWith("{\"tools\":[" + tool + "]");
        assertThat(catalog.aggregate().tool("x"))
                .hasValueSatisfying(t -> assertThat(t.backend()).isEqualTo("a"));
        assertThat(catalog.aggregate().offers(McpMethod.TOOLS_CALL, Era.LEGACY)).isTrue();
        assertThat(Fleet.tools(catalog(backend("a", 1).tools("y").fallback(tool))))
                .containsExactly("y");
    }

    @Test
    void definitionThatCannotBeReadIsLeftOut() {
        Catalog catalog = catalog(backend("a", 1)
                .tool("bad", "{\"name\":\"bad\"")
                .tool("two", "{\"name\":\"two\",\"name\":\"three\"}")
                .tool("none", "{\"title\":\"none\"}")
                .tool("more", "{\"name\":\"more\"},{\"name\":\"x\"}")
                .tool("cut", "{\"name\":\"cut\",\"outputSchema\":true")
                .tool("cut", "{\"outputSchema\":true ")
                .tool("deep", "{\"inputSchema\":" + "{\"items\":".repeat(5_000) + "1")
                .tools("good", "good"));

        assertThat(Fleet.tools(catalog)).containsExactly("good");
        assertThat(catalog.aggregate().tool("bad")).isEmpty();
    }

    @Test
    void backendsOwnMountGreetsInItsName() {
        String info = "{\"name\":\"weather\",\"version\":\"1.0\",\"odd\":1.10}";
        Catalog catalog =
                catalog(backend("a", 1).named(info).saying("\"Ask \\u0041\"").capable("{\"tools\":{}}"));
        Mount mount = catalog.mount("a").orElseThrow();

        assertThat(text(mount.initializeResult(ProtocolVersion.V2025_06_18)))
                .isEqualTo("{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{\"listChanged\":true}},"
                        + "\"serverInfo\":" + info + ",\"instructions\":\"Ask \\u0041\"}");
        assertThat(text(mount.discoverResult()))
                .isEqualTo("{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\",\"2025-11-25\","
                        + "\"2025-06-18\",\"2025-03-26\"],\"capabilities\":{\"tools\":{\"listChanged\":true}},"
                        + "\"instructions\":\"Ask \\u0041\",\"ttlMs\":45000,\"cacheScope\":\"public\","
                        + "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":" + info + "}}");
    }

    @Test
    void aggregateGreetsInTheGatewaysName() {
        CatalogSettings settings = CatalogSettings.ofVersion("9.\"9");
        Catalog catalog = build(
                settings,
                Catalog.EMPTY,
                backend("a", 1).named("{\"name\":\"weather\"}").saying("\"One\\n\\\"two\\\"\""),
                backend("b", 2),
                backend("c", 3).saying("\"Three\""));
        JsonNode result = JSON.readTree(catalog.aggregate().initializeResult(LEGACY));

        assertThat(result.path("serverInfo")).isEqualTo(JSON.readTree("{\"name\":\"sluice\",\"version\":\"9.\\\"9\"}"));
        assertThat(result.path("instructions").stringValue()).isEqualTo("a: One\n\"two\"\n\nc: Three");
        assertThat(text(catalog.mount("b").orElseThrow().initializeResult(LEGACY)))
                .contains("\"serverInfo\":" + settings.serverInfo())
                .doesNotContain("instructions");
    }

    @Test
    void instructionsTooLongTogetherAreLeftOut() {
        String half = "\"" + "i".repeat(2_100) + "\"";
        Catalog catalog = catalog(backend("a", 1).saying(half), backend("b", 2).saying(half));

        assertThat(text(catalog.aggregate().discoverResult())).doesNotContain("instructions");
        assertThat(text(catalog.mount("a").orElseThrow().discoverResult())).contains(half);
    }

    @Test
    void emptyGatewayOffersAnEmptyListOfTools() {
        Mount mount = Catalog.EMPTY.aggregate();

        assertThat(tools(mount, LEGACY)).isEqualTo("{\"tools\":[]}");
        assertThat(mount.offers(McpMethod.TOOLS_LIST, Era.MODERN)).isTrue();
        assertThat(mount.offers(McpMethod.PROMPTS_LIST, Era.MODERN)).isFalse();
        assertThat(JSON.readTree(mount.initializeResult(LEGACY))
                        .at("/capabilities/tools/listChanged")
                        .booleanValue())
                .isTrue();
        assertThat(mount.aggregate()).isTrue();
        assertThat(mount.missing()).isEmpty();
    }

    private static void assertCached(Catalog catalog, long ttlMillis, String scope) {
        for (byte[] result : new byte[][] {
            catalog.aggregate().list(McpMethod.PROMPTS_LIST, MODERN).bytes(),
            catalog.aggregate().discoverResult()
        }) {
            JsonNode json = JSON.readTree(result);
            assertThat(json.path("ttlMs").longValue()).isEqualTo(ttlMillis);
            assertThat(json.path("cacheScope").stringValue()).isEqualTo(scope);
        }
    }

    private static String tools(Mount mount, ProtocolVersion version) {
        return text(mount.list(McpMethod.TOOLS_LIST, version).bytes());
    }
}
