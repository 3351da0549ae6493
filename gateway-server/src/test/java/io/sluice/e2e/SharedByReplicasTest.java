package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.redis.TestRedis;
import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is made at one of two replicas on one Redis and used at the other, and what outlives both. */
final class SharedByReplicasTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";

    @TempDir
    Path scratch;

    private final HttpClient http = HttpClient.newHttpClient();
    private final String cluster = TestRedis.newCluster();
    private final FakeBackend older = FakeBackend.modern().tool("order", arguments -> "ordered");
    private final FakeBackend newer = FakeBackend.modern().tool("search", arguments -> "found");
    private InProcess one;
    private InProcess two;

    private record Got(int status, JsonNode json) {}

    @BeforeEach
    void start() throws Exception {
        one = launch("one");
        two = launch("two");
    }

    @AfterEach
    void stop() {
        one.close();
        two.close();
        older.close();
        newer.close();
    }

    @Test
    void nameStaysWithWhoExposedItFirstWhenAllReplicasAreStartedAnew() throws Exception {
        register("older", older);
        register("newer", newer);
        one.whenListed("older", "newer");
        two.whenListed("older", "newer");
        older.tool("search", arguments -> "shadowed");
        one.client("/mcp/gateway")
                .modern("1", "tools/call", "'name':'reload_mcp_server','arguments':{'server_name':'older'}");
        one.whenCatalog(catalog -> catalog.aggregate().tool("older__search").isPresent());
        assertThat(owner(one, "search")).isEqualTo("newer");
        two.close();
        two = launch("two").whenListed("older", "newer");
        // it has seen nothing itself: this is what was written down
        await().atMost(PATIENCE).until(() -> "newer".equals(owner(two, "search")));

        one.close();
        two.close();
        one = launch("one").whenListed("older", "newer");
        two = launch("two").whenListed("older", "newer");

        assertThat(owner(one, "search")).isEqualTo("newer");
        assertThat(owner(two, "search")).isEqualTo("newer");
    }

    @Test
    void profileMadeAtOneReplicaIsServedByTheOther() throws Exception {
        register("older", older);
        register("newer", newer);
        two.whenListed("older", "newer");

        assertThat(send(one, "PUT", "/api/v1/mcp/profiles/picks", "{'tools':['search']}")
                        .status())
                .isEqualTo(200);

        two.whenCatalog(catalog -> catalog.mount("picks").isPresent());
        List<String> listed = new ArrayList<>();
        two.client("/mcp/picks")
                .modern("1", "tools/list", "")
                .json()
                .at("/result/tools")
                .forEach(tool -> listed.add(tool.path("name").asString()));
        assertThat(listed).containsExactly("search");
        assertThat(send(two, "DELETE", "/api/v1/mcp/profiles/picks", "").status())
                .isEqualTo(200);
        one.whenCatalog(catalog -> catalog.mount("picks").isEmpty());
    }

    @Test
    void clientConnectedAtOneReplicaCallsAtTheOtherAndLeavesThere() throws Exception {
        Got connected = send(
                one,
                "POST",
                "/mcp/connect",
                "{'transport':'http','mcp_url':'" + newer.url() + "','name':'agent','timeout':30}");
        String id = connected.json().path("client_id").asString();
        assertThat(connected.status()).as(connected.toString()).isEqualTo(201);

        Got called =
                send(two, "POST", "/mcp/call_tool", "{'client_id':'" + id + "','tool_name':'search','arguments':{}}");

        assertThat(called.status()).as(called.toString()).isEqualTo(200);
        assertThat(called.json().toString()).contains("found");
        assertThat(send(two, "POST", "/mcp/disconnect", "{'client_id':'" + id + "'}")
                        .status())
                .isEqualTo(200);
        await().atMost(PATIENCE)
                .until(() ->
                        send(one, "GET", "/mcp/list_tools?client_id=" + id, "").status() == 404);
    }

    private static String owner(InProcess replica, String tool) {
        return replica.server()
                .gateway()
                .catalog()
                .aggregate()
                .tool(tool)
                .map(target -> target.backend())
                .orElse("nobody");
    }

    private void register(String name, FakeBackend backend) throws Exception {
        Got registered =
                send(one, "POST", "/register", "{'serviceName':'" + name + "','endpoint':'" + backend.url() + "'}");
        assertThat(registered.status()).as(registered.toString()).isEqualTo(201);
    }

    private InProcess launch(String name) throws Exception {
        InProcess replica = InProcess.start(
                Files.createDirectories(scratch.resolve(name)),
                "server: { port: 0, drainTimeout: 1s, drainDelay: 0s }\nredis: { cluster: %s }".formatted(cluster),
                Map.of("REDIS_URL", TestRedis.url(), "SLUICE_SECRET_KEY", KEY));
        await().atMost(PATIENCE).until(() -> send(replica, "GET", "/readyz", "").status() == 200);
        return replica;
    }

    private Got send(InProcess replica, String method, String path, String body) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + replica.port() + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body.replace('\'', '"')))
                        .build(),
                BodyHandlers.ofString());
        return new Got(response.statusCode(), JsonMapper.shared().readTree(response.body()));
    }
}
