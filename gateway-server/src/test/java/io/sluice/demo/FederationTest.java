package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import io.modelcontextprotocol.spec.McpSchema.Tool;
import io.sluice.config.ConfigReader;
import io.sluice.config.ConfigSources;
import io.sluice.config.GatewayConfig;
import io.sluice.server.RunningGateway;
import io.sluice.server.SluiceServer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;

/** The whole gateway before the sample backends, used by the MCP Java SDK client and over its management API. */
@NullUnmarked
final class FederationTest {
    private static final String TOKEN = "fed-8c1f02b7-manages-all";
    private static final String BACKEND_TOKEN = "between-gateway-and-backend";
    private static final Duration WAIT = Duration.ofSeconds(20);

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @TempDir
    Path folder;

    private SampleBackend shopping;
    private SampleBackend user;
    private RunningGateway gateway;

    @BeforeEach
    void startBackends() throws Exception {
        shopping = SampleBackend.start(SampleService.SHOPPING, "127.0.0.1", 0, BACKEND_TOKEN);
        user = SampleBackend.start(SampleService.USER, "127.0.0.1", 0, BACKEND_TOKEN);
    }

    @AfterEach
    void stop() {
        if (gateway != null) {
            gateway.stop().block(WAIT);
        }
        shopping.close();
        user.close();
    }

    @Test
    void toolsOfARegisteredBackendAreCallableWithoutARestartAndClientsAreTold() throws Exception {
        start("");
        Queue<List<String>> told = new ConcurrentLinkedQueue<>();
        try (McpSyncClient client = client(told)) {
            client.initialize();
            assertThat(names(client)).isEmpty();

            HttpResponse<String> answer = register("shopping", shopping.port(), BACKEND_TOKEN);
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
            assertThat(answer.body()).contains("\"connected\"").contains("getProductById");

            await().atMost(WAIT).untilAsserted(() -> assertThat(names(client)).containsExactly("getProductById"));
            assertThat(call(client, "getProductById", "123")).contains("Mechanical keyboard");
            await().atMost(WAIT).untilAsserted(() -> assertThat(told).contains(List.of("getProductById")));
        }
    }

    @Test
    void toolsOfARemovedBackendAreGone() throws Exception {
        start("");
        register("shopping", shopping.port(), BACKEND_TOKEN);
        register("user", user.port(), BACKEND_TOKEN);
        try (McpSyncClient client = client(new ConcurrentLinkedQueue<>())) {
            client.initialize();
            await().atMost(WAIT)
                    .untilAsserted(
                            () -> assertThat(names(client)).containsExactlyInAnyOrder("getProductById", "getUserById"));

            assertThat(send("DELETE", "/register/shopping", "").statusCode()).isEqualTo(200);

            await().atMost(WAIT).untilAsserted(() -> assertThat(names(client)).containsExactly("getUserById"));
            assertThat(call(client, "getUserById", "456")).contains("Ada Lovelace");
        }
    }

    @Test
    void backendRegisteredAgainWithTheRightTokenComesAlive() throws Exception {
        start("");

        HttpResponse<String> wrong = register("shopping", shopping.port(), "not-the-token");
        HttpResponse<String> right = register("shopping", shopping.port(), BACKEND_TOKEN);

        assertThat(wrong.body()).contains("\"pending\"").contains("\"reason\"").doesNotContain("not-the-token");
        assertThat(right.body()).contains("\"connected\"").doesNotContain("\"reason\"");
    }

    @Test
    void oneSilentBackendOfThreeDelaysNobody() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            start(entry("silent", silent.getLocalPort()) + "," + entry("shopping", shopping.port()) + ","
                    + entry("user", user.port()));
            try (McpSyncClient client = client(new ConcurrentLinkedQueue<>())) {
                long begin = System.nanoTime();
                client.initialize();
                await().atMost(WAIT)
                        .untilAsserted(() -> assertThat(names(client)).contains("getProductById", "getUserById"));
                assertThat(call(client, "getProductById", "123")).contains("Mechanical keyboard");
                assertThat(call(client, "getUserById", "456")).contains("Ada Lovelace");

                // well within the time that the silent one is given to answer a probe
                assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(8));
            }
            assertThat(send("POST", "/services", "").body())
                    .contains("\"silent\"")
                    .contains("\"pending\"");
        }
    }

    @Test
    void bareRequestsWithoutASessionAreServedAsJson() throws Exception {
        start(entry("user", user.port()));
        await().atMost(WAIT).until(() -> send("GET", "/readyz", "").statusCode() == 200);

        HttpResponse<String> answer = send(
                "POST",
                "/mcp",
                "{\n  \"jsonrpc\": \"2.0\",\n  \"id\": 1,\n  \"method\": \"tools/call\",\n  \"params\": {\n"
                        + "    \"name\": \"getUserById\",\n    \"arguments\": {\"id\": \"456\"}\n  }\n}");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("application/json");
        assertThat(answer.body()).contains("Ada Lovelace");
    }

    private void start(String entries) throws Exception {
        Path file = Files.writeString(folder.resolve("mcp.json"), "{\"mcpServers\":{" + entries + "}}");
        Map<String, String> variables = Map.of(
                "PORT", "0", "MCP_BEARER_TOKEN", TOKEN, "BACKEND_TOKEN", BACKEND_TOKEN, "ENABLE_MCP_SYSTEM", "false");
        GatewayConfig config = ConfigReader.read(new ConfigSources(List.of(file), variables, List.of()))
                .config()
                .orElseThrow();
        gateway = SluiceServer.launcher("test").launch(config, Flux.never()).block(WAIT);
    }

    private static String entry(String name, int port) {
        return "\"" + name + "\":{\"url\":\"http://127.0.0.1:" + port
                + "/mcp\",\"headers\":{\"Authorization\":\"Bearer ${BACKEND_TOKEN}\"}}";
    }

    private HttpResponse<String> register(String name, int port, String token) throws Exception {
        return send(
                "POST",
                "/register",
                "{\"name\":\"" + name + "\",\"url\":\"http://127.0.0.1:" + port
                        + "\",\"headers\":{\"Authorization\":\"Bearer " + token + "\"}}");
    }

    private HttpResponse<String> send(String method, String path, String body) throws Exception {
        return http.send(
                HttpRequest.newBuilder(at(path))
                        .timeout(WAIT)
                        .header("Authorization", "Bearer " + TOKEN)
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }

    private URI at(String path) {
        return URI.create("http://127.0.0.1:" + gateway.address().getPort() + path);
    }

    private McpSyncClient client(Queue<List<String>> told) {
        return McpClient.sync(HttpClientStreamableHttpTransport.builder(at("").toString())
                        .endpoint("/mcp")
                        .addHttpRequestCustomizer((request, method, uri, body, context) ->
                                request.header("Authorization", "Bearer " + TOKEN))
                        .build())
                .requestTimeout(WAIT)
                .toolsChangeConsumer(
                        tools -> told.add(tools.stream().map(Tool::name).toList()))
                .build();
    }

    private static List<String> names(McpSyncClient client) {
        return client.listTools().tools().stream().map(Tool::name).toList();
    }

    private static String call(McpSyncClient client, String tool, String id) {
        CallToolResult result = client.callTool(
                CallToolRequest.builder(tool).arguments(Map.of("id", id)).build());
        assertThat(result.isError()).isNotEqualTo(true);
        return ((TextContent) result.content().get(0)).text();
    }
}
