package io.sluice.guard;

import com.netflix.concurrency.limits.limit.Gradient2Limit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Feeds Netflix's Gradient2, which lowers a limit while answers take longer than they used to, and raises it again while
 * they do not. It starts wide open: as long as less than half of it is in use, nothing is concluded. Samples are summed
 * up here for a window, because the library's own windows allocate for each, and its limit takes a lock for each.
 */
final class AdaptiveLimit {
    private static final long WINDOW_NANOS = 100_000_000L;
    private static final int LEAST_SAMPLES = 10;

    private final Gradient2Limit gradient;
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger samples = new AtomicInteger();
    private final AtomicInteger mostInFlight = new AtomicInteger();
    private final AtomicLong windowEnds = new AtomicLong();

    AdaptiveLimit(int least, int most) {
        this.gradient = Gradient2Limit.newBuilder()
                .initialLimit(most)
                .minLimit(Math.min(least, most))
                .maxConcurrency(most)
                .queueSize(4)
                .build();
    }

    int limit() {
        return gradient.getLimit();
    }

    /** Takes note of one answer; true when the limit may have changed. */
    boolean sample(long took, int inFlight, long nowNanos) {
        nanos.addAndGet(took);
        int count = samples.incrementAndGet();
        if (inFlight > mostInFlight.get()) {
            mostInFlight.set(inFlight);
        }
        long end = windowEnds.get();
        if (count < LEAST_SAMPLES || nowNanos - end < 0 || !windowEnds.compareAndSet(end, nowNanos + WINDOW_NANOS)) {
            return false;
        }
        long sum = nanos.getAndSet(0);
        int counted = samples.getAndSet(0);
        int most = mostInFlight.getAndSet(0);
        if (counted <= 0 || sum <= 0) {
            return false;
        }
        int before = gradient.getLimit();
        gradient.onSample(nowNanos, sum / counted, most, false);
        return gradient.getLimit() != before;
    }
}
