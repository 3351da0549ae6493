package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The built-in backend {@code gateway}, as clients of both eras and callers of both kinds find it. */
final class GatewayToolsTest {
    private static final String BOSS = "s8Zq-manages-everything-41";
    private static final String AGENT = "s8Zq-may-only-call-tools-42";
    private static final List<String> TOOLS = List.of(
            "list_mcp_servers",
            "reload_mcp_server",
            "reload_all_mcp_servers",
            "get_mcp_server_functions",
            "get_available_mcp_servers",
            "get_server_capabilities");

    @TempDir
    static Path scratch;

    private static FakeBackend weather;
    private static FakeBackend rival;
    private static InProcess gateway;

    @BeforeAll
    static void start() throws Exception {
        weather = FakeBackend.legacy().tool("forecast", arguments -> "sunny");
        rival = FakeBackend.modern().tool("list_mcp_servers", arguments -> "rival's");
        gateway = InProcess.start(scratch, """
                        server: { port: 0, drainTimeout: 1s }
                        auth:
                          tokens:
                            - { name: boss, value: %s }
                            - { name: agent, value: %s, manage: false }
                        mcpServers:
                          weather: { url: "%s" }
                          rival: { url: "%s" }
                        """.formatted(BOSS, AGENT, weather.url(), rival.url()))
                .whenListed("weather", "rival", "gateway");
    }

    @AfterAll
    static void stop() {
        gateway.close();
        weather.close();
        rival.close();
    }

    private static WireClient client(String path, String token) {
        return gateway.client(path).with("Authorization", "Bearer " + token);
    }

    /** The result of a request, asked the way the era asks. */
    private static JsonNode ask(String era, WireClient client, String method, String members) {
        WireClient.Got got = era.equals("modern")
                ? client.modern("1", method, members)
                : client.initialize("2025-11-25", "{}")
                        .post("{'jsonrpc':'2.0','id':1,'method':'" + method + "','params':{" + members + "}}");
        return got.json();
    }

    private static List<String> names(JsonNode answer, String member, String key) {
        List<String> names = new ArrayList<>();
        answer.at("/result/" + member)
                .forEach(entry -> names.add(entry.path(key).asString()));
        return names;
    }

    private static JsonNode call(String tool, String arguments) {
        return ask(
                        "modern",
                        client("/mcp/gateway", BOSS),
                        "tools/call",
                        "'name':'" + tool + "','arguments':" + arguments)
                .path("result");
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void ownMountOffersToolsAndResources(String era) {
        WireClient own = client("/mcp/gateway", BOSS);

        assertThat(names(ask(era, own, "tools/list", ""), "tools", "name")).isEqualTo(TOOLS);
        assertThat(names(ask(era, own, "resources/list", ""), "resources", "uri"))
                .containsExactly("config://app", "health://system");
        JsonNode read = ask(era, own, "resources/read", "'uri':'health://system'");
        JsonNode health =
                JsonMapper.shared().readTree(read.at("/result/contents/0/text").asString());
        assertThat(health.path("status").asString()).isEqualTo("healthy");
        assertThat(health.at("/servers/registered").asInt()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void aggregateShowsThemToWhoManages(String era) {
        WireClient aggregate = client("/mcp", BOSS);

        assertThat(names(ask(era, aggregate, "tools/list", ""), "tools", "name"))
                .containsAll(TOOLS)
                .contains("forecast", "rival__list_mcp_servers");
        JsonNode listed = ask(era, aggregate, "tools/call", "'name':'list_mcp_servers','arguments':{}");
        assertThat(listed.at("/result/structuredContent/count").asInt()).isEqualTo(2);
        assertThat(ask(era, aggregate, "tools/call", "'name':'rival__list_mcp_servers','arguments':{}")
                        .at("/result/content/0/text")
                        .asString())
                .isEqualTo("rival's");
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void aggregateHidesThemFromWhoDoesNotManage(String era) {
        WireClient aggregate = client("/mcp", AGENT);

        assertThat(names(ask(era, aggregate, "tools/list", ""), "tools", "name"))
                .contains("forecast", "rival__list_mcp_servers")
                .doesNotContainAnyElementsOf(TOOLS);
        assertThat(names(ask(era, aggregate, "resources/list", ""), "resources", "uri"))
                .doesNotContain("config://app");
        for (String name :
                List.of("list_mcp_servers", "gateway__list_mcp_servers", "gateway__reload_all_mcp_servers")) {
            assertThat(ask(era, aggregate, "tools/call", "'name':'" + name + "','arguments':{}")
                            .at("/error/message")
                            .asString())
                    .isEqualTo("Unknown tool: " + name);
        }
    }

    @Test
    void ownMountIsForbiddenToWhoDoesNotManage() {
        assertThat(client("/mcp/gateway", AGENT).modern("1", "tools/list", "").status())
                .isEqualTo(403);
    }

    @Test
    void functionsOfAServerAreItsDefinitions() {
        JsonNode functions =
                call("get_mcp_server_functions", "{'server_name':'weather'}").path("structuredContent");

        assertThat(functions.path("count").asInt()).isEqualTo(2);
        assertThat(functions.at("/functions/1/name").asString()).isEqualTo("forecast");
        assertThat(functions.at("/functions/1/inputSchema/type").asString()).isEqualTo("object");
    }

    @Test
    void reloadFindsWhatIsNew() {
        weather.tool("tides", arguments -> "high");
        try {
            JsonNode reloaded = call("reload_mcp_server", "{'server_name':'weather'}");

            assertThat(reloaded.at("/structuredContent/success").asBoolean()).isTrue();
            assertThat(reloaded.at("/structuredContent/function_count").asInt()).isEqualTo(3);
            gateway.whenCatalog(catalog -> catalog.aggregate().tool("tides").isPresent());
        } finally {
            weather.withoutTool("tides");
            call("reload_mcp_server", "{'server_name':'weather'}");
        }
    }

    @Test
    void reloadOfAllCountsThem() {
        JsonNode reloaded = call("reload_all_mcp_servers", "{}").path("structuredContent");

        assertThat(reloaded.path("reloaded").asInt()).isEqualTo(2);
        assertThat(reloaded.at("/servers/0/server_name").asString()).isEqualTo("rival");
    }

    @Test
    void unknownServerIsAFailureThatNamesTheOthers() {
        JsonNode failed = call("reload_mcp_server", "{'server_name':'wether'}");

        assertThat(failed.path("isError").asBoolean()).isTrue();
        assertThat(failed.at("/content/0/text").asString())
                .isEqualTo("There is no MCP server 'wether'; there are rival, weather");
    }

    @Test
    void capabilitiesNameToolsServersAndVersion() {
        JsonNode found = call("get_server_capabilities", "{}").path("structuredContent");

        assertThat(found.path("version").asString()).isEqualTo("test");
        assertThat(found.path("tools")).hasSize(6);
        assertThat(call("get_available_mcp_servers", "{}").at("/structuredContent/servers"))
                .hasSize(2);
    }

    @Test
    void settingHidesThemFromTheAggregateAlone(@TempDir Path other) throws Exception {
        try (InProcess hidden = InProcess.start(
                        other, "{ server: { port: 0, drainTimeout: 1s }, gateway: { aggregate: false } }")
                .whenListed("gateway")) {
            assertThat(names(hidden.client("/mcp").modern("1", "tools/list", "").json(), "tools", "name"))
                    .isEmpty();
            assertThat(names(
                            hidden.client("/mcp/gateway")
                                    .modern("1", "tools/list", "")
                                    .json(),
                            "tools",
                            "name"))
                    .isEqualTo(TOOLS);
        }
    }
}
