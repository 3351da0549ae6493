package io.sluice.overload;

import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Decides on the step. It goes up, by as many steps as are due, when two readings in a row say so; event loops must have
 * been late in every reading of three seconds, since any of them can be late once: the queue that never empties is what
 * tells overload from a burst (K. Nichols and V. Jacobson, <em>Controlling Queue Delay</em>, 2012). It goes down one step
 * at a time, each after five seconds that were better by a margin, so that it does not go to and fro. Not for use by more
 * than one thread.
 */
final class Ladder {
    private static final int IN_A_ROW = 2;
    private static final int MARGIN_PERCENT = 5;
    private static final int LEAST_LATE = 8;
    private static final long LATE_NANOS = TimeUnit.SECONDS.toNanos(3);
    private static final long CALM_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final OverloadSettings settings;
    private Step step = Step.CALM;
    private int higher;
    private int late;
    private long lateSince;
    private boolean better;
    private long betterSince;

    Ladder(OverloadSettings settings) {
        this.settings = settings;
    }

    Step next(Reading now, long nowNanos) {
        boolean lagging = isLagging(now.lagNanos(), nowNanos);
        Step due = most(settings.step(now.percent()), lagging ? Step.SHED : Step.CALM);
        if (due.compareTo(step) > 0) {
            better = false;
            higher++;
            if (higher >= IN_A_ROW) {
                higher = 0;
                step = due;
            }
            return step;
        }
        higher = 0;
        boolean nearlyLate = late > 0 || now.lagNanos() * 2 > settings.lag().toNanos();
        Step kept = most(settings.step(now.percent() + MARGIN_PERCENT), nearlyLate ? Step.SHED : Step.CALM);
        if (kept.compareTo(step) >= 0) {
            better = false;
        } else if (!better) {
            better = true;
            betterSince = nowNanos;
        } else if (nowNanos - betterSince >= CALM_NANOS) {
            step = step.lower();
            betterSince = nowNanos;
        }
        return step;
    }

    private boolean isLagging(long lagNanos, long nowNanos) {
        if (lagNanos <= settings.lag().toNanos()) {
            late = 0;
            return false;
        }
        if (late == 0) {
            lateSince = nowNanos;
        }
        late++;
        return late >= LEAST_LATE && nowNanos - lateSince >= LATE_NANOS;
    }

    private static Step most(Step one, Step other) {
        return one.compareTo(other) >= 0 ? one : other;
    }

    /** What a reading says, for the log. */
    static String words(Reading reading) {
        return String.format(
                Locale.ROOT,
                "%.0f %% of the heap and %.0f %% of the buffers in use, event loops %d ms late",
                reading.heap() * 100,
                reading.direct() * 100,
                TimeUnit.NANOSECONDS.toMillis(reading.lagNanos()));
    }
}
