package io.sluice.benchmarks.load;

import io.sluice.benchmarks.load.Scenario.Spoken;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

/**
 * Clients that hold a stream and wait: what each costs the gateway's memory, how many streams the backends see for them, and how long a change takes to reach all. And what is left of session ids that
 * opened nothing. Generator, backend and gateway are processes of their own.
 */
final class Streams implements Trial {
    /** Session ids that open nothing. */
    private static final int SESSIONS = 100_000;

    private static final int MOST_BYTES = 12 * 1024;

    @Override
    public String name() {
        return "streams";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(240);
    }

    @Override
    public List<Finding> goals() {
        List<Finding> goals = new ArrayList<>();
        for (Spoken era : List.of(Spoken.LEGACY, Spoken.MODERN)) {
            String who = who(era);
            goals.add(Finding.goal(who + ", memory of each", "≤ 12 KB, heap and direct", MOST_BYTES));
            goals.add(Finding.goal(who + ", streams at the backends", "shared", 10));
            goals.add(Finding.goal(who + ", `list_changed` reaches all", "within 1 s", 1000));
        }
        goals.add(Finding.goal("100,000 session ids that opened nothing, memory of each", "none (≤ 8 B)", 8));
        return goals;
    }

    private static String who(Spoken era) {
        return era == Spoken.LEGACY ? "idle legacy sessions with a GET stream" : "idle modern listen streams";
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        StringBuilder table = new StringBuilder("""
                | | held | opened in s | memory of each, B | resident of each, B | list_changed to all, ms |
                |---|---|---|---|---|---|
                """);
        Map<String, Double> bars = new LinkedHashMap<>();
        for (Spoken era : List.of(Spoken.LEGACY, Spoken.MODERN)) {
            held(bench, era, table, bars);
        }
        bench.section(name(), table.toString());
        bench.picture(name(), "memory of an idle stream, bytes", bars);
        sessions(bench);
    }

    private Contestant gateway(Bench bench, String name) throws IOException, InterruptedException {
        bench.shared("direct");
        Path config =
                Commands.write(bench, name + ".yaml", Commands.common(Commands.OWN) + """
                mcpServers:
                  new: { url: "http://127.0.0.1:%1$d/fleet/20/0/5000" }
                  old: { url: "http://127.0.0.1:%1$d/old-fleet/20/0/5001" }
                """.formatted(Commands.BACKEND));
        List<String> jvm = bench.options().jvm();
        jvm.add("-Dio.netty.maxDirectMemory=0"); // so that the JVM itself counts direct buffers
        Contestant gateway = bench.start(
                        name,
                        Commands.OWN,
                        Commands.PROXIES,
                        true,
                        Commands.gateway(bench.options().java(), jvm, config))
                .awaitReady();
        return gateway;
    }

