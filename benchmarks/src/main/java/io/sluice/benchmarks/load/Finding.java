package io.sluice.benchmarks.load;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.Locale;

/**
 * A line of the table of goals.
 *
 * @param work what was done
 * @param goal what was aimed at, in words
 * @param limit the most that meets the goal, NaN when the figure is only stated
 * @param value our figure, NaN when there is none
 * @param ours our figure in words
 */
record Finding(String work, String goal, double limit, double value, String ours) {
    /** A goal that nothing is known about yet. */
    static Finding goal(String work, String goal, double limit) {
        return new Finding(work, goal, limit, Double.NaN, "");
    }

    static Finding stated(String work) {
        return new Finding(work, "stated", Double.NaN, Double.NaN, "");
    }

    @FormatMethod
    Finding with(double measured, @FormatString String format, Object... words) {
        return new Finding(work, goal, limit, measured, String.format(Locale.ROOT, format, words));
    }

    Finding missing(String why) {
        return new Finding(work, goal, limit, Double.NaN, why.replace('\n', ' ').replace('|', '/'));
    }

    boolean measured() {
        return !Double.isNaN(value);
    }

    /** Whether it was left out for a reason that is no fault: a comparator that cannot be installed. */
    boolean skipped() {
        return ours.startsWith("skipped");
    }

    boolean met() {
        return value <= limit;
    }

    String verdict() {
        if (!measured()) {
            return skipped() ? "skipped" : "not measured";
        }
        if (Double.isNaN(limit)) {
            return "stated";
        }
        if (met()) {
            return "met";
        }
        double by = limit < 1 ? 1 - limit / value : value / limit - 1; // below one it is a share that should be large
        return String.format(Locale.ROOT, "**missed** by %.0f %%", Math.ceil(100 * by));
    }
}
