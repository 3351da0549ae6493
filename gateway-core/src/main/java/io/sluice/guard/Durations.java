package io.sluice.guard;

import java.util.concurrent.atomic.LongAdder;

/**
 * How often something took how long: counts by fixed bounds, from half a millisecond to a minute, as Prometheus wants
 * them. Adding one allocates nothing and takes no lock (GuardBenchmark). Safe for use by many threads; what is read while
 * others add may be short of their last ones.
 */
public final class Durations {
    private static final long[] BOUNDS = {
        500_000L,
        1_000_000L,
        2_500_000L,
        5_000_000L,
        10_000_000L,
        25_000_000L,
        50_000_000L,
        100_000_000L,
        250_000_000L,
        500_000_000L,
        1_000_000_000L,
        2_500_000_000L,
        5_000_000_000L,
        10_000_000_000L,
        30_000_000_000L,
        60_000_000_000L
    };

    private final LongAdder[] counts = new LongAdder[BOUNDS.length + 1];
    private final LongAdder sum = new LongAdder();

    public Durations() {
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new LongAdder();
        }
    }

    public void add(long nanos) {
        int at = 0;
        while (at < BOUNDS.length && nanos > BOUNDS[at]) {
            at++;
        }
        counts[at].increment();
        sum.add(nanos);
    }

    /** How many there are of at most each of {@link #bounds} and more than the one before; the last of the longer ones. */
    public long[] counts() {
        long[] now = new long[counts.length];
        for (int i = 0; i < now.length; i++) {
            now[i] = counts[i].sum();
        }
        return now;
    }

    /** All of them together, in seconds. */
    public double sumSeconds() {
        return sum.sum() / 1e9;
    }

    /** The bounds in seconds; without a last one for the longest. */
    public static double[] bounds() {
        double[] seconds = new double[BOUNDS.length];
        for (int i = 0; i < seconds.length; i++) {
            seconds[i] = BOUNDS[i] / 1e9;
        }
        return seconds;
    }
}
