package io.sluice.balance;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Looks at all, from a place drawn at random, so that equals share. */
final class LeastRequest implements LoadBalancer {
    private final RandomGenerator random;

    LeastRequest(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public @Nullable EndpointState pick(EndpointState[] all, Eligible eligible, long key, long nowNanos) {
        int from = TwoChoices.bounded((int) random.nextLong(), all.length);
        EndpointState best = null;
        double fewest = Double.MAX_VALUE;
        for (int i = 0; i < all.length; i++) {
            EndpointState state = all[(from + i) % all.length];
            if (eligible.test(state, nowNanos)) {
                double load = (state.inFlight() + 1) / state.weight(nowNanos);
                if (load < fewest) {
                    fewest = load;
                    best = state;
                }
            }
        }
        return best;
    }
}
