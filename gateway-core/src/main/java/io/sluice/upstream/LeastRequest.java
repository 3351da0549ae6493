package io.sluice.upstream;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Draws two endpoints and takes the cheaper by latency × calls in flight ÷ weight. Two choices already avoid the
 * crowding that "always the least loaded" causes when the load is known late (M. Mitzenmacher, <em>The Power of Two
 * Choices in Randomized Load Balancing</em>, 2001).
 */
final class LeastRequest implements LoadBalancer {
    private final RandomGenerator random;

    LeastRequest(RandomGenerator random) {
        this.random = random;
    }

    @Override
    public EndpointLoad pick(List<EndpointLoad> candidates, long nowNanos) {
        int size = candidates.size();
        if (size == 1) {
            return candidates.get(0);
        }
        int first = random.nextInt(size);
        int second = random.nextInt(size - 1);
        if (second >= first) {
            second++;
        }
        EndpointLoad one = candidates.get(first);
        EndpointLoad other = candidates.get(second);
        return other.cost(nowNanos) < one.cost(nowNanos) ? other : one;
    }
}
