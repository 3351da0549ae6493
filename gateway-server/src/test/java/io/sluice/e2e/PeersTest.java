package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two gateways, each in front of a server of its own, that become each other's backends. */
final class PeersTest {
    private static final String TOKEN = "s8Zq-of-the-second-gateway-43";

    @TempDir
    Path scratch;

    private final HttpClient http = HttpClient.newHttpClient();
    private final FakeBackend weather = FakeBackend.legacy().tool("forecast", arguments -> "sunny");
    private final FakeBackend news = FakeBackend.modern().tool("headlines", arguments -> "quiet");
    private InProcess first;
    private InProcess second;

    private record Got(int status, JsonNode json) {}

    @BeforeEach
    void start() throws Exception {
        first = InProcess.start(folder("first"), """
                        server: { port: 0, drainTimeout: 1s }
                        mcpServers: { weather: { url: "%s" } }
                        """.formatted(weather.url())).whenListed("weather", "gateway");
        second = InProcess.start(folder("second"), """
                        server: { port: 0, drainTimeout: 1s }
                        auth: { token: %s }
                        mcpServers: { news: { url: "%s" } }
                        """.formatted(TOKEN, news.url()))
                .whenListed("news", "gateway");
    }

    @AfterEach
    void stop() {
        first.close();
        second.close();
        weather.close();
        news.close();
    }

    private Path folder(String name) throws Exception {
        return Files.createDirectories(scratch.resolve(name));
    }

