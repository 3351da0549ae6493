package io.sluice.benchmarks.load;

import java.util.List;

/**
 * A kind of traffic.
 *
 * @param name as on the command line and in file names
 * @param what as in a table
 * @param modern the era of client and backend
 * @param tool which of {@link FixedBackend}'s
 * @param argumentBytes added to the call's arguments
 * @param leastBytes that an answer has
 * @param connections that call at once
 * @param rate calls a second in an open loop; 0 for a closed one
 * @param goal the ratio to nginx that is aimed at
 */
record Scenario(
        String name,
        String what,
        boolean modern,
        String tool,
        int argumentBytes,
        int leastBytes,
        int connections,
        int rate,
        double goal) {
    static final String TOKEN = "benchmark-4f1c2a97d3b8e605";

    static final List<Scenario> ALL = List.of(
            new Scenario("modern", "small `tools/call`, modern", true, "echo", 0, 350, 32, 0, 1.25),
            new Scenario("legacy", "small `tools/call`, legacy with a session", false, "echo", 0, 350, 32, 0, 1.40),
            new Scenario("answer-100k", "answer of 100 KB", true, "large-100k", 0, 100_000, 32, 0, 1.25),
            new Scenario("answer-10m", "answer of 10 MB", true, "large-10m", 0, 10_000_000, 4, 0, 1.25),
            new Scenario("argument-100k", "argument of 100 KB", true, "echo", 100_000, 350, 32, 0, 1.25),
            new Scenario("events", "SSE answer of 100 events", true, "events", 0, 300, 32, 0, 1.25),
            new Scenario("latency", "small `tools/call`, open loop, 3,000/s", true, "echo", 0, 350, 64, 3000, 1.5));

    boolean events() {
        return tool.equals("events");
    }

    String ballast() {
        return argumentBytes == 0 ? "" : ",\"more\":\"" + "0123456789".repeat(argumentBytes / 10) + "\"";
    }

    /** The path at the backend itself, and through a proxy that changes nothing. */
    String path() {
        return modern ? "/modern" : "/legacy";
    }
}
