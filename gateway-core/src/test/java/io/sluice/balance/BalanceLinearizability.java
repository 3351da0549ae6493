package io.sluice.balance;

import io.sluice.guard.Outcome;
import java.util.Random;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/** As in the package guard, for what the choice of an endpoint goes by. */
class BalanceLinearizability {
    @Test
    void attempts() {
        new StressOptions()
                .iterations(Integer.getInteger("lincheck.iterations", 4))
                .invocationsPerIteration(300)
                .threads(3)
                .actorsPerThread(3)
                .check(Attempts.class);
    }

    /** Attempts at one of two endpoints: counted while under way, ejected after five failures in a row, once. */
    public static class Attempts {
        private final Endpoints endpoints =
                new Endpoints(LoadBalancerTest.backend(1, 1), BalanceSettings.STANDARD, new Random(1), () -> 1);
        private final EndpointState at = endpoints.states().get(0);

        @Operation
        public void fail() {
            Attempt attempt = endpoints.pinned(at.endpoint(), 1);
            attempt.end(Outcome.FAILED, 1);
            attempt.end(Outcome.SUCCEEDED, 1);
        }

        @Operation
        public boolean isEjected() {
            return at.isEjected(1);
        }

        @Operation
        public void bringBack() {
            endpoints.eject(at, java.time.Duration.ZERO);
        }
    }
}
