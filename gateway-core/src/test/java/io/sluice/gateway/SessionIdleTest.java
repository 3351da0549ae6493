package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SessionIdleTest {
    private static final String CALL =
            "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo','arguments':{}}}";
    private static final String PING = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";

    /** {@code -Dsluice.initializations=100000} for the whole figure. */
    private static final int INITIALIZATIONS = Integer.getInteger("sluice.initializations", 2_000);

    private final FakeBackend backend = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.setUp()
            .settings(
                    settings -> settings.withSessionIdle(Duration.ofMillis(300)).withHeartbeat(Duration.ofMillis(50)))
            .start()
            .with("weather", backend);

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    private String upstreamSession() {
        List<FakeBackend.Received> calls = backend.received("tools/call");
        return String.valueOf(calls.get(calls.size() - 1).header("mcp-session-id"));
    }

    @Test
    void idleSessionLetsGoOfItsBackends() {
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        String upstream = upstreamSession();

        await().until(() -> gateway.gateway().activeClients() == 0);
        await().until(() -> !backend.sessions().contains(upstream));
    }

    @Test
    void idleSessionIsStillASession() {
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        String before = upstreamSession();
        await().until(() -> gateway.gateway().activeClients() == 0);

        WireClient.Got got = client.post(CALL);

        assertThat(got.json().has("result")).isTrue();
        assertThat(upstreamSession()).isNotEqualTo(before);
    }

    @Test
    void sessionThatIsListenedToIsNotIdle() {
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        WireClient idle = gateway.client().initialize("2025-11-25", "{}");
        String upstream;
        try (WireClient.Stream stream = client.listen()) {
            client.post(CALL);
            upstream = upstreamSession();
            idle.post(CALL);
            String ofIdle = upstreamSession();
            await().until(() -> !backend.sessions().contains(ofIdle));

            for (int i = 0; i < 10; i++) {
                assertThat(stream.field(":")).isNotNull();
            }
            assertThat(gateway.gateway().activeClients()).isEqualTo(1);
            assertThat(backend.sessions()).contains(upstream);
        }
        String left = upstream;
        await().until(() -> !backend.sessions().contains(left));
    }

    @Test
    void introductionsCostNoMemory() throws Exception {
        String initialize = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"n\",\"version\":\"1\"}}}";
        Set<String> ids = new HashSet<>();
        int before = backend.countHttp("POST");

        try (RawHttp raw = new RawHttp(gateway.port())) {
            for (int i = 0; i < INITIALIZATIONS; i++) {
                raw.send("POST", "/mcp", initialize, List.of());
                ids.add(raw.receive().headers().get("mcp-session-id"));
            }
            String last = ids.iterator().next();
            raw.send("POST", "/mcp", PING, List.of("Mcp-Session-Id", last));
            assertThat(raw.receive().status()).isEqualTo(200);
        }

        assertThat(ids).hasSize(INITIALIZATIONS);
        assertThat(gateway.gateway().activeClients()).isZero();
        assertThat(backend.countHttp("POST")).isEqualTo(before);
    }
}
