package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * {@code server/discover} is what clients decide their era by: it is answered from memory, whatever the backends do.
 */
class DiscoverTest {
    @Test
    void discoverIsAnsweredWhenNothingIsRegistered() throws Exception {
        try (TestGateway gateway = TestGateway.start()) {
            RawExchange.Got got = discover().send(gateway);

            assertThat(got.status()).isEqualTo(200);
            JsonNode result = got.json().path("result");
            assertThat(result.path("resultType").asString()).isEqualTo("complete");
            assertThat(result.path("supportedVersions").toString())
                    .isEqualTo("[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\"]");
            assertThat(result.path("ttlMs").isIntegralNumber()).isTrue();
            assertThat(result.path("cacheScope").asString()).isIn("public", "private");
            assertThat(result.path("_meta")
                            .path("io.modelcontextprotocol/serverInfo")
                            .path("name")
                            .asString())
                    .isEqualTo("sluice");
            assertThat(got.header("Mcp-Session-Id")).isEmpty();
        }
    }

    @Test
    void discoverIsAnsweredWithAllBackendsDownAndAsksNone() throws Exception {
        FakeBackend modern = FakeBackend.modern();
        FakeBackend legacy = FakeBackend.legacy();
        try (TestGateway gateway = TestGateway.start()
                .with("modern", modern)
                .with("legacy", legacy)
                .listeningTo(modern)
                .listeningTo(legacy)) {
            String before = discover().send(gateway).text();
            int asked = modern.received().size() + legacy.received().size();
            modern.down();
            legacy.down();

            for (String path : List.of("/mcp", "/mcp/modern", "/mcp/legacy")) {
                assertThat(discover().send(gateway, path).status()).isEqualTo(200);
            }

            assertThat(discover().send(gateway).text()).isEqualTo(before);
            assertThat(modern.received().size() + legacy.received().size()).isEqualTo(asked);
        }
    }

    @Test
    void discoverIsAnsweredWhileEveryCallHangs() throws Exception {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.untilClosed());
        try (TestGateway gateway = TestGateway.start().with("up", backend)) {
            List<RawExchange> hanging = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                hanging.add(ModernRequest.call("echo", "{}").sent(gateway));
            }
            await().atMost(TestGateway.PATIENCE).until(() -> backend.count("tools/call") == 100);

            for (int i = 0; i < 50; i++) {
                assertThat(discover().send(gateway).status()).isEqualTo(200);
            }

            for (RawExchange call : hanging) {
                call.close();
            }
        }
    }

    @Test
    void capabilitiesAreThoseThatCallsHonour() throws Exception {
        FakeBackend tools = FakeBackend.modern().capabilities("{\"tools\":{}}");
        FakeBackend all = FakeBackend.legacy()
                .capabilities("{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true},\"prompts\":{},"
                        + "\"completions\":{},\"logging\":{},\"tasks\":{\"list\":{}},\"experimental\":{\"x\":{}}}");
        try (TestGateway gateway = TestGateway.start().with("tools", tools).with("all", all)) {
            JsonNode few = capabilities(gateway, "/mcp/tools");
            JsonNode many = capabilities(gateway, "/mcp");

            assertThat(names(few)).containsExactly("tools");
            assertThat(names(many))
                    .containsExactlyInAnyOrder("tools", "resources", "prompts", "completions", "logging");
            assertThat(many.path("resources").path("subscribe").asBoolean()).isTrue();
            assertThat(many.path("tools").path("listChanged").asBoolean()).isTrue();
            for (String path : List.of("/mcp/tools", "/mcp")) {
                List<String> offered = names(capabilities(gateway, path));
                assertThat(status(gateway, path, ModernRequest.of("tools/list", "")))
                        .isEqualTo(200);
                assertThat(status(gateway, path, ModernRequest.of("prompts/list", "")))
                        .isEqualTo(offered.contains("prompts") ? 200 : 404);
                assertThat(status(gateway, path, ModernRequest.of("resources/list", "")))
                        .isEqualTo(offered.contains("resources") ? 200 : 404);
                assertThat(status(gateway, path, ModernRequest.of("resources/templates/list", "")))
                        .isEqualTo(offered.contains("resources") ? 200 : 404);
            }
        }
    }

    @Test
    void unsupportedVersionIsToldSoInDiscoverToo() throws Exception {
        try (TestGateway gateway = TestGateway.start()) {
            RawExchange.Got got = discover()
                    .header("MCP-Protocol-Version", "2027-01-01")
                    .meta("'io.modelcontextprotocol/protocolVersion':'2027-01-01'," + ModernRequest.CAPABILITIES)
                    .send(gateway);

            assertThat(got.status()).isEqualTo(400);
            assertThat(got.code()).isEqualTo(-32022);
        }
    }

    private static int status(TestGateway gateway, String path, ModernRequest request) {
        return request.send(gateway, path).status();
    }

    private static JsonNode capabilities(TestGateway gateway, String path) {
        return discover().send(gateway, path).json().path("result").path("capabilities");
    }

    private static List<String> names(JsonNode object) {
        return List.copyOf(object.propertyNames());
    }

    private static ModernRequest discover() {
        return ModernRequest.of("server/discover", "");
    }
}
