package io.sluice.cache;

import java.time.Duration;
import java.util.List;

/**
 * What is kept, and how much.
 *
 * @param maxBytes most bytes of all that is kept; 0 keeps nothing
 * @param maxEntryBytes longest answer that is kept
 * @param reads whether resources are kept for as long as their backend says
 * @param maxTtl longest time that a backend is believed
 * @param legacyLife how long resources of backends are kept that cannot say it, for who read them; zero keeps none
 * @param tools whose results are kept; the first rule that matches a tool counts
 */
public record CacheSettings(
        long maxBytes, int maxEntryBytes, boolean reads, Duration maxTtl, Duration legacyLife, List<CacheRule> tools) {
    /** Resources as their backends say, and no tools. */
    public static final CacheSettings STANDARD =
            new CacheSettings(64L << 20, 1 << 20, true, Duration.ofHours(1), Duration.ZERO, List.of());

    public CacheSettings {
        tools = List.copyOf(tools);
        if (maxBytes < 0 || maxEntryBytes < 1) {
            throw new IllegalArgumentException("sizes are negative: " + maxBytes + ", " + maxEntryBytes);
        }
        if (legacyLife.isNegative()) {
            throw new IllegalArgumentException("resources are kept for some time, not for " + legacyLife);
        }
    }

    public CacheSettings withBytes(long most, int mostOfOne) {
        return new CacheSettings(most, mostOfOne, reads, maxTtl, legacyLife, tools);
    }

    public CacheSettings withReads(boolean kept) {
        return new CacheSettings(maxBytes, maxEntryBytes, kept, maxTtl, legacyLife, tools);
    }

    public CacheSettings withMaxTtl(Duration longest) {
        return new CacheSettings(maxBytes, maxEntryBytes, reads, longest, legacyLife, tools);
    }

    public CacheSettings withLegacyLife(Duration life) {
        return new CacheSettings(maxBytes, maxEntryBytes, reads, maxTtl, life, tools);
    }

    public CacheSettings withTools(List<CacheRule> rules) {
        return new CacheSettings(maxBytes, maxEntryBytes, reads, maxTtl, legacyLife, rules);
    }
}
