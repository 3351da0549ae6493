package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.guard.BreakerSettings;
import io.sluice.guard.GateSettings;
import io.sluice.guard.LimitSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.ArrayList;
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

    /** Calls a second of each load: what two cores can do beside other things, so that no queue of our own is measured. */
    private static final int RATE = 60;

    private BackendPolicy policy = BackendPolicy.STANDARD;
    private final TestGateway gateway = TestGateway.setUp()
            .token("ann", INTERACTIVE)
            .token("batch", BATCH)
            .upstream(settings -> settings.withPolicies(backend -> policy))
            .start();

    private final List<String> missed = new ArrayList<>();
    private final OpenLoop healthy = load("well__echo", INTERACTIVE);
    private final OpenLoop troubled = load("ill__echo", INTERACTIVE);

    @AfterEach
    void close() {
        gateway.close();
        assertThat(missed).isEmpty();
    }

    private OpenLoop load(String token) {
        return load("echo", token);
    }

    private OpenLoop load(String tool, String token) {
        return new OpenLoop(gateway.port(), tool, "Authorization", "Bearer " + token);
    }

    private List<Trouble> three(String name, long millis) {
        List<Trouble> all =
                Stream.generate(() -> new Trouble(1000, millis)).limit(3).toList();
        all.forEach(trouble -> gateway.closing(trouble.backend()));
        gateway.with(FailoverTest.of(name, all.stream().map(Trouble::backend).toArray(FakeBackend[]::new)));
        return all;
    }

    /** Both at the same time, so that whatever the machine does at that moment, it does to both. */
    private List<OpenLoop.Figures> both(int seconds) {
        return OpenLoop.together(Duration.ofSeconds(seconds), healthy, RATE, troubled, RATE);
    }

    private static void say(String what, Object figures) {
        System.out.println("FIGURES " + what + ": " + figures);
    }

    /** Says a figure, what is wanted of it and whether it is so; {@link #close} fails for those that are not. */
    private void judge(String what, double figure, boolean met, String wanted) {
        say(what, String.format("%.2f, wanted: %s: %s", figure, wanted, met ? "met" : "MISSED"));
        if (!met) {
            missed.add(what);
        }
    }

    private static double share(List<Trouble> all, int of) {
        int[] calls = all.stream().mapToInt(Trouble::calls).toArray();
        return 100.0 * calls[of] / Math.max(1, calls[0] + calls[1] + calls[2]);
    }

    @Test
    void oneEndpointOfThreeIsTwentyTimesSlower() {
        three("well", 10);
        List<Trouble> all = three("ill", 10);
        both(8);
        all.forEach(Trouble::calls);

        all.get(1).takes(200);
        both(5);
        share(all, 1);
        List<OpenLoop.Figures> gray = both(20);
        double share = share(all, 1);
        all.get(1).takes(10);
        both(10);
        share(all, 1);
        both(5);
        double back = share(all, 1);

        say("three that are well", gray.get(0));
        say("one of three 20 times slower", gray.get(1));
        double times = gray.get(1).p99Millis() / gray.get(0).p99Millis();
        judge("p99 against those that are well", times, times <= 2, "at most 2");
        judge("its share from the fifth second on, percent", share, share < 1, "less than 1");
        judge("its share 10 s after healing, percent", back, back > 20, "more than 20 of 33");
    }

    /** It takes calls and answers none, so that nothing is known to be wrong until their clients have lost patience. */
    @Test
    void oneEndpointOfThreeStopsAnswering() {
        three("well", 10);
        List<Trouble> all = three("ill", 10);
        both(8);
        all.forEach(Trouble::calls);

        all.get(1).takes(600_000);
        List<OpenLoop.Figures> silent = both(20);
        double share = share(all, 1);
        all.get(1).takes(10);
        both(10);
        share(all, 1);
        both(5);
        double back = share(all, 1);

        say("three that are well", silent.get(0));
        say("one of three answers nothing", silent.get(1));
        double times = silent.get(1).p99Millis() / silent.get(0).p99Millis();
        judge("p99 against those that are well", times, times <= 2, "at most 2");
        judge("its share, percent", share, share < 1, "less than 1");
        judge("its share 10 s after healing, percent", back, back > 20, "more than 20 of 33");
    }

    @Test
    void oneEndpointOfThreeDies() {
        three("well", 10);
        List<Trouble> all = three("ill", 10);
        both(8);

        all.get(1).backend().down();
        List<OpenLoop.Figures> dying = both(5);
        List<OpenLoop.Figures> dead = both(20);
        all.get(1).backend().up();
        both(10);
        share(all, 1);
        both(5);
        double back = share(all, 1);

        say("the first 5 s with one of three dead", dying.get(1));
        say("three that are well, the next 20 s", dead.get(0));
        say("one of three dead, the same 20 s", dead.get(1));
        double good = Math.min(dying.get(1).goodPercent(), dead.get(1).goodPercent());
        double times = dead.get(1).p99Millis() / dead.get(0).p99Millis();
        judge("good calls, percent", good, good == 100, "100");
        judge("p99 against those that are well", times, times <= 2, "at most 2");
        judge("its share 10 s after healing, percent", back, back > 20, "more than 20 of 33");
    }

    @Test
    void threeTimesAsMuchAsTheBackendCanDo() {
        policy = policy.withGate(GateSettings.STANDARD.withConcurrent(4, true));
        Trouble backend = new Trouble(2, 50); // 40 a second, so that the machine has little to do
        gateway.with("search", backend.backend());
        gateway.gateway().guard().apply(LimitSettings.NONE.withBackground(List.of("batch")));
        OpenLoop interactive = load(INTERACTIVE);
        OpenLoop batch = load(BATCH);
        interactive.run(20, Duration.ofSeconds(8));
        OpenLoop.Figures unloaded = interactive.run(20, Duration.ofSeconds(10));
        backend.calls();
        OpenLoop.together(Duration.ofSeconds(10), interactive, 20, batch, 18);
        double peak = backend.calls() / 10.0;

        List<OpenLoop.Figures> flooded = OpenLoop.together(Duration.ofSeconds(20), interactive, 20, batch, 100);
        double goodput = (flooded.get(0).good() + flooded.get(1).good()) / 20.0;
        OpenLoop.Figures after = interactive.run(20, Duration.ofSeconds(5));

        say("unloaded", unloaded);
        say("at capacity, calls per second", peak);
        say("flooded, interactive", flooded.get(0));
        say("flooded, background", flooded.get(1));
        say("the 5 s after", after);
        double kept = 100 * goodput / peak;
        double served = flooded.get(0).goodPercent();
        double times = flooded.get(0).p99Millis() / unloaded.p99Millis();
        judge("goodput against the peak, percent", kept, kept >= 90, "at least 90");
        judge("interactive calls that are good, percent", served, served >= 99.4, "at least 99.4");
        judge("interactive p99 against unloaded", times, times <= 3, "at most 3");
        judge("good calls in the 5 s after, percent", after.goodPercent(), after.goodPercent() == 100, "100");
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

    /** Three replicas, each with calls of its own that might be repeated, and a backend that answers none of them. */
    @Test
    void deadBackendIsAskedAQuarterMoreThanClientsAskAtMost() {
        policy = policy.withTrusted(true).withGate(GateSettings.STANDARD.withBreaker(BreakerSettings.OFF));
        judgeStorm("asked of a dead backend without a breaker, times what clients ask", 1.25, "at most 1.25");
        policy = policy.withGate(GateSettings.STANDARD);
        judgeStorm("asked of a dead backend with a breaker, times what clients ask", 0.25, "at most 0.25");
    }

    private void judgeStorm(String what, double most, String wanted) {
        AtomicInteger asked = new AtomicInteger();
        FakeBackend dead = gateway.closing(FakeBackend.modern()
                .forgetful()
                .tool("look", RetryTest.READS, arguments -> "seen")
                .on("tools/call", (request, answer) -> {
                    asked.incrementAndGet();
                    answer.reset();
                }));
        int each = Integer.getInteger("calls", 9_000) / 3;
        List<Thread> clients = new ArrayList<>();
        for (int replica = 0; replica < 3; replica++) {
            TestGateway one = gateway.closing(TestGateway.setUp()
                    .upstream(settings -> settings.withPolicies(backend -> policy))
                    .start());
            one.with(dead.backend("files"));
            OpenLoop loop = new OpenLoop(one.port(), "look");
            clients.add(new Thread(() -> loop.closed(each, 8)));
        }
        clients.forEach(Thread::start);
        for (Thread client : clients) {
            try {
                client.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        double times = asked.get() / (3.0 * each);
        judge(what, times, times <= most && asked.get() > 0, wanted);
    }
}
