package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.sluice.guard.BreakerSettings;
import io.sluice.guard.Gate;
import io.sluice.guard.GateSettings;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A call counts once against its limits and takes one place, however it was carried and whatever became of it. */
class ChargedOnceTest {
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final FakeBackend backend = FakeBackend.modern().tool("echo", arguments -> "done");
    private TestGateway gateway = TestGateway.start();

    @AfterEach
    void close() {
        goOn.countDown();
        gateway.close();
    }

    private void start(boolean lane, GateSettings gate, LimitSettings limits) {
        gateway.close();
        TestGateway.SetUp setUp = TestGateway.setUp()
                .upstream(settings -> settings.withPolicies(any -> BackendPolicy.STANDARD.withGate(gate)));
        gateway = (lane ? setUp : setUp.withoutLane()).start().with("weather", backend);
        gateway.gateway().guard().apply(limits);
    }

    /** So many calls, and in the time of a test no more. */
    private static LimitSettings calls(int most) {
        return LimitSettings.NONE.withRates(List.of(new RateRule(
                Optional.empty(), Optional.of("*"), Optional.empty(), Optional.empty(), 1, Duration.ofHours(1), most)));
    }

    private static GateSettings places(int most, int waiting) {
        return GateSettings.STANDARD.withConcurrent(most, false).withQueue(waiting, Duration.ofSeconds(10));
    }

    private void backendHolds() {
        backend.on("tools/call", (request, answer) -> {
            goOn.await(10, TimeUnit.SECONDS);
            backend.usual(request, answer);
        });
    }

    private Gate gate() {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get("weather"))
                .gate();
    }

    private RawExchange.Got call() {
        return ModernRequest.call("echo", "{}").send(gateway);
    }

    private CompletableFuture<RawExchange.Got> calling() {
        return CompletableFuture.supplyAsync(this::call);
    }

    private void assertNothingIsHeld() {
        await().untilAsserted(() -> {
            assertThat(gate().inFlight()).isZero();
            assertThat(gate().waiting()).isZero();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callThatWaitsForAPlaceIsChargedOnce(boolean lane) throws Exception {
        start(lane, places(1, 10), calls(4));
        backendHolds();
        List<CompletableFuture<RawExchange.Got>> all =
                IntStream.range(0, 4).mapToObj(i -> calling()).toList();
        await().until(() -> gate().waiting() == 3);

        assertThat(call().status()).isEqualTo(429);
        goOn.countDown();
        for (CompletableFuture<RawExchange.Got> one : all) {
            assertThat(one.get(10, TimeUnit.SECONDS).text()).contains("done");
        }
        assertThat(backend.count("tools/call")).isEqualTo(4);
        assertNothingIsHeld();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callForWhichThereIsNoPlaceIsChargedOnce(boolean lane) throws Exception {
        start(lane, places(1, 0), calls(4));
        backendHolds();
        CompletableFuture<RawExchange.Got> first = calling();
        await().until(() -> gate().inFlight() == 1);

        for (int i = 0; i < 3; i++) {
            assertThat(call().text()).contains("at its limit of 1 concurrent calls");
        }

        assertThat(gate().refused()).isEqualTo(3);
        assertThat(call().status()).isEqualTo(429);
        goOn.countDown();
        assertThat(first.get(10, TimeUnit.SECONDS).text()).contains("done");
        assertNothingIsHeld();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callRefusedByTheBreakerIsChargedOnce(boolean lane) {
        start(
                lane,
                GateSettings.STANDARD.withBreaker(BreakerSettings.STANDARD
                        .withFailures(50, 2)
                        .withOpen(Duration.ofHours(1), Duration.ofHours(1))),
                calls(6));
        backend.on("tools/call", (request, answer) -> answer.status(500, "application/json", "{}"));
        call();
        call();
        await().until(() -> gate().breakerState() == State.OPEN);

        for (int i = 0; i < 4; i++) {
            assertThat(call().text()).contains("too many of its last calls failed");
        }

        assertThat(gate().refused()).isEqualTo(4);
        assertThat(call().status()).isEqualTo(429);
        assertThat(backend.count("tools/call")).isEqualTo(2);
        assertNothingIsHeld();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callRefusedForItsRateIsCountedOnceAsARepetition(boolean lane) {
        start(lane, GateSettings.STANDARD, calls(1).withIdenticalCalls(4, Duration.ofMinutes(1)));
        assertThat(call().status()).isEqualTo(200);

        for (int i = 0; i < 3; i++) {
            assertThat(call().status()).isEqualTo(429);
        }

        assertThat(gateway.gateway().guard().refused()).isEqualTo(3);
        assertThat(call().text()).contains("The same call of 'echo'");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void callThatTheLaneDoesNotTakeIsChargedOnce(boolean lane) {
        start(lane, GateSettings.STANDARD, calls(4));
        String tooLarge = "{'text':'" + "y".repeat(90_000) + "'}";

        for (int i = 0; i < 2; i++) {
            assertThat(ModernRequest.call("echo", tooLarge).send(gateway).text())
                    .contains("done");
            assertThat(ModernRequest.call("echo", "{}")
                            .header("Expect", "100-continue")
                            .send(gateway)
                            .text())
                    .contains("done");
        }

        assertThat(call().status()).isEqualTo(429);
        assertNothingIsHeld();
    }
}
