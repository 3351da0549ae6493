package io.sluice.cache;

import java.time.Duration;

/**
 * Says of tools that their results may be used again.
 *
 * @param backend glob of backends
 * @param tool glob of tools, bare or as {@code backend__name}
 * @param ttl for how long
 * @param shared whether a result is good for every caller, and not only for the one that it was made for
 */
public record CacheRule(String backend, String tool, Duration ttl, boolean shared) {
    public CacheRule {
        if (ttl.isNegative() || ttl.isZero()) {
            throw new IllegalArgumentException("results are kept for some time, not for " + ttl);
        }
    }
}
