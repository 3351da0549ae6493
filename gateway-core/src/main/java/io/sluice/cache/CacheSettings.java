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
 * @param tools whose results are kept; the first rule that matches a tool counts
 */
public record CacheSettings(long maxBytes, int maxEntryBytes, boolean reads, Duration maxTtl, List<CacheRule> tools) {
    /** Resources as their backends say, and no tools. */
    public static final CacheSettings STANDARD =
            new CacheSettings(64L << 20, 1 << 20, true, Duration.ofHours(1), List.of());

    public CacheSettings {
        tools = List.copyOf(tools);
        if (maxBytes < 0 || maxEntryBytes < 1) {
            throw new IllegalArgumentException("sizes are negative: " + maxBytes + ", " + maxEntryBytes);
        }
    }

    public CacheSettings withBytes(long most, int mostOfOne) {
        return new CacheSettings(most, mostOfOne, reads, maxTtl, tools);
    }

    public CacheSettings withReads(boolean kept) {
        return new CacheSettings(maxBytes, maxEntryBytes, kept, maxTtl, tools);
    }

    public CacheSettings withMaxTtl(Duration longest) {
        return new CacheSettings(maxBytes, maxEntryBytes, reads, longest, tools);
    }

    public CacheSettings withTools(List<CacheRule> rules) {
        return new CacheSettings(maxBytes, maxEntryBytes, reads, maxTtl, rules);
    }
}
