package io.sluice.guard;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import java.time.Duration;
import java.util.Objects;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The state on the path of a call behaves as if one thread after the other used it. Lincheck makes up scenarios, goes
 * through the ways in which their threads can take turns, and looks for an order that explains what was seen. (Merely
 * running them many times does not find a counter that is read and then written.)
 *
 * <p>Not part of the build, because Lincheck transforms every class of the process it runs in: {@code ./mvnw -pl
 * gateway-core test -Dtest=*Linearizability}. GateTest has a random test of the same.
 */
class GuardLinearizability {
    static void check(Class<?> type) {
        new ModelCheckingOptions()
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

    /** What is found here would be found in the others: the settings are strict enough. */
    @Test
    void lostUpdateIsFound() {
        assertThatThrownBy(() -> check(Torn.class)).hasMessageContaining("Invalid execution results");
    }

    /** A bulkhead as it must not be: looks, and then takes. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // which is what it is for
    public static class Torn {
        private volatile int taken;

        @Operation
        public boolean take() {
            if (taken >= 2) {
                return false;
            }
            taken = taken + 1;
            return true;
        }

        @Operation
        public int taken() {
            return taken;
        }
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

    /**
     * A permit that several end at once, as an error and a cancellation do: its place comes back once. (Who comes second
     * does not wait until the first is done, so that it is only looked at when all are.)
     */
    public static class OnePermit {
        private final Gate gate = new Gate(
                "weather",
                GateSettings.STANDARD
                        .withBreaker(BreakerSettings.OFF)
                        .withConcurrent(2, false)
                        .withQueue(0, Duration.ofSeconds(1)),
                2,
                () -> 0);
        private final @Nullable Permit first = gate.tryAdmit(Priority.INTERACTIVE, 0);
        private volatile boolean ended;

        public OnePermit() {
            gate.tryAdmit(Priority.INTERACTIVE, 0);
        }

        @Operation
        public void end() {
            ended = true;
            Objects.requireNonNull(first).end(Outcome.SUCCEEDED, 0);
        }

        @Validate
        public void placeIsBackOnce() {
            int left = gate.inFlight();
            if (left != (ended ? 1 : 2)) {
                throw new IllegalStateException(
                        left + " places are taken"); // nothing that Lincheck would have to follow
            }
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
            breaker.end(Outcome.FAILED, 0, 0);
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
