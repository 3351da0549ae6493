package io.sluice.benchmarks.load;

import java.util.List;
import java.util.Locale;
import org.HdrHistogram.Histogram;

/**
 * One stretch of one contestant.
 *
 * @param cpuMicros per call
 * @param allocatedBytes per call, -1 where that is nothing to ask
 * @param latencies in nanoseconds
 */
record Measured(
        String scenario,
        String contestant,
        int round,
        long calls,
        double callsPerSecond,
        double cpuMicros,
        long allocatedBytes,
        long faults,
        List<String> firstFaults,
        Histogram latencies) {

    String line() {
        return String.format(
                Locale.ROOT,
                "%-14s %-8s round %d: %8d calls, %8.0f/s, %8.2f us CPU, %7d B, %d faults, p50 %.3f p99 %.3f p99.9 %.3f ms",
                scenario,
                contestant,
                round,
                calls,
                callsPerSecond,
                cpuMicros,
                allocatedBytes,
                faults,
                millis(50),
                millis(99),
                millis(99.9));
    }

    double millis(double percentile) {
        return latencies.getValueAtPercentile(percentile) / 1e6;
    }
}
