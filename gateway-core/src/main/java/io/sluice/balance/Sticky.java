package io.sluice.balance;

import org.jspecify.annotations.Nullable;

/**
 * Highest random weight: each endpoint draws a number from its address and the key, and the highest wins (D. Thaler and
 * C. Ravishankar, <em>A Name-Based Mapping Scheme for Rendezvous</em>, 1996). Only the keys of an endpoint that goes, or
 * comes, move; replicas agree without talking.
 */
final class Sticky implements LoadBalancer {
    private final LoadBalancer withoutKey;

    Sticky(LoadBalancer withoutKey) {
        this.withoutKey = withoutKey;
    }

    @Override
    public @Nullable EndpointState pick(EndpointState[] all, Eligible eligible, long key, long nowNanos) {
        if (key == 0) {
            return withoutKey.pick(all, eligible, key, nowNanos);
        }
        EndpointState best = null;
        double highest = Double.NEGATIVE_INFINITY;
        for (EndpointState state : all) {
            if (eligible.test(state, nowNanos)) {
                double drawn = ((mix(key ^ state.hash()) >>> 11) + 1) * 0x1.0p-53;
                // The logarithm makes the chance to win proportional to the weight.
                double score = state.fullWeight() / -Math.log(drawn);
                if (score > highest) {
                    highest = score;
                    best = state;
                }
            }
        }
        return best;
    }

    /** The finalizer of SplitMix64. */
    static long mix(long z) {
        long a = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        long b = (a ^ (a >>> 27)) * 0x94d049bb133111ebL;
        return b ^ (b >>> 31);
    }
}
