package io.sluice.guard;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The state on the path of a call behaves as if one thread after the other used it. Lincheck makes up scenarios, runs
 * each many times, and looks for an order that explains what was seen.
 *
 * <p>Not part of the build, because Lincheck transforms every class of the process it runs in: {@code ./mvnw -pl
 * gateway-core test -Dtest=*Linearizability}. GateTest has a random test of the same.
 */
class GuardLinearizability {
    static void check(Class<?> type) {
        new StressOptions()
                .iterations(Integer.getInteger("lincheck.iterations", 4))
                .invocationsPerIteration(500)
                .threads(3)
                .actorsPerThread(3)
                .actorsBefore(1)
                .actorsAfter(1)
                .check(type);
    }

    @Test
    void limiter() {
        check(Limiter.class);
    }

    @Test
    void retries() {
        check(Retries.class);
    }

    @Test
    void identical() {
        check(Identical.class);
    }

    @Test
    void places() {
        check(Places.class);
    }

    @Test
    void permit() {
        check(OnePermit.class);
    }

    @Test
    void breaker() {
        check(Breaking.class);
    }

    /** GCRA: who takes and who gives back. */
    public static class Limiter {
        private final Gcra budget = new Gcra(10, 3, 0);

        @Operation
        public long take() {
            return budget.take(0);
        }

        @Operation
        public long takeLater() {
            return budget.take(15);
        }
    }

    /** The retry budget. */
    public static class Retries {
        private final RetryBudget budget = new RetryBudget(50, 2);

        @Operation
        public void earn() {
            budget.earn();
        }

        @Operation
        public boolean spend() {
            return budget.trySpend();
        }
    }

    /** The loop guard, two calls in two slots and one that shares a slot. */
    public static class Identical {
        private final IdenticalCalls calls = new IdenticalCalls(2, 1_000_000_000L);

        @Operation
        public long one() {
            return calls.take(5L << 40 | 7, 0);
        }

        @Operation
        public long other() {
            return calls.take(6L << 40 | 8, 0);
        }
    }

    /** Places of a bulkhead without a line. */
    public static class Places {
        private final Bulkhead bulkhead = new Bulkhead(2, 0, 50);

        @Operation
        public boolean take() {
            return bulkhead.tryTake(Priority.INTERACTIVE);
        }

        @Operation
        public boolean takeLater() {
            return bulkhead.tryTake(Priority.BACKGROUND);
        }

        @Operation
        public int taken() {
            return bulkhead.taken();
        }
    }

    /** A permit that several end at once, as an error and a cancellation do: the place comes back once. */
    public static class OnePermit {
        private final Gate gate = new Gate(
                "weather",
                GateSettings.STANDARD
                        .withBreaker(BreakerSettings.OFF)
                        .withConcurrent(1, false)
                        .withQueue(0, Duration.ofSeconds(1)),
                1,
                () -> 0);
        private final AtomicReference<@Nullable Permit> first =
                new AtomicReference<>(gate.tryAdmit(Priority.INTERACTIVE, 0));

        @Operation
        public void end() {
            Permit permit = first.get();
            if (permit != null) {
                permit.end(Outcome.SUCCEEDED, 0);
            }
        }

        @Operation
        public boolean admit() {
            return gate.tryAdmit(Priority.INTERACTIVE, 0) != null;
        }
    }

    /**
     * The glue around resilience4j's breaker while it lets a few calls through to see. (When it opens, resilience4j
     * lets a call that ends at the same moment see it closed; that is one call too many at most.)
     */
    public static class Breaking {
        private final Breaker breaker;

        public Breaking() {
            breaker = new Breaker(
                    "weather", BreakerSettings.STANDARD.withFailures(1, 1), () -> 0, (which, before, after) -> {});
            breaker.end(Outcome.FAILED, 0);
            breaker.halfOpen();
        }

        @Operation
        public boolean tryAcquire() {
            return breaker.tryAcquire();
        }

        @Operation
        public boolean isHalfOpen() {
            return breaker.state() == State.HALF_OPEN;
        }
    }
}
