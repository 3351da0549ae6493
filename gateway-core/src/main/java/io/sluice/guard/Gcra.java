package io.sluice.guard;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The generic cell rate algorithm (ITU-T I.371): one number, the time at which the budget would be full again if nothing
 * more were taken. Taking is one compare-and-set.
 */
final class Gcra {
    private final long interval;
    private final long tolerance;
    private final AtomicLong fullAt;

    /**
     * @param interval nanoseconds that one call costs
     * @param burst calls that may come at once
     */
    Gcra(long interval, int burst, long nowNanos) {
        this.interval = Math.max(1, interval);
        this.tolerance = this.interval * Math.max(1, burst);
        this.fullAt = new AtomicLong(nowNanos);
    }

    long interval() {
        return interval;
    }

    long tolerance() {
        return tolerance;
    }

    /** Takes one. 0 when there was one, else how many nanoseconds until there is. */
    long take(long nowNanos) {
        return take(nowNanos, interval);
    }

    /** As {@link #take(long)}, where a call costs another number of nanoseconds. A full budget always has one. */
    long take(long nowNanos, long cost) {
        while (true) {
            long full = fullAt.get();
            long next = (full - nowNanos > 0 ? full : nowNanos) + cost;
            long over = next - nowNanos - Math.max(tolerance, cost);
            if (over > 0) {
                return over;
            }
            if (fullAt.compareAndSet(full, next)) {
                return 0;
            }
        }
    }

    /** Puts one back that was taken for nothing. */
    void giveBack() {
        giveBack(interval);
    }

    void giveBack(long cost) {
        fullAt.addAndGet(-cost);
    }

    /** When it would be full again. */
    long fullAt() {
        return fullAt.get();
    }

    /** Goes on from another state; false when somebody took something meanwhile. */
    boolean replace(long expectedFullAt, long newFullAt) {
        return fullAt.compareAndSet(expectedFullAt, newFullAt);
    }

    /** Whether it has as much as a new one: then nothing is lost with it. */
    boolean isFull(long nowNanos) {
        return fullAt.get() - nowNanos <= 0;
    }
}
