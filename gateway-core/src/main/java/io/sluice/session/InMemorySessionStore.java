package io.sluice.session;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.time.Duration;
import java.time.Instant;

/**
 * Ended sessions of a single replica. Bounded: when more than a million are remembered the least recently used go first, and their ids are good again until they expire, which costs their
 * owner nothing but an answer.
 */
final class InMemorySessionStore implements SessionStore {
    private static final int MAX_ENDED = 1_000_000;

    private final Cache<String, Instant> ended = Caffeine.newBuilder()
            .maximumSize(MAX_ENDED)
            .expireAfter(Expiry.creating((String key, Instant expiresAt) ->
                    Duration.between(Instant.now(), expiresAt).abs()))
            .build();

    @Override
    public void end(String sessionKey, Instant expiresAt) {
        ended.put(sessionKey, expiresAt);
    }

    @Override
    public boolean ended(String sessionKey) {
        return ended.getIfPresent(sessionKey) != null;
    }
}
