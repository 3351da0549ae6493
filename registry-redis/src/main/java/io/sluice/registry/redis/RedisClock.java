package io.sluice.registry.redis;

import java.util.concurrent.TimeUnit;

/**
 * Tells when, by this machine's {@link System#nanoTime()}, Redis said what it said. An answer was made after its question
 * was sent and before it arrived; the narrowest of these spans is remembered (as NTP does), so that an answer that is
 * late tells the time no worse than a quick one. For one thread.
 */
final class RedisClock {
    /** What two clocks may diverge in a second. */
    private static final long DRIFT_NANOS = 100_000;

    private boolean set;
    private long least;
    private long most;
    private long at;

    /**
     * @param micros of Redis' clock, told in an answer
     * @param sent when the question was sent, {@code received} when the answer arrived
     * @return when it was that time here
     */
    long here(long micros, long sent, long received) {
        long said = TimeUnit.MICROSECONDS.toNanos(micros);
        long lower = said - received;
        long upper = said - sent;
        if (set) {
            long drift = DRIFT_NANOS * Math.max(1, TimeUnit.NANOSECONDS.toSeconds(received - at));
            long low = Math.max(lower, least - drift);
            long high = Math.min(upper, most + drift);
            if (low <= high) { // else somebody set a clock
                lower = low;
                upper = high;
            }
        }
        set = true;
        least = lower;
        most = upper;
        at = received;
        return said - (lower + (upper - lower) / 2);
    }
}
