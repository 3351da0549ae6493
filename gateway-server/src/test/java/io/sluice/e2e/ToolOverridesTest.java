package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Tools that are shown otherwise than their servers show them. */
final class ToolOverridesTest {
    private static final String DEFINITION = """
            {"name":"get_data","description":"Data.","inputSchema":{"type":"object","properties":{
            "city":{"type":"string"},"units":{"type":"string","x-mcp-header":"Units"},"key":{"type":"string"}},
            "required":["city","units","key"]}}
            """;

    @TempDir
    static Path scratch;

    private static FakeBackend modern;
    private static FakeBackend legacy;
    private static InProcess gateway;

    @BeforeAll
    static void start() throws Exception {
        modern = FakeBackend.modern().tool("get_data", DEFINITION, Object::toString);
        legacy = FakeBackend.legacy().tool("get_data", DEFINITION, Object::toString);
        gateway = InProcess.start(
                        scratch,
                        "server: { port: 0, drainTimeout: 1s }\nmcpServers:\n" + entry("modern", modern)
                                + entry("legacy", legacy),
                        Map.of("KEY", "a-key-of-the-operator"))
                .whenListed("modern", "legacy");
    }

    private static String entry(String name, FakeBackend backend) {
        return "  " + name + ": { url: \"" + backend.url() + "\", tools: { get_data: { name: " + name
                + "_forecast, description: The forecast., arguments: { units: metric, key: \"${KEY}\", days: 3 } } } }\n";
    }

    @AfterAll
    static void stop() {
        gateway.close();
        modern.close();
        legacy.close();
    }

    private static JsonNode ask(String era, String mount, String method, String members) {
        WireClient client = gateway.client(mount);
        return (era.equals("modern")
                        ? client.modern("1", method, members)
                        : client.initialize("2025-11-25", "{}")
                                .post("{'jsonrpc':'2.0','id':1,'method':'" + method + "','params':{" + members + "}}"))
                .json();
    }

    private static JsonNode tool(String era, String mount, String name) {
        for (JsonNode tool : ask(era, mount, "tools/list", "").at("/result/tools")) {
            if (tool.path("name").asString().equals(name)) {
                return tool;
            }
        }
        throw new AssertionError("no tool " + name);
    }

    @ParameterizedTest
    @CsvSource({"modern,modern", "modern,legacy", "legacy,modern", "legacy,legacy"})
    void clientSeesOneToolAndTheBackendAnother(String client, String backend) {
        String name = backend + "_forecast";

        JsonNode shown = tool(client, "/mcp", name);
        JsonNode got = ask(
                client, "/mcp", "tools/call", "'name':'" + name + "','arguments':{'city':'Oslo','units':'imperial'}");

        assertThat(shown.path("description").asString()).isEqualTo("The forecast.");
        assertThat(shown.at("/inputSchema/properties").propertyNames()).containsExactly("city");
        assertThat(shown.at("/inputSchema/required")).hasSize(1);
        String arguments = got.at("/result/content/0/text").asString();
        assertThat(arguments)
                .as(got.toString())
                .contains(
                        "\"city\":\"Oslo\"", "\"units\":\"metric\"", "\"key\":\"a-key-of-the-operator\"", "\"days\":3")
                .doesNotContain("imperial");
        FakeBackend server = backend.equals("modern") ? modern : legacy;
        assertThat(server.received("tools/call"))
                .last()
                .satisfies(request ->
                        assertThat(request.params().path("name").asString()).isEqualTo("get_data"));
    }

    @Test
    void fixedArgumentIsMirroredWhereTheBackendWantsIt() {
        ask("modern", "/mcp", "tools/call", "'name':'modern_forecast','arguments':{'city':'Oslo'}");

        assertThat(modern.received("tools/call"))
                .last()
                .satisfies(
                        request -> assertThat(request.header("mcp-param-units")).isEqualTo("metric"));
    }

    @Test
    void ownNameIsUnknownOnceItIsReplaced() {
        List<String> names = new ArrayList<>();
        ask("modern", "/mcp/modern", "tools/list", "")
                .at("/result/tools")
                .forEach(tool -> names.add(tool.path("name").asString()));

        assertThat(names).contains("modern_forecast").doesNotContain("get_data");
        for (String mount : List.of("/mcp", "/mcp/modern")) {
            assertThat(ask("modern", mount, "tools/call", "'name':'get_data','arguments':{}")
                            .at("/error/message")
                            .asString())
                    .isEqualTo("Unknown tool: get_data");
        }
        assertThat(ask("modern", "/mcp", "tools/call", "'name':'modern__get_data','arguments':{}")
                        .has("error"))
                .isTrue();
    }

    @Test
    void callWithoutArgumentsHasTheFixedOnes() {
        assertThat(ask("legacy", "/mcp", "tools/call", "'name':'legacy_forecast'")
                        .at("/result/content/0/text")
                        .asString())
                .contains("metric");
    }
}
