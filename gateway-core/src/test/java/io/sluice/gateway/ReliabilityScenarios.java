package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.guard.BreakerSettings;
import io.sluice.guard.GateSettings;
import io.sluice.guard.LimitSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The long forms of what EndpointTroubleTest and RetryTest hold at every build, with figures; see docs/reliability.md.
 * Not part of the build: {@code ./mvnw -pl gateway-core test -Dtest=ReliabilityScenarios}, or one of them with {@code
 * -Dtest=ReliabilityScenarios#oneEndpointOfThreeIsTwentyTimesSlower}.
 */
class ReliabilityScenarios {
    private static final String INTERACTIVE = "ann-k7Qz2mN9vX4bR8tL1pW6";
    private static final String BATCH = "batch-y3sH5gJ0cFa1dK8wE2uR";

    private BackendPolicy policy = BackendPolicy.STANDARD;
    private final TestGateway gateway = TestGateway.setUp()
            .token("ann", INTERACTIVE)
            .token("batch", BATCH)
            .upstream(settings -> settings.withPolicies(backend -> policy))
            .start();

    @AfterEach
    void close() {
        gateway.close();
    }

    private OpenLoop load(String token) {
        return new OpenLoop(gateway.port(), "echo", "Authorization", "Bearer " + token);
    }

    private List<Trouble> three(long millis) {
        List<Trouble> all =
                Stream.generate(() -> new Trouble(1000, millis)).limit(3).toList();
        all.forEach(trouble -> gateway.closing(trouble.backend()));
        gateway.with(
                FailoverTest.of("search", all.stream().map(Trouble::backend).toArray(FakeBackend[]::new)));
        return all;
    }

    private static void say(String what, Object figures) {
        System.out.println("FIGURES " + what + ": " + figures);
    }

    private static double share(List<Trouble> all, int of) {
        int[] calls = all.stream().mapToInt(Trouble::calls).toArray();
        return 100.0 * calls[of] / Math.max(1, calls[0] + calls[1] + calls[2]);
    }

    @Test
    void oneEndpointOfThreeIsTwentyTimesSlower() {
        List<Trouble> all = three(10);
        OpenLoop load = load(INTERACTIVE);
        load.run(200, Duration.ofSeconds(5));
        OpenLoop.Figures healthy = load.run(200, Duration.ofSeconds(10));
        all.forEach(Trouble::calls);

        all.get(1).takes(200);
        load.run(200, Duration.ofSeconds(5));
        share(all, 1);
        OpenLoop.Figures gray = load.run(200, Duration.ofSeconds(20));
        double share = share(all, 1);
        all.get(1).takes(10);
        load.run(200, Duration.ofSeconds(10));
        share(all, 1);
        load.run(200, Duration.ofSeconds(5));
        double back = share(all, 1);

        say("healthy", healthy);
        say("one of three 20 times slower", gray);
        say("its share after 5 s, percent", share);
        say("its share 10 s after healing, percent", back);
        assertThat(share).isLessThan(1);
        assertThat(gray.p99Millis()).isLessThan(2 * healthy.p99Millis());
        assertThat(back).isGreaterThan(20);
    }

    @Test
    void oneEndpointOfThreeDies() {
        List<Trouble> all = three(10);
        OpenLoop load = load(INTERACTIVE);
        load.run(200, Duration.ofSeconds(5));
        OpenLoop.Figures healthy = load.run(200, Duration.ofSeconds(10));

        all.get(1).backend().down();
        OpenLoop.Figures dying = load.run(200, Duration.ofSeconds(5));
        OpenLoop.Figures dead = load.run(200, Duration.ofSeconds(20));
        all.get(1).backend().up();
        load.run(200, Duration.ofSeconds(10));
        share(all, 1);
        load.run(200, Duration.ofSeconds(5));
        double back = share(all, 1);

        say("healthy", healthy);
        say("the first 5 s with one of three dead", dying);
        say("the next 20 s", dead);
        say("its share 10 s after healing, percent", back);
        assertThat(dead.goodPercent()).isEqualTo(100);
        assertThat(dead.p99Millis()).isLessThan(2 * healthy.p99Millis());
        assertThat(back).isGreaterThan(20);
    }

    @Test
    void threeTimesAsMuchAsTheBackendCanDo() {
        policy = policy.withGate(GateSettings.STANDARD.withConcurrent(8, true));
        Trouble backend = new Trouble(4, 20);
        gateway.with("search", backend.backend());
        gateway.gateway().guard().apply(LimitSettings.NONE.withBackground(List.of("batch")));
        OpenLoop interactive = load(INTERACTIVE);
        OpenLoop batch = load(BATCH);
        interactive.run(100, Duration.ofSeconds(5));
        OpenLoop.Figures unloaded = interactive.run(100, Duration.ofSeconds(5));
        backend.calls();
        OpenLoop.together(Duration.ofSeconds(5), interactive, 100, batch, 80);
        double peak = backend.calls() / 5.0;

        List<OpenLoop.Figures> flooded = OpenLoop.together(Duration.ofSeconds(20), interactive, 100, batch, 500);
        double goodput = (flooded.get(0).good() + flooded.get(1).good()) / 20.0;
        OpenLoop.Figures after = interactive.run(100, Duration.ofSeconds(5));

        say("unloaded", unloaded);
        say("at capacity, calls per second", peak);
        say("flooded, interactive", flooded.get(0));
        say("flooded, background", flooded.get(1));
        say("goodput per second", goodput);
        say("the 5 s after", after);
        assertThat(goodput).isGreaterThan(0.9 * peak);
        assertThat(flooded.get(0).goodPercent()).isGreaterThanOrEqualTo(99.4);
        assertThat(after.goodPercent()).isEqualTo(100);
    }

    @Test
    void hundredThousandCallsWithLostReplies() {
        policy = policy.withTrusted(true).withGate(GateSettings.STANDARD.withBreaker(BreakerSettings.OFF));
        Map<Integer, AtomicInteger> executed = new ConcurrentHashMap<>();
        AtomicInteger calls = new AtomicInteger();
        FakeBackend backend = FakeBackend.modern().forgetful().on("tools/call", (request, answer) -> {
            int n = request.params().path("arguments").path("n").asInt();
            executed.computeIfAbsent(n, key -> new AtomicInteger()).incrementAndGet();
            if (calls.incrementAndGet() % 10 == 0) {
                answer.reset();
            } else {
                answer.json("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                        + ",\"result\":{\"resultType\":\"complete\",\"content\":[]}}");
            }
        });
        gateway.with("mail", backend);
        int most = Integer.getInteger("calls", 100_000);

        OpenLoop.Figures figures = load(INTERACTIVE).closed(most, 16);

        long twice = executed.values().stream().filter(times -> times.get() > 1).count();
        say("calls", figures);
        say("executed", executed.size());
        say("executed more than once", twice);
        assertThat(twice).isZero();
        assertThat(executed.size()).isEqualTo(most);
    }
}
