package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Multi round-trip requests between a modern client and a modern backend: the gateway keeps nothing and touches
 * nothing.
 */
class MrtrTest {
    private static final String STATE = "v1.\\u0041\\/b+/=\\ud83d\\ude00.%20";
    private static final String REQUIRED =
            "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"confirm\":"
                    + "{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"form\",\"message\":\"Delete 1.10?\","
                    + "\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"ok\":{\"type\":\"boolean\"}}}}},"
                    + "\"roots\":{\"method\":\"roots/list\"}},\"requestState\":\"" + STATE + "\"}}";

    private static FakeBackend backend;
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        backend = FakeBackend.modern().list("resources", "[{\"uri\":\"test://one\",\"name\":\"one\"}]");
        gateway = TestGateway.start().with("up", backend);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @Test
    void requiredInputIsRelayedUntouchedAsJsonAndAsAnEvent() {
        backend.on("tools/call", (request, answer) -> answer.json(REQUIRED));
        assertThat(ModernRequest.call("echo", "{}").send(gateway).text()).isEqualTo(REQUIRED);

        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(REQUIRED);
            stream.end();
        });
        assertThat(ModernRequest.call("echo", "{}").send(gateway).text())
                .isEqualTo("event: message\ndata: " + REQUIRED + "\n\n");
    }

    @Test
    void requiredInputOfAResourceIsRelayedToo() {
        backend.on("resources/read", (request, answer) -> answer.json(REQUIRED));

        assertThat(ModernRequest.read("test://one").send(gateway).text()).isEqualTo(REQUIRED);
    }

    @Test
    void retryReachesTheBackendByteForByte() {
        backend.on(
                "tools/call",
                (request, answer) -> answer.json(
                        "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{\"resultType\":\"complete\",\"content\":[]}}"));
        String retry = "{ \"id\":8,\"method\":\"tools/call\",\"params\":{\"requestState\":\"" + STATE
                + "\",\"name\":\"echo\",\"arguments\":{\"n\":1.10},\"inputResponses\":{\"confirm\":{\"action\":\"accept\","
                + "\"content\":{\"ok\":true,\"n\":1e400}},\"unknown\":{ }},\"_meta\":{"
                + "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{\"form\":{}}},\"x/own\":1.0,"
                + "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}},\"jsonrpc\":\"2.0\"}\n";

        RawExchange.Got got = ModernRequest.call("echo", "{}").body(retry).send(gateway);

        assertThat(got.status()).as(got.toString()).isEqualTo(200);
        assertThat(last().text()).isEqualTo(retry);
    }

    @Test
    void onlyTheNameChangesWhenTheToolIsRenamed() {
        backend.on(
                "tools/call",
                (request, answer) -> answer.json(
                        "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{\"resultType\":\"complete\",\"content\":[]}}"));
        String retry = "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{\"requestState\":\"" + STATE
                + "\",\"name\":\"up__ech\\u006f\",\"inputResponses\":{\"a\":{\"name\":\"up__echo\"}},\"_meta\":{"
                + "\"io.modelcontextprotocol/clientCapabilities\":{},"
                + "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}";

        ModernRequest.call("up__echo", "{}").body(retry).send(gateway);

        assertThat(last().text()).isEqualTo(retry.replace("up__ech\\u006f", "echo"));
    }

    @Test
    void stateWithoutQuestionsIsRelayed() {
        String json =
                "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"input_required\",\"requestState\":\"s\"}}";
        backend.on("tools/call", (request, answer) -> answer.json(json));

        assertThat(ModernRequest.call("echo", "{}").send(gateway).text()).isEqualTo(json);
    }

    @Test
    void stateThatALegacyBackendCannotKnowIsRefusedAndTheToolNotRunAgain() throws Exception {
        FakeBackend legacy = FakeBackend.legacy();
        try (TestGateway own = TestGateway.start().with("old", legacy)) {
            RawExchange.Got got = ModernRequest.of("tools/call", "'name':'echo','requestState':'s','inputResponses':{}")
                    .header("Mcp-Name", "echo")
                    .send(own);

            assertThat(got.status()).isEqualTo(200);
            assertThat(got.code()).isEqualTo(-32602);
            assertThat(legacy.count("tools/call")).isZero();
        }
    }

    private static FakeBackend.Received last() {
        var calls = backend.received("tools/call");
        return calls.get(calls.size() - 1);
    }
}
