package io.sluice.benchmarks.micro;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Says what all guards together add to a call by JMH's report, and whether that is within the goal. {@code benchmarks/guards} starts it. */
public final class GuardGoal {
    private static final double MOST_NANOS = 500;
    private static final double MOST_BYTES = 200;

    private GuardGoal() {}

    /** Argument: JMH's report as JSON. Exit code 1 says that the goal was missed. */
    public static void main(String[] args) throws IOException {
        JsonNode report = JsonMapper.builder().build().readTree(Files.readString(Path.of(args[0])));
        double nanos = metric(report, "everything", CpuTime.METRIC) - metric(report, "clock", CpuTime.METRIC);
        double bytes =
                metric(report, "everything", "gc.alloc.rate.norm") - metric(report, "clock", "gc.alloc.rate.norm");
        boolean met = nanos <= MOST_NANOS && bytes <= MOST_BYTES;
        System.out.printf(
                Locale.ROOT,
                "All guards together add %.0f ns of CPU and %.0f bytes to a call; at most %.0f and %.0f are wanted: %s%n",
                nanos,
                bytes,
                MOST_NANOS,
                MOST_BYTES,
                met ? "met" : "MISSED");
        System.exit(met ? 0 : 1);
    }

    private static double metric(JsonNode report, String operation, String metric) {
        for (JsonNode one : report) {
            if (one.path("benchmark").asString().endsWith("." + operation)) {
                return one.path("secondaryMetrics").path(metric).path("score").asDouble();
            }
        }
        throw new IllegalArgumentException(operation + " was not measured");
    }
}
