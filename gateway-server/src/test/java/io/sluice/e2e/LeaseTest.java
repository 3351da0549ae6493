package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registrar.Registrar;
import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Services that register themselves for a time, by hand and by the registrar. */
final class LeaseTest {
    @TempDir
    Path scratch;

    private final HttpClient http = HttpClient.newHttpClient();
    private final FakeBackend one = FakeBackend.modern().tool("order", arguments -> "one");
    private final FakeBackend two = FakeBackend.modern().tool("order", arguments -> "two");
    private InProcess gateway;

    private record Got(int status, JsonNode json) {}

    @BeforeEach
    void start() throws Exception {
        gateway = InProcess.start(scratch, "server: { port: 0, drainTimeout: 1s }");
    }

    @AfterEach
    void stop() {
        gateway.close();
        one.close();
        two.close();
    }

    private String url() {
        return "http://127.0.0.1:" + gateway.port();
    }

    private Got send(String method, String path, String body) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create(url() + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body.replace('\'', '"')))
                        .build(),
                BodyHandlers.ofString());
        return new Got(response.statusCode(), JsonMapper.shared().readTree(response.body()));
    }

    private Got register(FakeBackend service, String instance, String ttl) throws Exception {
        return send(
                "POST",
                "/register",
                "{'serviceName':'orders','endpoint':'" + service.url() + "','instance':'" + instance + "','ttl':" + ttl
                        + "}");
    }

    private int endpoints() throws Exception {
        return send("GET", "/api/v1/mcp/servers/orders", "")
                .json()
                .at("/data/endpoints")
                .size();
    }

    @Test
    void instancesOfOneNameAreOneBackend() throws Exception {
        Got first = register(one, "pod-1", "'1h'");
        Got second = register(two, "pod-2", "3600");

        assertThat(first.status()).isEqualTo(201);
        assertThat(first.json().path("status").asString()).isEqualTo("connected");
        assertThat(first.json().at("/lease/instance").asString()).isEqualTo("pod-1");
        assertThat(first.json().at("/lease/ttlSeconds").asDouble()).isEqualTo(3600);
        assertThat(second.json().path("endpoints")).hasSize(2);
        assertThat(send("PUT", second.json().at("/lease/heartbeat").asString(), "")
                        .status())
                .isEqualTo(200);

        assertThat(send("DELETE", "/register/orders?instance=pod-1", "").status())
                .isEqualTo(200);

        assertThat(endpoints()).isEqualTo(1);
        assertThat(send("DELETE", "/register/orders?instance=pod-1", "").status())
                .isEqualTo(404);
    }

    @Test
    void silentInstanceLeavesAndItsToolsWithIt() throws Exception {
        register(one, "pod-1", "'200ms'");

        gateway.whenCatalog(catalog -> catalog.mount("orders").isEmpty());

        assertThat(gateway.client("/mcp").modern("1", "tools/list", "").body()).doesNotContain("\"order\"");
        Got late = send("PUT", "/register/orders/heartbeat?instance=pod-1", "");
        assertThat(late.status()).isEqualTo(404);
        assertThat(late.json().path("code").asString()).isEqualTo("lease.ended");
    }

    @Test
    void heartbeatNeedsNoNameWhileThereIsOneInstance() throws Exception {
        register(one, "pod-1", "'1h'");

        assertThat(send("PUT", "/register/orders/heartbeat", "")
                        .json()
                        .path("instance")
                        .asString())
                .isEqualTo("pod-1");

        register(two, "pod-2", "'1h'");
        assertThat(send("PUT", "/register/orders/heartbeat", "").status()).isEqualTo(422);
    }

    @ParameterizedTest
    @CsvSource({"'soon', /ttl", "-1, /ttl", "'10ms', /ttl", "'48h', /ttl", "true, /ttl"})
    void badTimesToLiveAreRefused(String ttl, String pointer) throws Exception {
        String json = ttl.matches("-?\\d+|true") ? ttl : "'" + ttl + "'";

        Got refused = register(one, "pod-1", json);

        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.json().at("/errors/0/pointer").asString()).isEqualTo(pointer);
    }

    @Test
    void instanceWithoutATimeToLiveIsRefused() throws Exception {
        Got refused = send("POST", "/register", "{'name':'orders','url':'" + one.url() + "','instance':'pod-1'}");

        assertThat(refused.status()).isEqualTo(422);
    }

    @Test
    void registrarKeepsItsServiceRegisteredAndTakesItBack() throws Exception {
        try (Registrar registrar = Registrar.of(url(), "orders")
                .endpoint(one.url())
                .ttl(Duration.ofMillis(900))
                .start()) {
            gateway.whenListed("orders");
            await().atMost(InProcess.PATIENCE).until(registrar::registered);

            // Forgotten by the gateway, as after a restart: it comes back by itself.
            send("DELETE", "/register/orders", "");
            await().atMost(InProcess.PATIENCE).until(() -> endpoints() == 1);
        }

        assertThat(send("GET", "/api/v1/mcp/servers/orders", "").status()).isEqualTo(404);
    }

    @Test
    void registrarWaitsForAGatewayThatComesLater() throws Exception {
        int port = gateway.port();
        gateway.close();
        try (Registrar registrar = Registrar.of("http://127.0.0.1:" + port, "orders")
                .endpoint(one.url())
                .instance("pod-1")
                .start()) {
            assertThat(registrar.registered()).isFalse();

            gateway = InProcess.start(scratch, "server: { port: " + port + ", drainTimeout: 1s }");

            await().atMost(InProcess.PATIENCE).until(registrar::registered);
            gateway.whenListed("orders");
        }
    }
}
