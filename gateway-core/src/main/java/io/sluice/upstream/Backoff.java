package io.sluice.upstream;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next try: doubling from {@code first} to {@code longest}, each wait cut to between half
 * and all of it at random so that many waiters spread out.
 */
public record Backoff(Duration first, Duration longest, RandomGenerator random) {
    /**
     * The wait before the next try.
     *
     * @param failures tries that failed in a row, from 1
     */
    public Duration after(int failures) {
        long full = longest.toMillis();
        int doublings = Math.min(Math.max(0, failures - 1), 30);
        long wanted = first.toMillis() << doublings;
        long wait = wanted <= 0 || wanted > full ? full : wanted;
        return Duration.ofMillis(wait / 2 + random.nextLong(wait / 2 + 1));
    }
}
