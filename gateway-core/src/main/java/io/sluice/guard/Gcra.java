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

    /** Takes one. 0 when there was one, else how many nanoseconds until there is. */
    long take(long nowNanos) {
        while (true) {
            long full = fullAt.get();
            long next = (full - nowNanos > 0 ? full : nowNanos) + interval;
            long over = next - nowNanos - tolerance;
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
        fullAt.addAndGet(-interval);
    }

    /** Whether it has as much as a new one: then nothing is lost with it. */
    boolean isFull(long nowNanos) {
        return fullAt.get() - nowNanos <= 0;
    }
}
