package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.redis.RedisProcess;
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
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two replicas of one gateway that share a Redis, which dies. */
final class ReplicasTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";

    @TempDir
    Path first;

    @TempDir
    Path second;

    private final HttpClient http = HttpClient.newHttpClient();
    private final RedisProcess redis = RedisProcess.durable();
    private final FakeBackend shared = FakeBackend.modern().tool("order", arguments -> "ordered");
    private final FakeBackend local = FakeBackend.modern().tool("time", arguments -> "noon");
    private InProcess one;
    private InProcess two;

    private record Got(int status, JsonNode json, HttpResponse<String> response) {}

    @BeforeEach
    void start() throws Exception {
        one = launch(first);
        two = launch(second);
    }

    @AfterEach
    void stop() {
        one.close();
        two.close();
        shared.close();
        local.close();
        redis.close();
    }

    @Test
    void backendRegisteredAtOneReplicaIsServedByTheOther() throws Exception {
        ready(one);
        ready(two);

        assertThat(register(one).status()).isEqualTo(201);

        two.whenListed("orders", "clock");
        assertThat(send(two, "DELETE", "/register/orders", "").status()).isEqualTo(200);
        one.whenCatalog(catalog -> catalog.mount("orders").isEmpty());
        assertThat(check(one)).contains("Redis at redis://127.0.0.1").doesNotContain("cannot");
    }

    @Test
    void deadRedisStopsChangesOnlyAndARestartedReplicaServesWithoutIt() throws Exception {
        ready(one);
        ready(two);
        register(one);
        two.whenListed("orders");
        await().atMost(PATIENCE).until(() -> Files.exists(second.resolve("registry.snapshot")));

        redis.kill();

        Got refused = send(two, "DELETE", "/register/orders", "");
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.response().headers().firstValue("Retry-After")).isPresent();
        assertThat(refused.json().path("detail").asString()).contains("registry");
        two.close();
        two = launch(second).whenListed("orders", "clock");
        assertThat(send(two, "GET", "/readyz", "").status()).isEqualTo(200);
        assertThat(check(two)).contains("serves revision");

        redis.start();
        await().atMost(PATIENCE)
                .until(() -> send(two, "DELETE", "/register/orders", "").status() == 200);
        one.whenCatalog(catalog -> catalog.mount("orders").isEmpty());
    }

    private InProcess launch(Path directory) throws Exception {
        String yaml = """
                server: { port: 0, drainTimeout: 1s }
                redis: { cluster: replicas, snapshot: %s }
                mcpServers: { clock: { url: "%s" } }
                """.formatted(directory.resolve("registry.snapshot"), local.url());
        return InProcess.start(directory, yaml, Map.of("REDIS_URL", redis.url(), "SLUICE_SECRET_KEY", KEY));
    }

    private void ready(InProcess replica) {
        await().atMost(PATIENCE).until(() -> send(replica, "GET", "/readyz", "").status() == 200);
        await().atMost(PATIENCE).until(() -> check(replica).contains("revision"));
    }

    private String check(InProcess replica) throws Exception {
        for (JsonNode check : send(replica, "GET", "/readyz?verbose", "").json().path("checks")) {
            if (check.path("name").asString().equals("registry")) {
                return check.path("detail").asString();
            }
        }
        return "";
    }

    private Got register(InProcess replica) throws Exception {
        return send(replica, "POST", "/register", "{\"serviceName\":\"orders\",\"endpoint\":\"" + shared.url() + "\"}");
    }

    private Got send(InProcess replica, String method, String path, String body) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + replica.port() + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
        return new Got(response.statusCode(), JsonMapper.shared().readTree(response.body()), response);
    }
}
