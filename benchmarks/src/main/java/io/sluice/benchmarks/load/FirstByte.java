package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Whether the beginning of a long answer is there while the backend still holds back its end, by {@link FixedBackend#PAUSE_MILLIS}. */
final class FirstByte implements Trial {
    private static final List<String> TOOLS = List.of("slow-events", "slow-10m");

    @Override
    public String name() {
        return "first-byte";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(30);
    }

    @Override
    public List<Finding> goals() {
        return List.of(
                Finding.goal(
                        "first byte of a stream of events",
                        "before the last has come",
                        FixedBackend.PAUSE_MILLIS - 50.0),
                Finding.goal(
                        "first byte of an answer of 10 MB",
                        "before the last has come",
                        FixedBackend.PAUSE_MILLIS - 50.0));
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        Contestant gateway = bench.shared("sluice");
        StringBuilder table =
                new StringBuilder("| answer | first byte after, ms | last byte after, ms |\n|---|---|---|\n");
        for (int i = 0; i < TOOLS.size(); i++) {
            List<Double> firsts = new ArrayList<>();
            List<Double> lasts = new ArrayList<>();
            for (int round = 0; round < 5; round++) {
                long start = System.nanoTime();
                long[] times = ask(gateway.port(), "modern__" + TOOLS.get(i), round);
                firsts.add((times[0] - start) / 1e6);
                lasts.add((times[1] - start) / 1e6);
            }
            double first = Statistics.median(firsts);
            double last = Statistics.median(lasts);
            bench.found(name(), goals().get(i).with(first, "after %.1f ms, the last after %.1f ms", first, last));
            table.append(String.format(Locale.ROOT, "| %s | %.1f | %.1f |%n", TOOLS.get(i), first, last));
        }
        bench.section(name(), table.toString());
    }

    /** When the first byte of the body came, and when the last. */
    private static long[] ask(int port, String tool, int id) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(new Conversation.Calls(Scenario.MODERN, "/mcp", tool).call(7_000_000L + id));
            InputStream in = socket.getInputStream();
            byte[] buffer = new byte[1 << 16];
            StringBuilder tail = new StringBuilder();
            long first = 0;
            boolean head = true;
            while (true) {
                int read = in.read(buffer);
                if (read < 0) {
                    throw new IOException("the answer ended early: " + tail);
                }
                tail.append(new String(buffer, 0, read, UTF_8));
                if (head && tail.indexOf("\r\n\r\n") >= 0 && tail.indexOf("\r\n\r\n") + 4 < tail.length()) {
                    head = false;
                    first = System.nanoTime();
                }
                if (tail.indexOf("\"isError\":false}}", Math.max(0, tail.length() - read - 40)) >= 0) {
                    return new long[] {first, System.nanoTime()};
                }
            }
        }
    }
}
