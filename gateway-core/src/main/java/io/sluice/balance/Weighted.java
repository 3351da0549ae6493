package io.sluice.balance;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Draws a point on the line that the weights of the eligible make up. */
final class Weighted implements LoadBalancer {
    private final RandomGenerator random;

    Weighted(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public @Nullable EndpointState pick(EndpointState[] all, Eligible eligible, long key, long nowNanos) {
        double whole = 0;
        for (EndpointState state : all) {
            whole += eligible.test(state, nowNanos) ? state.weight(nowNanos) : 0;
        }
        double left = (random.nextLong() >>> 11) * 0x1.0p-53 * whole;
        EndpointState last = null;
        for (EndpointState state : all) {
            if (eligible.test(state, nowNanos)) {
                last = state;
                left -= state.weight(nowNanos);
                if (left < 0) {
                    return state;
                }
            }
        }
        return last;
    }
}
