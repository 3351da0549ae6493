package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.guard.GateSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A call is made twice only where that does no harm; otherwise its client hears that nobody knows. */
class RetryTest {
    static final String READS =
            "{'name':'look','inputSchema':{'type':'object'},'annotations':{'readOnlyHint':true}}".replace('\'', '"');

    private BackendPolicy policy =
            BackendPolicy.STANDARD.withGate(GateSettings.STANDARD.withBreaker(io.sluice.guard.BreakerSettings.OFF));
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(backend -> policy))
            .start();

    @AfterEach
    void close() {
        gateway.close();
    }

    /** Executes each call, and loses the reply of every one whose number is a multiple of this. */
    private static FakeBackend losing(FakeBackend backend, int each, Map<Integer, Integer> executed) {
        AtomicInteger calls = new AtomicInteger();
        return backend.tool("look", READS, arguments -> "seen").on("tools/call", (request, answer) -> {
            int n = request.params().path("arguments").path("n").asInt();
            executed.merge(n, 1, Integer::sum);
            if (calls.incrementAndGet() % each == 0) {
                answer.reset();
                return;
            }
            answer.json("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"" + n
                    + "\"}]}}");
        });
    }

    private JsonNode call(String tool, int n) {
        return gateway.client()
                .modern("" + n, "tools/call", "'name':'" + tool + "','arguments':{'n':" + n + "}")
                .json();
    }

    @Test
    void callThatMayHaveActedIsNeverMadeTwiceAndItsOutcomeIsCalledUnknown() {
        Map<Integer, Integer> executed = new ConcurrentHashMap<>();
        gateway.with("mail", losing(FakeBackend.modern(), 5, executed));
        policy = policy.withTrusted(true);
        Map<String, Integer> outcomes = new HashMap<>();

        for (int n = 0; n < 100; n++) {
            JsonNode result = call("echo", n).path("result");
            outcomes.merge(
                    result.path("isError").asBoolean(false)
                            ? result.at("/_meta/io.sluice~1error/outcome").asString("none")
                            : "fine",
                    1,
                    Integer::sum);
        }

        assertThat(executed.values()).hasSize(100).containsOnly(1);
        assertThat(outcomes).containsOnly(Map.entry("fine", 80), Map.entry("unknown", 20));
    }

    @Test
    void annotationsOfABackendThatIsNotTrustedAreNotBelieved() {
        Map<Integer, Integer> executed = new ConcurrentHashMap<>();
        gateway.with("files", losing(FakeBackend.modern(), 5, executed));

        for (int n = 0; n < 50; n++) {
            call("look", n);
        }

        assertThat(executed.values()).hasSize(50).containsOnly(1);
    }

    @Test
    void readsOfATrustedBackendAreRepeatedWithinTheBudget() {
        policy = policy.withTrusted(true);
        Map<Integer, Integer> executed = new ConcurrentHashMap<>();
        FakeBackend backend = losing(FakeBackend.modern(), 10, executed);
        gateway.with("files", backend);
        int failed = 0;

        for (int n = 0; n < 100; n++) {
            failed += call("look", n).at("/result/isError").asBoolean(false) ? 1 : 0;
        }

        assertThat(failed).isZero();
        assertThat(backend.received("tools/call").stream()
                        .filter(request -> "1".equals(request.header("X-Retry-Attempt")))
                        .count())
                .isBetween(8L, 12L);
    }

    @Test
    void deadBackendIsNotAskedMuchMoreOftenThanItsClientsAsk() {
        policy = policy.withTrusted(true);
        Map<Integer, Integer> executed = new ConcurrentHashMap<>();
        FakeBackend backend = losing(FakeBackend.modern(), 1, executed);
        gateway.with("files", backend);

        for (int n = 0; n < 100; n++) {
            call("look", n);
        }

        assertThat(backend.count("tools/call")).isBetween(100, 124);
    }

    @Test
    void slowReadIsAskedOfAnotherEndpointAndTheFirstAnswerCounts() {
        policy = policy.withTrusted(true).withHedge(true);
        FakeBackend slow = gateway.closing(FakeBackend.modern().tool("look", READS, arguments -> "seen"));
        FakeBackend fast = gateway.closing(FakeBackend.modern().tool("look", READS, arguments -> "seen"));
        gateway.with(FailoverTest.of("files", slow, fast));
        Upstream upstream =
                Objects.requireNonNull(gateway.discovery().state().upstreams().get("files"));
        for (int n = 0; n < 60; n++) {
            call("look", n);
        }
        slow.on("tools/call", (request, answer) -> answer.untilClosed());
        upstream.endpoints().drain(upstream.endpoints().states().get(1), true);
        int before = fast.count("tools/call");

        await().atMost(Duration.ofSeconds(8)).untilAsserted(() -> {
            upstream.endpoints().drain(upstream.endpoints().states().get(1), false);
            assertThat(call("look", 7).at("/result/content/0/text").asString()).isEqualTo("seen");
        });

        assertThat(fast.count("tools/call")).isGreaterThan(before);
    }

    @Test
    void streamThatGoesOnForTooLongEndsInAFailureOfUnknownOutcome() {
        policy = policy.withLongest(Duration.ofMillis(400));
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
                    + "\"params\":{\"progressToken\":1,\"progress\":1}}");
            answer.untilClosed();
        });
        gateway.with("research", backend);

        WireClient.Got got = gateway.client().modern("1", "tools/call", "'name':'echo','arguments':{}");

        JsonNode last = got.events().get(got.events().size() - 1);
        assertThat(last.at("/result/isError").asBoolean()).isTrue();
        assertThat(last.at("/result/_meta/io.sluice~1error/outcome").asString()).isEqualTo("unknown");
        await().until(() ->
                Objects.requireNonNull(gateway.discovery().state().upstreams().get("research"))
                                .gate()
                                .inFlight()
                        == 0);
    }
}
