package io.sluice.balance;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Picks one of several endpoints. Called by many threads; never waits, allocates nothing. */
public interface LoadBalancer {
    /** Says of an endpoint whether it may be picked at all. */
    @FunctionalInterface
    interface Eligible {
        boolean test(EndpointState state, long nowNanos);
    }

    /**
     * The endpoint for one attempt, or null when none is eligible.
     *
     * @param all at least two
     * @param key what calls of one session or caller have in common; 0 for nothing
     * @param nowNanos {@link System#nanoTime()} of the caller
     */
    @Nullable
    EndpointState pick(EndpointState[] all, Eligible eligible, long key, long nowNanos);

    /** Power of two choices: of two drawn at random, the one whose calls are fewer and faster. */
    static LoadBalancer fastest(RandomGenerator random) {
        return new TwoChoices(random);
    }

    /** The one with the fewest calls in flight for its weight. */
    static LoadBalancer leastRequest(RandomGenerator random) {
        return new LeastRequest(random);
    }

    /** One after the other. */
    static LoadBalancer roundRobin() {
        return new RoundRobin();
    }

    /** By chance, each in proportion to its weight. */
    static LoadBalancer weighted(RandomGenerator random) {
        return new Weighted(random);
    }

    /**
     * The same for the same key for as long as it is eligible; those of an endpoint that is not are spread over the
     * others. Calls without a key go to the fastest.
     */
    static LoadBalancer sticky(RandomGenerator random) {
        return new Sticky(fastest(random));
    }
}
