package io.sluice.session;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.time.Instant;

/**
 * Sessions that were ended by their clients, as one replica knows them. Bounded: when more than a million are remembered
 * the least recently used go first, and their ids are good again until they expire, which costs their owner nothing but
 * an answer. Safe for use by many threads.
 */
public final class EndedSessions {
    private static final int MOST = 1_000_000;

    private final Cache<String, Instant> ended = Caffeine.newBuilder()
            .maximumSize(MOST)
            .expireAfter(Expiry.creating((String session, Instant expiresAt) -> untilThen(expiresAt)))
            .build();

    private static Duration untilThen(Instant expiresAt) {
        Duration left = Duration.between(Instant.now(), expiresAt);
        return left.isNegative() ? Duration.ZERO : left;
    }

    /** Whether this was news. */
    public boolean add(String session, Instant expiresAt) {
        return ended.asMap().put(session, expiresAt) == null;
    }

    public boolean contains(String session) {
        return ended.getIfPresent(session) != null;
    }
}