    private void held(Bench bench, Spoken era, StringBuilder table, Map<String, Double> bars)
            throws IOException, InterruptedException {
        int count = bench.options().number("streams");
        List<Finding> goals = goals().subList(era == Spoken.LEGACY ? 0 : 3, era == Spoken.LEGACY ? 3 : 6);
        Contestant gateway = gateway(bench, "sluice-streams-" + era.name().toLowerCase(Locale.ROOT));
        try (OpenStreams streams = new OpenStreams(gateway.port(), era)) {
            streams.open(200, 20_000); // what the first ones load is not theirs
            int before = Integer.parseInt(Ask.control("streams/"));
            long held = gateway.heldBytes();
            long resident = gateway.residentKib();
            long start = System.nanoTime();
            streams.open(200 + count, 90_000);
            double opening = (System.nanoTime() - start) / 1e9;
            Thread.sleep(1000); // for what is only being opened to be let go of
            double each = (gateway.heldBytes() - held) / (double) count;
            double eachResident = (gateway.residentKib() - resident) * 1024.0 / count;
            bench.found(
                    name(),
                    goals.get(0)
                            .with(
                                    each,
                                    "%.1f KB with %,d held (resident memory grew by %.1f KB each)",
                                    each / 1024,
                                    count,
                                    eachResident / 1024));
            int upstream = Integer.parseInt(Ask.control("streams/"));
            bench.found(name(), goals.get(1).with(upstream, "%d for %,d", upstream, count));
            List<Double> reaches = new ArrayList<>();
            for (int round = 0; round < 3; round++) {
                reaches.add(reach(streams, 200 + count));
            }
            double reach = Statistics.median(reaches);
            bench.found(
                    name(), goals.get(2).with(reach, "%.0f ms to %,d (rounds: %s)", reach, count, rounded(reaches)));
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f | %.0f | %.0f | %s |%n",
                    who(era),
                    count,
                    opening,
                    each,
                    eachResident,
                    rounded(reaches)));
            bars.put("sluice, " + era.name().toLowerCase(Locale.ROOT), each);
            bench.say(String.format(
                    Locale.ROOT,
                    "%s: %.0f B each, opened in %.1f s, %d and then %d streams at the backends, change to all in %s ms, %d lost, %d asked again",
                    who(era),
                    each,
                    opening,
                    before,
                    upstream,
                    rounded(reaches),
                    streams.lost(),
                    streams.refused()));
        }
        gateway.close();
    }

    private static String rounded(List<Double> millis) {
        return String.join(
                ", ",
                millis.stream()
                        .map(each -> String.format(Locale.ROOT, "%.0f", each))
                        .toList());
    }

    /** From the backend's change until the last client has heard of it, in milliseconds. */
    private static double reach(OpenStreams streams, int all) throws IOException, InterruptedException {
        Thread.sleep(500); // so that changes do not run into each other
        streams.forget();
        long start = System.nanoTime();
        Ask.control("change/5000");
        while (streams.heard() < all) {
            if (System.nanoTime() - start > Duration.ofSeconds(15).toNanos()) {
                throw new IOException(
                        "only " + streams.heard() + " of " + all + " heard of the change, " + streams.lost() + " lost");
            }
            Thread.sleep(1); // a poll of the event loop's counter
        }
        return (System.nanoTime() - start) / 1e6;
    }

    private void sessions(Bench bench) throws IOException, InterruptedException, ExecutionException {
        Contestant gateway = gateway(bench, "sluice-sessions");
        initialize(gateway, 10_000);
        long held = gateway.heldBytes();
        long opened = initialize(gateway, SESSIONS);
        double each = (gateway.heldBytes() - held) / (double) opened;
        bench.found(name(), goals().get(6).with(Math.max(0, each), "%.1f B each of %,d", Math.max(0, each), opened));
        bench.say(String.format(Locale.ROOT, "session ids: %.1f B each of %d", each, opened));
        gateway.close();
    }

    private static long initialize(Contestant gateway, int count)
            throws IOException, InterruptedException, ExecutionException {
        long answered = 0;
        try (LoadGenerator generator = new LoadGenerator(gateway.port(), 32, true, Initialize::new)) {
            long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (answered < count && System.nanoTime() < end) {
                LoadGenerator.Stretch stretch = generator.run(250, 0);
                if (stretch.faults() > 0) {
                    throw new IOException("sessions were refused: " + stretch.firstFaults());
                }
                answered += stretch.calls();
            }
            generator.stop();
        }
        return answered;
    }

    private static final class Initialize implements Conversation {
        @Override
        public byte[] call(long id) {
            return Requests.legacy("/mcp", "", Requests.INITIALIZE);
        }

        @Override
        public Optional<String> fault(long id, HttpReader answer) {
            return answer.status() == 200 && !answer.header("Mcp-Session-Id").isEmpty()
                    ? Optional.empty()
                    : Optional.of("status " + answer.status() + ": " + answer.body());
        }
    }
}
