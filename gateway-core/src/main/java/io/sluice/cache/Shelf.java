package io.sluice.cache;

import io.sluice.upstream.Signal;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * One backend's part of what is kept: since when it is good, and how it serves. What the backend says of changes costs a
 * count, whatever is kept: each answer bears the count of its beginning, and one with another count is no longer used.
 * Replaced with the way to the backend, so that nothing outlives the registration that it was got by. Safe for use by
 * many threads.
 */
final class Shelf {
    /** Resources share counts: one that changes takes a few others with it, and no number of resources takes memory. */
    private static final int COUNTS = 1024;

    private final AtomicInteger tools = new AtomicInteger();
    private final AtomicInteger resources = new AtomicInteger();
    private final AtomicIntegerArray updated = new AtomicIntegerArray(COUNTS);

    final LongAdder hits = new LongAdder();
    final LongAdder misses = new LongAdder();
    final LongAdder joined = new LongAdder();
    final AtomicInteger entries = new AtomicInteger();
    final AtomicLong bytes = new AtomicLong();

    /** What is different when an answer of this kind must not be used any more. */
    long stamp(boolean tool, String name) {
        return tool ? tools.get() : (long) resources.get() << 32 | (updated.get(count(name)) & 0xFFFFFFFFL);
    }

    private static int count(String uri) {
        int hash = uri.hashCode();
        return (hash ^ hash >>> 16) & COUNTS - 1;
    }

    void hear(Signal signal) {
        if (signal instanceof Signal.ToolsChanged) {
            toolsChanged();
        } else if (signal instanceof Signal.ResourcesChanged) {
            resourcesChanged();
        } else if (signal instanceof Signal.ResourceUpdated one) {
            updated.incrementAndGet(count(one.uri()));
        }
    }

    void toolsChanged() {
        tools.incrementAndGet();
    }

    void resourcesChanged() {
        resources.incrementAndGet();
    }

    CacheFigures figures() {
        return new CacheFigures(hits.sum(), misses.sum(), joined.sum(), entries.get(), bytes.get());
    }
}
