package io.sluice.benchmarks.micro;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Says what all guards together add to a call by JMH's report, and whether that is within the goal. {@code benchmarks/guards} starts it. */
public final class GuardGoal {
    private static final double MOST_NANOS = 500;
    private static final long MOST_BYTES = 200;

    private GuardGoal() {}

    /** Argument: JMH's report as JSON. Exit code 1 says that the goal was missed. */
    public static void main(String[] args) throws IOException {
        JsonNode report = JsonMapper.builder().build().readTree(Files.readString(Path.of(args[0])));
        double nanos =
                metric(report, "everything", CpuTime.METRIC).path("score").asDouble()
                        - metric(report, "clock", CpuTime.METRIC).path("score").asDouble();
        List<Long> bytes = bytes(report, "everything");
        boolean met = nanos <= MOST_NANOS && bytes.stream().allMatch(of -> of <= MOST_BYTES);
        System.out.printf(
                Locale.ROOT,
                "All guards together add %.0f ns of CPU to a call, and %s bytes in %d processes; at most %.0f and %d are wanted: %s%n",
                nanos,
                bytes.stream().map(String::valueOf).collect(Collectors.joining(", ")),
                bytes.size(),
                MOST_NANOS,
                MOST_BYTES,
                met ? "met" : "MISSED");
        System.exit(met ? 0 : 1);
    }

    /** For each process: compilers differ from one to the next in what they find not to escape. */
    private static List<Long> bytes(JsonNode report, String operation) {
        List<Long> bytes = new ArrayList<>();
        for (JsonNode process : metric(report, operation, "gc.alloc.rate.norm").path("rawData")) {
            bytes.add(Math.round(process.path(process.size() - 1).asDouble()));
        }
        return bytes;
    }

    private static JsonNode metric(JsonNode report, String operation, String metric) {
        for (JsonNode one : report) {
            if (one.path("benchmark").asString().endsWith("." + operation)) {
                return one.path("secondaryMetrics").path(metric);
            }
        }
        throw new IllegalArgumentException(operation + " was not measured");
    }
}
