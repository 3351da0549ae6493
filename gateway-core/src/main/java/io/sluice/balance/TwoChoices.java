package io.sluice.balance;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Draws two endpoints and takes the cheaper by latency × calls in flight ÷ weight. Two choices already avoid the
 * crowding that "always the least loaded" causes when the load is known late (M. Mitzenmacher, <em>The Power of Two
 * Choices in Randomized Load Balancing</em>, 2001).
 */
final class TwoChoices implements LoadBalancer {
    private final RandomGenerator random;

    TwoChoices(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public @Nullable EndpointState pick(EndpointState[] all, Eligible eligible, long key, long nowNanos) {
        int size = all.length;
        long drawn = random.nextLong();
        int first = bounded((int) drawn, size);
        int second = bounded((int) (drawn >>> 32), size - 1);
        if (second >= first) {
            second++;
        }
        EndpointState one = all[first];
        EndpointState other = all[second];
        boolean oneMay = eligible.test(one, nowNanos);
        boolean otherMay = eligible.test(other, nowNanos);
        if (oneMay && otherMay) {
            double fastest = Math.min(one.lastKnownNanos(), other.lastKnownNanos());
            return other.cost(fastest, nowNanos) < one.cost(fastest, nowNanos) ? other : one;
        }
        // With one of the two out, the other would get its share as well: all that are left are compared instead.
        return size == 2 ? (oneMay ? one : otherMay ? other : null) : cheapest(all, eligible, first, nowNanos);
    }

    private static @Nullable EndpointState cheapest(EndpointState[] all, Eligible eligible, int from, long nowNanos) {
        double fastest = Double.MAX_VALUE;
        for (EndpointState state : all) {
            if (eligible.test(state, nowNanos)) {
                fastest = Math.min(fastest, state.lastKnownNanos());
            }
        }
        EndpointState best = null;
        double lowest = Double.MAX_VALUE;
        for (int i = 0; i < all.length; i++) {
            EndpointState state = all[(from + i) % all.length];
            if (eligible.test(state, nowNanos)) {
                double cost = state.cost(fastest, nowNanos);
                if (cost < lowest) {
                    lowest = cost;
                    best = state;
                }
            }
        }
        return best;
    }

    /** Multiplies instead of dividing (D. Lemire, <em>Fast Random Integer Generation in an Interval</em>, 2019). */
    static int bounded(int random, int bound) {
        return (int) (((random & 0xFFFF_FFFFL) * bound) >>> 32);
    }
}
