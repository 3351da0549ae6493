package io.sluice.benchmarks.load;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.ExecutionException;

/**
 * Has a server called until its calls cost no less than they did before. A JVM compiles for longer than one would guess when
 * all it has is one core, and its compiler's time is counted among that of the calls.
 */
final class Warming {
    /** Of one stretch, in seconds. */
    private static final double STRETCH = 2;

    /** A cost that is not below this part of the least so far stands still. */
    private static final double STEADY = 0.97;

    /** So many stretches in a row that stand still. */
    private static final int STILL = 2;

    private Warming() {}

    /** What is repeated: a stretch of so many seconds. */
    @FunctionalInterface
    interface Stretch {
        Measured run(double seconds) throws IOException, InterruptedException, ExecutionException;
    }

    /**
     * @param calls at least
     * @param most after which it is warm enough, and said not to be
     */
    static void untilSteady(Bench bench, long calls, Duration most, Stretch stretch)
            throws IOException, InterruptedException, ExecutionException {
        long end = System.nanoTime() + most.toNanos();
        double least = Double.MAX_VALUE;
        long made = 0;
        int still = 0;
        Measured one;
        do {
            one = stretch.run(STRETCH);
            still = one.cpuMicros() < STEADY * least ? 0 : still + 1;
            least = Math.min(least, one.cpuMicros());
            made += one.calls();
        } while ((made < calls || still < STILL) && System.nanoTime() < end);
        bench.say(String.format(
                Locale.ROOT,
                "%-14s %-8s warm after %d calls, %.2f us CPU%s",
                one.scenario(),
                one.contestant(),
                made,
                one.cpuMicros(),
                still < STILL ? ", still falling" : ""));
    }
}
