package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import io.modelcontextprotocol.spec.McpSchema.Tool;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The demo's backends, asked by a client that others wrote and by hand. */
final class SampleBackendTest {
    private static final String TOKEN = "a-token-for-this-test";
    private static final String DISCOVER = """
            {"jsonrpc":"2.0","id":"d-1","method":"server/discover","params":{"_meta":{\
            "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";
    private static final String CALL = """
            {"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"getProductById","arguments":{"id":"123"},\
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",\
            "io.modelcontextprotocol/clientCapabilities":{}}}}""";

    private final HttpClient http = HttpClient.newHttpClient();
    private @Nullable SampleBackend backend;

    private URI start(SampleService service) throws Exception {
        SampleBackend started = SampleBackend.start(service, "127.0.0.1", 0, TOKEN);
        backend = started;
        return URI.create("http://127.0.0.1:" + started.port());
    }

    @AfterEach
    void stop() {
        if (backend != null) {
            backend.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"SHOPPING,getProductById,123,Mechanical keyboard", "USER,getUserById,456,Ada Lovelace"})
    void mcpJavaSdkClientCallsTheTool(SampleService service, String tool, String id, String found) throws Exception {
        URI url = start(service);

        try (McpSyncClient client = McpClient.sync(HttpClientStreamableHttpTransport.builder(url.toString())
                        .endpoint("/mcp")
                        .addHttpRequestCustomizer((request, method, uri, body, context) ->
                                request.header("Authorization", "Bearer " + TOKEN))
                        .build())
                .build()) {
            assertThat(client.initialize().serverInfo().name()).isEqualTo(service.serverName());
            assertThat(client.listTools().tools()).extracting(Tool::name).containsExactly(tool);
            assertThat(text(client.callTool(CallToolRequest.builder(tool)
                            .arguments(Map.of("id", id))
                            .build())))
                    .contains(found);
            CallToolResult unknown = client.callTool(CallToolRequest.builder(tool)
                    .arguments(Map.of("id", "nobody"))
                    .build());
            assertThat(unknown.isError()).isTrue();
            assertThat(text(unknown)).contains(id);
        }
    }

    private static String text(CallToolResult result) {
        return ((TextContent) result.content().get(0)).text();
    }

    @ParameterizedTest
    @EnumSource(SampleService.class)
    void theDemosOwnLegacyClientIsServed(SampleService service) throws Exception {
        DemoClient client = new DemoClient.Legacy(new DemoHttp(), start(service).resolve("/mcp"), TOKEN);

        assertThat(client.greet()).isEqualTo("2025-11-25");
        assertThat(client.toolNames()).containsExactly(service.tool().name());
        client.leave();
    }

    @Test
    void shoppingServesTheModernEra() throws Exception {
        DemoClient client = new DemoClient.Modern(
                new DemoHttp(), start(SampleService.SHOPPING).resolve("/mcp"), TOKEN);

        assertThat(client.greet()).startsWith("2026-07-28");
        assertThat(client.toolNames()).containsExactly("getProductById");
        assertThat(client.call("getProductById", "123")).contains("Mechanical keyboard");
    }

    @Test
    void modernRequestNeedsHeadersThatSayWhatTheBodySays() throws Exception {
        URI mcp = start(SampleService.SHOPPING).resolve("/mcp");

        HttpResponse<String> right = post(
                mcp,
                CALL,
                "MCP-Protocol-Version",
                "2026-07-28",
                "Mcp-Method",
                "tools/call",
                "Mcp-Name",
                "getProductById");
        HttpResponse<String> nameless =
                post(mcp, CALL, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call");
        HttpResponse<String> other = post(
                mcp,
                CALL,
                "MCP-Protocol-Version",
                "2026-07-28",
                "Mcp-Method",
                "tools/list",
                "Mcp-Name",
                "getProductById");
        HttpResponse<String> versionless = post(mcp, CALL, "Mcp-Method", "tools/call", "Mcp-Name", "getProductById");

        assertThat(right.statusCode()).isEqualTo(200);
        assertThat(right.body()).contains("\"resultType\":\"complete\"");
        for (HttpResponse<String> refused : List.of(nameless, other, versionless)) {
            assertThat(refused.statusCode()).isEqualTo(400);
            assertThat(refused.body()).contains("-32020").contains("\"id\":7");
        }
    }

    @Test
    void userRefusesTheModernEraAsOldServersDo() throws Exception {
        URI mcp = start(SampleService.USER).resolve("/mcp");

        HttpResponse<String> refused =
                post(mcp, DISCOVER, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "server/discover");

        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.body()).doesNotContain("-3202");
    }

    @Test
    void sessionThatEndedIsUnknown() throws Exception {
        URI mcp = start(SampleService.USER).resolve("/mcp");
        String initialize = """
                {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",\
                "capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""";
        String session =
                post(mcp, initialize).headers().firstValue("Mcp-Session-Id").orElseThrow();
        String ping = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}";

        assertThat(post(mcp, ping).statusCode()).isEqualTo(400);
        assertThat(post(mcp, ping, "Mcp-Session-Id", session).statusCode()).isEqualTo(200);
        assertThat(http.send(request(mcp, "Mcp-Session-Id", session).DELETE().build(), BodyHandlers.discarding())
                        .statusCode())
                .isEqualTo(204);
        assertThat(post(mcp, ping, "Mcp-Session-Id", session).statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @EnumSource(SampleService.class)
    void healthNeedsNoTokenAndMcpDoes(SampleService service) throws Exception {
        URI url = start(service);

        HttpResponse<String> health =
                http.send(HttpRequest.newBuilder(url.resolve("/health")).build(), BodyHandlers.ofString());
        HttpRequest.Builder bare = HttpRequest.newBuilder(url.resolve("/mcp")).POST(BodyPublishers.ofString(DISCOVER));
        int none = http.send(bare.build(), BodyHandlers.discarding()).statusCode();
        int wrong = http.send(bare.header("Authorization", "Bearer guess").build(), BodyHandlers.discarding())
                .statusCode();

        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(health.body()).contains("\"status\":\"ok\"");
        assertThat(none).isEqualTo(401);
        assertThat(wrong).isEqualTo(401);
    }

    @Test
    void webPagesOfOthersMayNotCall() throws Exception {
        URI mcp = start(SampleService.SHOPPING).resolve("/mcp");

        assertThat(post(mcp, DISCOVER, "Origin", "https://elsewhere.example").statusCode())
                .isEqualTo(403);
        assertThat(post(mcp, DISCOVER, "Origin", "http://localhost:8000").statusCode())
                .isNotEqualTo(403);
    }

    private HttpResponse<String> post(URI mcp, String body, String... headers) throws Exception {
        return http.send(
                request(mcp, headers)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private static HttpRequest.Builder request(URI mcp, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(mcp).header("Authorization", "Bearer " + TOKEN);
        return headers.length == 0 ? request : request.headers(headers);
    }
}
