package io.sluice.benchmarks.micro;

import io.sluice.auth.Caller;
import io.sluice.balance.Attempt;
import io.sluice.balance.BalanceSettings;
import io.sluice.balance.Endpoints;
import io.sluice.guard.BreakerSettings;
import io.sluice.guard.DeadlineRule;
import io.sluice.guard.Gate;
import io.sluice.guard.GateSettings;
import io.sluice.guard.Guard;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.Priority;
import io.sluice.guard.RateRule;
import io.sluice.guard.RetryBudget;
import io.sluice.overload.Overload;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.upstream.Terms;
import io.sluice.upstream.TimeLimit;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What guarding and balancing add to a call: overload, priority, limits, deadline, breaker, place, adaptive limit, retry
 * budget, choice of an endpoint with its own breaker, and telling all of them how it went. {@code clock} is what two looks
 * at the clock cost, which are in the others; what stands between it and {@code everything} is what guards add.
 *
 * <p>{@code benchmarks/guards} runs both and compares; by hand {@code java -jar benchmarks/target/benchmarks.jar
 * GuardBenchmark -prof gc -prof io.sluice.benchmarks.micro.CpuTime}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class GuardBenchmark {
    private static final Caller CALLER = new Caller("agent", "acme", false);
    private static final byte[] BODY = new byte[300];

    private final Guard without = new Guard();
    private final Guard limited = new Guard(LimitSettings.NONE
            .withRates(List.of(
                    rule("acme", null, null, null),
                    rule(null, "agent*", null, null),
                    rule(null, null, "search", null),
                    rule(null, null, "search", "que*")))
            .withIdenticalCalls(10_000, Duration.ofMillis(100))
            .withBackground(List.of("batch-*"))
            .withDeadlines(List.of(
                    new DeadlineRule("mail", Optional.empty(), Duration.ofSeconds(9), Duration.ofSeconds(90)),
                    new DeadlineRule("search", Optional.of("q*"), Duration.ofSeconds(30), Duration.ofMinutes(9)))));
    private final Overload overload = new Overload(() -> 100);
    private final RetryBudget retries = new RetryBudget(20, 3);
    private final Gate gate = new Gate("search", GateSettings.STANDARD, 500, System::nanoTime);
    private final Gate unbroken = new Gate(
            "search",
            GateSettings.STANDARD.withBreaker(BreakerSettings.OFF).withConcurrent(0, false),
            500,
            System::nanoTime);
    private final Endpoints one = endpoints(1);
    private final Endpoints three = endpoints(3);
    private int n;
    private Terms terms = Terms.ONCE;
    /** Read by nobody: a call under way holds its place. */
    @Nullable
    Permit held;

    private static RateRule rule(
            @Nullable String tenant, @Nullable String caller, @Nullable String backend, @Nullable String tool) {
        return new RateRule(
                Optional.ofNullable(tenant),
                Optional.ofNullable(caller),
                Optional.ofNullable(backend),
                Optional.ofNullable(tool),
                1_000_000_000,
                Duration.ofSeconds(1),
                1_000_000);
    }

    private static Endpoints endpoints(int count) {
        Backend backend = new Backend(
                "search",
                IntStream.range(0, count)
                        .mapToObj(i -> Endpoint.of("http://search-" + i + "/mcp"))
                        .toList(),
                Map.of(),
                Optional.empty(),
                Backend.DEFAULT_TIMEOUT,
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE);
        return new Endpoints(
                backend,
                BalanceSettings.STANDARD,
                () -> ThreadLocalRandom.current().nextLong(),
                System::nanoTime);
    }

    @Benchmark
    public long clock() {
        return System.nanoTime() + System.nanoTime();
    }

    /** The usual: no limits configured, one endpoint. */
    @Benchmark
    public Attempt oneEndpoint() {
        return call(without, gate, one);
    }

    /** No limits configured, three endpoints with breakers. */
    @Benchmark
    public Attempt threeEndpoints() {
        return call(without, gate, three);
    }

    /** Everything: four levels of rates, loop guard, a deadline, breakers, three endpoints. The call's terms are made anew. */
    @Benchmark
    public Attempt everything() {
        overload.check();
        Priority priority = limited.priority(CALLER);
        DeadlineRule rule = Objects.requireNonNull(limited.deadline("search", "query"));
        terms = new Terms(
                false,
                priority,
                false,
                false,
                0,
                rule.within(),
                new TimeLimit(n, rule.within(), rule.atMost(), "that limits.deadlines gives it", false));
        retries.earn();
        return call(limited, gate, three);
    }

    /** Without breakers and limits: places and choice alone. */
    @Benchmark
    public Attempt placesAndChoice() {
        return call(without, unbroken, one);
    }

    /** The choice among three endpoints alone, and telling the chosen one how it went. */
    @Benchmark
    public Attempt balance() {
        long start = System.nanoTime();
        Attempt attempt = three.pick(0, start);
        attempt.answered(start);
        attempt.end(Outcome.SUCCEEDED, start);
        return attempt;
    }

    private Attempt call(Guard guard, Gate at, Endpoints endpoints) {
        long start = System.nanoTime();
        BODY[n++ & 127] = (byte) n;
        guard.check(CALLER, "search", "query", BODY, 0, 200, start);
        Permit permit = Objects.requireNonNull(at.tryAdmit(terms.priority(), start));
        held = permit;
        Attempt attempt = endpoints.pick(0, start);
        long end = System.nanoTime();
        attempt.answered(end);
        attempt.end(Outcome.SUCCEEDED, end);
        permit.end(Outcome.SUCCEEDED, attempt.nanosToHead(), end);
        return attempt;
    }
}
