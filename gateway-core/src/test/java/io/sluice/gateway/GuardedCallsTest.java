package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.sluice.guard.BreakerSettings;
import io.sluice.guard.GateSettings;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Limits and breakers as clients of either era meet them. */
class GuardedCallsTest {
    private static final String ANN = "ann-k7Qz2mN9vX4bR8tL1pW6";
    private static final String BOB = "bob-y3sH5gJ0cFa1dK8wE2uR";

    private BackendPolicy policy = BackendPolicy.STANDARD.withGate(GateSettings.STANDARD.withBreaker(
            BreakerSettings.STANDARD.withOpen(Duration.ofMillis(500), Duration.ofSeconds(1))));
    private final TestGateway gateway = TestGateway.setUp()
            .token("ann", ANN)
            .token("bob", BOB)
            .upstream(settings -> settings.withPolicies(backend -> policy))
            .start();
    private final CountDownLatch over = new CountDownLatch(1);

    @AfterEach
    void close() {
        over.countDown();
        gateway.close();
    }

    private WireClient as(String token) {
        return gateway.client().with("Authorization", "Bearer " + token);
    }

    private static WireClient.Got call(WireClient client, String arguments) {
        return client.modern("1", "tools/call", "'name':'echo','arguments':" + arguments);
    }

    private void limit(int calls, Duration per, int burst) {
        gateway.gateway()
                .guard()
                .apply(LimitSettings.NONE.withRates(List.of(new RateRule(
                        Optional.empty(), Optional.of("*"), Optional.empty(), Optional.empty(), calls, per, burst))));
    }

