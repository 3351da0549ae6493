package io.sluice.benchmarks.load;

import java.util.List;

/**
 * A kind of calls.
 *
 * @param name as on the command line and in file names
 * @param what as in a table
 * @param client the client's era
 * @param backend the backend's
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
        Spoken client,
        Spoken backend,
        String tool,
        int argumentBytes,
        int leastBytes,
        int connections,
        int rate,
        double goal) {
    static final String TOKEN = "benchmark-4f1c2a97d3b8e605";

    /** Which revision one side speaks. */
    enum Spoken {
        MODERN,
        LEGACY
    }

    static final Scenario MODERN = new Scenario(
            "modern", "small `tools/call`, modern", Spoken.MODERN, Spoken.MODERN, "echo", 0, 350, 32, 0, 1.25);

    static final Scenario LEGACY = new Scenario(
            "legacy",
            "small `tools/call`, legacy with a session",
            Spoken.LEGACY,
            Spoken.LEGACY,
            "echo",
            0,
            350,
            32,
            0,
            1.40);

    static final List<Scenario> ALL = List.of(
            MODERN,
            LEGACY,
            new Scenario(
                    "old-to-new",
                    "bridged call, legacy client and modern backend",
                    Spoken.LEGACY,
                    Spoken.MODERN,
                    "echo",
                    0,
                    350,
                    32,
                    0,
                    2.0),
            new Scenario(
                    "new-to-old",
                    "bridged call, modern client and legacy backend",
                    Spoken.MODERN,
                    Spoken.LEGACY,
                    "echo",
                    0,
                    350,
                    32,
                    0,
                    2.0),
            large("answer-100k", "answer of 100 KB", "large-100k", 0, 100_000, 16),
            large("answer-10m", "answer of 10 MB", "large-10m", 0, 10_000_000, 2),
            large("argument-100k", "argument of 100 KB", "echo", 100_000, 350, 16),
            large("argument-10m", "argument of 10 MB", "echo", 10_000_000, 350, 2),
            large("events", "SSE answer of 100 events", "events", 0, 300, 16),
            new Scenario(
                    "latency",
                    "small `tools/call`, open loop, 3,000 calls/s",
                    Spoken.MODERN,
                    Spoken.MODERN,
                    "echo",
                    0,
                    350,
                    64,
                    3000,
                    1.5));

    private static Scenario large(
            String name, String what, String tool, int argumentBytes, int leastBytes, int connections) {
        return new Scenario(
                name, what, Spoken.MODERN, Spoken.MODERN, tool, argumentBytes, leastBytes, connections, 0, 1.25);
    }

    boolean modern() {
        return client == Spoken.MODERN;
    }

    boolean events() {
        return tool.equals("events");
    }

    /** Whether bodies do not fit into one buffer of a proxy. */
    boolean isLarge() {
        return leastBytes > 50_000 || argumentBytes > 50_000;
    }

    String ballast() {
        return argumentBytes == 0 ? "" : ",\"more\":\"" + "0123456789".repeat(argumentBytes / 10) + "\"";
    }

    /** The path at the backend itself, and through a proxy that changes nothing: a backend of the client's own era. */
    String path() {
        return modern() ? "/modern" : "/legacy";
    }

    /** The tool's name at the gateway. */
    String qualifiedTool() {
        return (backend == Spoken.MODERN ? "modern__" : "legacy__") + tool;
    }
}
