package io.sluice.upstream;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Until when a call must have its answer.
 *
 * @param startNanos when it came, by {@link System#nanoTime}
 * @param within how long it has, and has again from each report of its progress
 * @param atMost how long it has in all
 * @param given who says so, as the end of a sentence: "that limits.deadlines gives it"
 * @param ownToCaller whether the caller of this call alone said so
 */
public record TimeLimit(long startNanos, Duration within, Duration atMost, String given, boolean ownToCaller) {
    /** Of what is left, so much is told to the backend: its answer has a way to go. */
    private static final int TOLD_PERCENT = 95;

    /** How long an event stream may go on that ends after {@code usually} where nobody says how long calls may take. */
    Duration longest(Duration usually) {
        return ownToCaller || atMost.compareTo(usually) < 0 ? usually : atMost.plusSeconds(1); // past the limit itself
    }

    /** Milliseconds that the backend is told it has. */
    long toldMillis(long nowNanos) {
        long left = atMost.toNanos() - (nowNanos - startNanos);
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(left * TOLD_PERCENT / 100));
    }

    /** Until when there is time, if the last report was at {@code nanos}. */
    long endNanos(long nanos) {
        return startNanos + Math.min(nanos - startNanos + within.toNanos(), atMost.toNanos());
    }

    /** The same time anew: what the client took to answer a question is its own. */
    public TimeLimit from(long nanos) {
        return new TimeLimit(nanos, within, atMost, given, ownToCaller);
    }
}
