package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Agents of HTTP+SSE (2024-11-05) as clients. */
class OldTransportTest {
    private final FakeBackend backend = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.start().with("weather", backend);

    @AfterEach
    void close() {
        gateway.close();
    }

    /** An open stream, and the address it named. */
    private record Agent(WireClient.Stream stream, WireClient messages) implements AutoCloseable {
        void post(String json) {
            assertThat(messages.post(json).status()).isEqualTo(202);
        }

        JsonNode hears() {
            return JsonMapper.shared().readTree(stream.field("data: "));
        }

        @Override
        public void close() {
            stream.close();
        }
    }

    private Agent agent(String path) {
        WireClient.Stream stream = gateway.client(path).listen();
        assertThat(stream.status()).isEqualTo(200);
        assertThat(stream.field("event: ")).isEqualTo("endpoint");
        return new Agent(stream, gateway.client(stream.field("data: ")));
    }

    private static Agent initialized(Agent agent) {
        agent.post("{'jsonrpc':'2.0','id':0,'method':'initialize','params':{'protocolVersion':'2024-11-05',"
                + "'capabilities':{},'clientInfo':{'name':'old','version':'1'}}}");
        JsonNode welcome = agent.hears();
        assertThat(welcome.path("id").asInt(-1)).isZero();
        assertThat(welcome.at("/result/protocolVersion").asString()).isEqualTo("2024-11-05");
        agent.post("{'jsonrpc':'2.0','method':'notifications/initialized'}");
        return agent;
    }

    @Test
    void agentListsAndCallsOverItsStream() {
        try (Agent agent = initialized(agent("/sse"))) {
            agent.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}");
            assertThat(agent.hears().at("/result/tools/0/name").asString()).isEqualTo("echo");
            agent.post("{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'echo','arguments':{'a':1}}}");
            assertThat(agent.hears().path("id").asInt()).isEqualTo(2);
        }
    }

    @Test
    void oneBackendIsServedAtItsMount() {
        try (Agent agent = initialized(agent("/sse/weather"))) {
            agent.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}");
            assertThat(agent.hears().at("/result/tools/0/name").asString()).isEqualTo("echo");
        }
        assertThat(gateway.client("/sse/nothing").listen().status()).isEqualTo(404);
    }

    @Test
    void sessionEndsWithItsStream() {
        Agent agent = initialized(agent("/sse"));
        await().atMost(TestGateway.PATIENCE).until(() -> gateway.gateway().activeClients() == 1);

        agent.close();

        await().atMost(TestGateway.PATIENCE).until(() -> gateway.gateway().activeClients() == 0);
        await().atMost(TestGateway.PATIENCE)
                .until(() -> agent.messages()
                                .post("{'jsonrpc':'2.0','id':1,'method':'ping'}")
                                .status()
                        == 404);
    }

    @Test
    void streamIsForItsOwnCallerAlone() {
        try (TestGateway guarded = TestGateway.setUp()
                .token("ann", "a-token-of-ann-with-20-signs")
                .token("bob", "b-token-of-bob-with-20-signs")
                .start()) {
            assertThat(guarded.client("/sse").listen().status()).isEqualTo(401);
            try (WireClient.Stream stream = guarded.client("/sse")
                    .with("Authorization", "Bearer a-token-of-ann-with-20-signs")
                    .listen()) {
                stream.field("event: ");
                WireClient messages = guarded.client(stream.field("data: "));
                String ping = "{'jsonrpc':'2.0','id':1,'method':'ping'}";

                assertThat(messages.post(ping).status()).isEqualTo(401);
                assertThat(messages.post(ping, "Authorization", "Bearer b-token-of-bob-with-20-signs")
                                .status())
                        .isEqualTo(404);
                assertThat(messages.post(ping, "Authorization", "Bearer a-token-of-ann-with-20-signs")
                                .status())
                        .isEqualTo(202);
                assertThat(stream.field("data: ")).contains("\"result\":{}");
            }
        }
    }

    @Test
    void otherMethodsAreNotAllowed() {
        assertThat(gateway.client("/sse").post("{}").status()).isEqualTo(405);
        assertThat(gateway.client("/messages").get().status()).isEqualTo(405);
        assertThat(List.of(gateway.client("/messages").post("{}").status())).containsExactly(404);
    }
}
