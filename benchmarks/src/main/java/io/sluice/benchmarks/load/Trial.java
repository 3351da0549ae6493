package io.sluice.benchmarks.load;

import java.time.Duration;
import java.util.List;

/** One thing to find out. A trial adds what it found to the {@link Bench}, which owns whatever it started there. */
interface Trial {
    /** As on the command line and in file names. */
    String name();

    /** The lines of the table of goals that it fills, as they read when it could not be run. */
    List<Finding> goals();

    /** When it is given up. */
    Duration limit();

    /** @throws Exception of any kind: the trial then counts as not measured, with its message as the reason */
    void run(Bench bench) throws Exception;
}