    private Got send(InProcess to, String method, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + to.port() + path))
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body.replace('\'', '"')));
        if (to == second) {
            request.header("Authorization", "Bearer " + TOKEN);
        }
        HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
        return new Got(response.statusCode(), JsonMapper.shared().readTree(response.body()));
    }

    private Got add(InProcess to, String name, String url, String token) throws Exception {
        String secret = token.isEmpty() ? "" : ",'auth_token':'" + token + "'";
        return send(
                to, "POST", "/api/v1/mcp/peers", "{'peer_name':'" + name + "','peer_url':'" + url + "'" + secret + "}");
    }

    private Got peers(InProcess of) throws Exception {
        return send(of, "GET", "/api/v1/mcp/peers", "");
    }

    private static String url(InProcess gateway, String path) {
        return "http://127.0.0.1:" + gateway.port() + path;
    }

    private WireClient client(InProcess gateway, String path) {
        WireClient client = gateway.client(path);
        return gateway == second ? client.with("Authorization", "Bearer " + TOKEN) : client;
    }

    private List<String> tools(InProcess gateway, String path) {
        List<String> names = new ArrayList<>();
        client(gateway, path)
                .modern("1", "tools/list", "")
                .json()
                .at("/result/tools")
                .forEach(tool -> names.add(tool.path("name").asString()));
        return names;
    }

    private String call(InProcess gateway, String path, String tool) {
        return client(gateway, path)
                .modern("1", "tools/call", "'name':'" + tool + "','arguments':{}")
                .json()
                .at("/result/content/0/text")
                .asString();
    }

    @Test
    void addedPeerIsDescribedListedAndRemoved() throws Exception {
        String there = url(second, "/mcp");

        Got added = add(first, "employee-b", there, TOKEN);

        assertThat(added.status()).isEqualTo(200);
        assertThat(added.json()).isEqualTo(JsonMapper.shared().readTree("""
                                {"success":true,"data":{"success":true,"peer_name":"employee-b","peer_url":"%s",
                                "function_count":8,"message":"Peer node 'employee-b' added successfully"},
                                "message":"Peer node 'employee-b' connected"}
                                """.formatted(there)));
        assertThat(peers(first).json()).isEqualTo(JsonMapper.shared().readTree("""
                                {"success":true,"data":{"peers":[{"name":"employee-b","url":"%s",
                                "description":"Peer node at %s","connected":true,"function_count":8}]},
                                "message":"Found 1 peer node(s)"}
                                """.formatted(there, there)));
        assertThat(send(first, "DELETE", "/api/v1/mcp/peers/employee-b", "").json())
                .isEqualTo(JsonMapper.shared().readTree("""
                                {"success":true,"data":{"success":true,"peer_name":"employee-b",
                                "message":"Peer node 'employee-b' removed successfully"},
                                "message":"Peer node 'employee-b' disconnected"}
                                """));
        assertThat(peers(first).json().at("/data/peers")).isEmpty();
        assertThat(send(first, "DELETE", "/api/v1/mcp/peers/employee-b", "").status())
                .isEqualTo(404);
    }

    @Test
    void unreachablePeerIsRefusedWithTheReasonAndLeavesNothing() throws Exception {
        Got nobody = add(first, "employee-b", "http://127.0.0.1:1/mcp", "");
        Got wrongToken = add(first, "employee-b", url(second, "/mcp"), "not-the-token-of-anybody");

        assertThat(nobody.status()).isEqualTo(502);
        assertThat(nobody.json().path("detail").asString())
                .isEqualTo("Failed to add peer node: connection refused (http://127.0.0.1:1/mcp)");
        assertThat(nobody.json().path("success").asBoolean(true)).isFalse();
        assertThat(wrongToken.status()).isEqualTo(502);
        assertThat(wrongToken.json().path("detail").asString())
                .contains("401 Unauthorized")
                .doesNotContain("not-the-token-of-anybody");
        assertThat(peers(first).json().at("/data/peers")).isEmpty();
        assertThat(send(first, "GET", "/api/v1/mcp/servers", "").json().at("/data/servers"))
                .hasSize(1);
    }

    @Test
    void failedReplacementLeavesThePeerThatWasThere() throws Exception {
        add(first, "employee-b", url(second, "/mcp"), TOKEN);

        assertThat(add(first, "employee-b", "http://127.0.0.1:1/mcp", "").status())
                .isEqualTo(502);

        assertThat(peers(first).json().at("/data/peers/0/connected").asBoolean())
                .isTrue();
        assertThat(peers(first).json().at("/data/peers/0/url").asString()).isEqualTo(url(second, "/mcp"));
    }

    @Test
    void pendingPeerIsConnectedAsSoonAsItIsThere() throws Exception {
        news.down();
        Got kept = send(
                first,
                "POST",
                "/api/v1/mcp/peers?pending=true",
                "{'peer_name':'later','peer_url':'" + news.url() + "'}");
        assertThat(kept.status()).isEqualTo(202);
        assertThat(kept.json().at("/data/status").asString()).isEqualTo("pending");
        assertThat(peers(first).json().at("/data/peers/0/connected").asBoolean(true))
                .isFalse();

        news.up();

        await().atMost(InProcess.PATIENCE)
                .until(() -> peers(first).json().at("/data/peers/0/connected").asBoolean());
    }

    @Test
    void peersOfEachOtherShareTheirOwnToolsOnce() throws Exception {
        add(first, "second", url(second, "/mcp"), TOKEN);
        add(second, "first", url(first, "/mcp"), "");
        client(first, "/mcp/gateway")
                .modern("1", "tools/call", "'name':'reload_mcp_server','arguments':{'server_name':'second'}");

        assertThat(tools(first, "/mcp"))
                .contains("forecast", "headlines", "list_mcp_servers", "second__list_mcp_servers")
                .noneMatch(name -> name.contains("first"));
        assertThat(tools(second, "/mcp"))
                .contains("forecast", "headlines", "list_mcp_servers", "first__list_mcp_servers")
                .noneMatch(name -> name.contains("second"));
        assertThat(call(first, "/mcp", "headlines")).isEqualTo("quiet");
        assertThat(call(second, "/mcp", "forecast")).isEqualTo("sunny");
        assertThat(call(first, "/mcp/second", "list_mcp_servers")).contains("\"name\":\"first\"");
    }

    @Test
    void gatewayIsNotItsOwnPeer() throws Exception {
        Got self = add(first, "me", url(first, "/mcp"), "");

        assertThat(self.status()).isEqualTo(502);
        assertThat(self.json().path("detail").asString()).contains("has come back to the gateway it passed before");
    }

    @Test
    void mountThatLeadsBackIsRefused() throws Exception {
        add(second, "first", url(first, "/mcp"), "");

        Got back = add(first, "around", url(second, "/mcp/first"), TOKEN);

        assertThat(back.status()).isEqualTo(502);
        assertThat(back.json().path("detail").asString()).contains("508", "leads back to the gateway that asks");
    }

    @Test
    void serverBehindTwoGatewaysIsReachedByItsMount() throws Exception {
        Got added = add(first, "news-there", url(second, "/mcp/news"), TOKEN);

        assertThat(added.status()).isEqualTo(200);
        assertThat(call(first, "/mcp/news-there", "headlines")).isEqualTo("quiet");
    }

    @Test
    void whatTheFileNamesIsNoPeerAndStays() throws Exception {
        assertThat(add(first, "weather", url(second, "/mcp"), TOKEN).status()).isEqualTo(409);
        assertThat(send(first, "DELETE", "/api/v1/mcp/peers/weather", "").status())
                .isEqualTo(404);
        Got server = send(first, "GET", "/api/v1/mcp/servers/weather", "");
        assertThat(server.json().at("/data/status").asString()).isEqualTo("connected");
        assertThat(server.json().at("/data/endpoints/0/url").asString()).isEqualTo(weather.url());
        assertThat(send(first, "GET", "/api/v1/mcp/servers/nobody", "").status())
                .isEqualTo(404);
    }

    @Test
    void malformedRequestsAreRefusedWithWhatIsWrong() throws Exception {
        Got wrong =
                send(first, "POST", "/api/v1/mcp/peers", "{'peer_name':'No Such','peer_url':'ftp://x','token':'t'}");

        assertThat(wrong.status()).isEqualTo(422);
        assertThat(wrong.json().path("errors")).hasSize(3);
    }

    @Test
    void variableNamesAPeerFromTheStart() throws Exception {
        try (InProcess third = InProcess.start(
                folder("third"),
                "server: { port: 0, drainTimeout: 1s }",
                java.util.Map.of("MCP_PEER_EMPLOYEE_B_URL", url(second, "/mcp"), "MCP_PEER_EMPLOYEE_B_TOKEN", TOKEN))) {
            third.whenListed("employee-b");

            JsonNode peer = peers(third).json().at("/data/peers/0");
            assertThat(peer.path("name").asString()).isEqualTo("employee-b");
            assertThat(peer.path("connected").asBoolean()).isTrue();
            assertThat(send(third, "DELETE", "/api/v1/mcp/peers/employee-b", "").status())
                    .isEqualTo(409);
        }
    }

    @Test
    void exampleScriptRunsAgainstTwoGateways() throws Exception {
        Path script = Path.of("..", "examples", "peers.sh").toAbsolutePath().normalize();
        ProcessBuilder run =
                new ProcessBuilder(script.toString(), url(first, ""), url(second, "")).redirectErrorStream(true);
        run.environment().put("TOKEN_2", TOKEN);
        Process process = run.start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).endsWith("all is well\n");
    }
}
