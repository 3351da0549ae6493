package io.sluice.upstream;

import java.util.List;
import java.util.random.RandomGenerator;

/** Picks the endpoint of a backend that serves the next call. Called by many threads; never waits. */
public interface LoadBalancer {
    /**
     * The endpoint for one call.
     *
     * @param candidates at least one
     * @param nowNanos {@link System#nanoTime()} of the caller
     */
    EndpointLoad pick(List<EndpointLoad> candidates, long nowNanos);

    /** Power of two choices: of two endpoints drawn at random, the one whose calls are fewer and faster. */
    static LoadBalancer leastRequest(RandomGenerator random) {
        return new LeastRequest(random);
    }
}
