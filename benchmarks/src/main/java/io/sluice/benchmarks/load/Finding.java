package io.sluice.benchmarks.load;

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

    Finding with(double measured, String format, Object... words) {
        return new Finding(work, goal, limit, measured, String.format(Locale.ROOT, format, words));
    }

    Finding missing(String why) {
        return new Finding(work, goal, limit, Double.NaN, why.replace('\n', ' ').replace('|', '/'));
    }

    boolean measured() {
        return !Double.isNaN(value);
    }

    boolean met() {
        return value <= limit;
    }

    String verdict() {
        if (!measured()) {
            return "not measured";
        }
        if (Double.isNaN(limit)) {
            return "stated";
        }
        if (met()) {
            return "met";
        }
        return limit == 0
                ? "**missed**"
                : String.format(Locale.ROOT, "**missed** by %.0f %%", Math.ceil(100 * (value - limit) / limit));
    }
}