    private Upstream upstream(String name) {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get(name));
    }

    @Test
    void callerOverItsLimitGets429AndOthersAreNotConcerned() {
        gateway.with("weather", FakeBackend.modern());
        limit(1, Duration.ofMinutes(1), 2);
        WireClient ann = as(ANN);
        assertThat(call(ann, "{}").status()).isEqualTo(200);
        assertThat(call(ann, "{}").status()).isEqualTo(200);

        WireClient.Got refused = call(ann, "{}");

        assertThat(refused.status()).isEqualTo(429);
        assertThat(Integer.parseInt(refused.header("Retry-After"))).isBetween(1, 60);
        assertThat(refused.json().at("/error/code").asInt()).isEqualTo(-31003);
        assertThat(refused.json().at("/error/data/retryAfterMs").asInt()).isBetween(1, 60_000);
        assertThat(call(as(BOB), "{}").status()).isEqualTo(200);
        assertThat(ann.modern("2", "tools/list", "").status()).isEqualTo(200);
    }

    @Test
    void newSessionDoesNotResetALimit() {
        gateway.with("weather", FakeBackend.legacy());
        limit(1, Duration.ofMinutes(1), 2);
        String call = "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo','arguments':{}}}";
        WireClient first = as(ANN).initialize("2025-11-25", "{}");
        assertThat(first.post(call).status()).isEqualTo(200);
        assertThat(first.post(call).status()).isEqualTo(200);

        WireClient second = as(ANN).initialize("2025-11-25", "{}");

        assertThat(second.post(call).status()).isEqualTo(429);
        assertThat(as(ANN).post(call).status()).isEqualTo(429);
        assertThat(call(as(ANN), "{}").status()).isEqualTo(429);
    }

    @Test
    void agentInALoopIsToldInBand() {
        gateway.with("weather", FakeBackend.modern());
        gateway.gateway().guard().apply(LimitSettings.NONE.withIdenticalCalls(3, Duration.ofMinutes(1)));
        WireClient ann = as(ANN);
        for (int i = 0; i < 3; i++) {
            assertThat(call(ann, "{'city':'Rome'}").json().at("/result/isError").asBoolean(false))
                    .isFalse();
        }

        JsonNode told = call(ann, "{'city':'Rome'}").json();

        assertThat(told.at("/result/isError").asBoolean()).isTrue();
        assertThat(told.at("/result/content/0/text").asString()).contains("The same call of 'echo'", "3 times");
        assertThat(call(ann, "{'city':'Oslo'}").json().at("/result/isError").asBoolean(false))
                .isFalse();
    }

    @Test
    void breakerOpensOnTheBackendsFailuresAnswersInBandAndRecovers() {
        FakeBackend backend = FakeBackend.modern();
        gateway.with("weather", backend);
        backend.on("tools/call", (request, answer) -> answer.status(500, "application/json", "{}"));
        for (int i = 0; i < 10; i++) {
            call(as(ANN), "{}");
        }
        await().untilAsserted(() ->
                assertThat(upstream("weather").gate().breakerState()).isEqualTo(State.OPEN));
        int asked = backend.count("tools/call");

        JsonNode refused = call(as(ANN), "{}").json();

        assertThat(refused.at("/result/isError").asBoolean()).isTrue();
        assertThat(refused.at("/result/_meta/io.sluice~1error/retryAfterMs").asInt())
                .isBetween(1, 500);
        assertThat(backend.count("tools/call")).isEqualTo(asked);
        backend.usual("tools/call");
        await().atMost(Duration.ofSeconds(5))
                .until(() -> !call(as(ANN), "{}").json().at("/result/isError").asBoolean(false));
    }

    @Test
    void breakerDoesNotMindErrorsOfTheCallerOrOfTheTool() {
        FakeBackend backend = FakeBackend.modern();
        gateway.with("weather", backend);
        backend.on("tools/call", (request, answer) -> {
            String id = request.id().toString();
            switch (request.params().path("arguments").path("kind").asInt()) {
                case 0 ->
                    answer.json("{\"jsonrpc\":\"2.0\",\"id\":" + id
                            + ",\"error\":{\"code\":-32602,\"message\":\"no such city\"}}");
                case 1 -> answer.error(400, -32602, "no such city");
                default ->
                    answer.json("{\"jsonrpc\":\"2.0\",\"id\":" + id
                            + ",\"result\":{\"resultType\":\"complete\",\"content\":[],\"isError\":true}}");
            }
        });

        for (int i = 0; i < 60; i++) {
            call(as(ANN), "{'kind':" + i % 3 + "}");
        }

        assertThat(upstream("weather").gate().breakerState()).isEqualTo(State.CLOSED);
        assertThat(upstream("weather").gate().breaker().read(it -> it.getNumberOfFailedCalls()))
                .isZero();
    }

    @Test
    void clientsThatLeaveReturnTheirPermitsAndTeachTheBreakerNothing() {
        FakeBackend backend = FakeBackend.modern()
                .on("tools/call", (request, answer) -> answer.events().untilClosed());
        gateway.with("weather", backend);
        for (int i = 0; i < 20; i++) {
            WireClient.Stream stream = as(ANN).modernStream("" + i, "tools/call", "'name':'echo','arguments':{}");
            int expected = i + 1;
            await().until(() -> backend.count("tools/call") == expected);
            stream.close();
        }

        await().untilAsserted(
                        () -> assertThat(upstream("weather").gate().inFlight()).isZero());
        assertThat(upstream("weather").gate().breaker().read(it -> it.getNumberOfFailedCalls()))
                .isZero();
        assertThat(upstream("weather").endpoints().states().get(0).inFlight())
                .as("the feed of changes goes on")
                .isLessThanOrEqualTo(1);
    }

    @Test
    void backendAtItsLimitKeepsNobodyElseWaiting() {
        policy = policy.withGate(GateSettings.STANDARD.withConcurrent(2, false).withQueue(0, Duration.ofSeconds(1)));
        FakeBackend stalling = FakeBackend.modern()
                .tool("stall", arguments -> "late")
                .on("tools/call", (request, answer) -> over.await(30, TimeUnit.SECONDS));
        gateway.with("slow", stalling);
        gateway.with("weather", FakeBackend.modern());
        WireClient ann = as(ANN);
        for (int i = 0; i < 2; i++) {
            Thread waiting = new Thread(() -> {
                try {
                    ann.modern("9", "tools/call", "'name':'stall','arguments':{}");
                } catch (java.io.UncheckedIOException gone) {
                    // the gateway closes before the answer comes
                }
            });
            waiting.setDaemon(true);
            waiting.start();
        }
        await().until(() -> upstream("slow").gate().inFlight() == 2);

        JsonNode refused =
                ann.modern("1", "tools/call", "'name':'stall','arguments':{}").json();

        assertThat(refused.at("/result/content/0/text").asString())
                .isEqualTo("Backend 'slow' is at its limit of 2 concurrent calls");
        assertThat(refused.at("/result/_meta/io.sluice~1error/retryAfterMs").asInt())
                .isPositive();
        assertThat(ann.modern("2", "tools/call", "'name':'weather__echo','arguments':{}")
                        .json()
                        .at("/result/isError")
                        .asBoolean(false))
                .isFalse();
    }
}
