package io.sluice.benchmarks.load;

import java.util.Locale;
import java.util.Optional;

/** What a fleet of agents needs, calculated from what a run has measured; the reasoning is in docs/scaling.md. */
final class Capacity {
    private static final int AGENTS = 100_000;

    /** Half of the agents are of each era; each keeps a stream and calls every ten seconds, three times as often at peak. */
    private static final double CALLS_PER_SECOND = AGENTS / 10.0 * 3;

    private static final double BUSY = 0.6;
    private static final double SECONDS_AT_BACKEND = 0.1;
    private static final int SESSION_HOURS = 8;

    private Capacity() {}

    /** A table, or empty while a figure that it needs is missing. */
    static Optional<String> table(Bench bench) {
        double modern = Statistics.median(bench.measured(), "modern", "sluice", Measured::cpuMicros);
        double legacy = Statistics.median(bench.measured(), "legacy", "sluice", Measured::cpuMicros);
        double legacyStream = value(bench, "streams", "idle legacy sessions with a GET stream, memory of each");
        double modernStream = value(bench, "streams", "idle modern listen streams, memory of each");
        double redis =
                value(bench, "replicas", "Redis operations for a legacy session that is called on three replicas");
        if (Double.isNaN(modern + legacy + legacyStream + modernStream + redis)) {
            return Optional.empty();
        }
        double micros = (modern + legacy) / 2;
        double cores = CALLS_PER_SECOND * micros / 1e6 / BUSY;
        double memory = AGENTS / 2.0 * (legacyStream + modernStream) / (1 << 30);
        double opened = AGENTS / 2.0 / (SESSION_HOURS * 3600.0) + AGENTS / 2.0 / 300;
        return Optional.of(String.format(
                Locale.ROOT,
                "| Of %,d agents | |%n|---|---|%n"
                        + "| streams open, one each | %,d |%n"
                        + "| calls/s at peak (one in 10 s each, three times that) | %,.0f |%n"
                        + "| CPU for a call, both eras in equal parts | %.1f µs |%n"
                        + "| cores at %.0f %% of use | %.1f |%n"
                        + "| memory of streams | %.1f GB |%n"
                        + "| calls under way, backends of %.0f ms | %,.0f |%n"
                        + "| Redis operations/s, all legacy sessions anew within 5 minutes | %,.0f |%n",
                AGENTS,
                AGENTS,
                CALLS_PER_SECOND,
                micros,
                100 * BUSY,
                cores,
                memory,
                1000 * SECONDS_AT_BACKEND,
                CALLS_PER_SECOND * SECONDS_AT_BACKEND,
                opened * redis));
    }

    private static double value(Bench bench, String trial, String work) {
        return bench.findings(trial).stream()
                .filter(finding -> finding.work().equals(work))
                .mapToDouble(Finding::value)
                .findFirst()
                .orElse(Double.NaN);
    }
}
