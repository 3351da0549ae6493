package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

/**
 * {@code tools/list} merged over 100 backends of 20 tools, one of which answers nothing any more, against nginx with the same bytes in a file; and how soon a changed list is there when backends take
 * 100 ms to answer.
 */
final class Lists implements Trial {
    private static final int BACKENDS = 100;
    private static final int TOOLS = 20;
    private static final int CONNECTIONS = 8;

    @Override
    public String name() {
        return "list";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(150);
    }

    @Override
    public List<Finding> goals() {
        return List.of(
                Finding.goal(
                        "`tools/list` of " + BACKENDS + " backends × " + TOOLS + " tools, one hung",
                        "≤ 1.3 × nginx with the same bytes in a file",
                        1.3),
                Finding.goal("first list after a change, backends of 100 ms", "< 300 ms", 300));
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        merged(bench);
        changed(bench);
    }

    private void merged(Bench bench) throws IOException, InterruptedException, ExecutionException {
        Contestant nginx = bench.shared("nginx");
        Contestant gateway = fleet(bench, "sluice-list", Commands.OWN, BACKENDS, TOOLS, 0, 1000);
        Ask.control("hang/1050");
        String list = Ask.modern(gateway.port(), "tools/list");
        int listed = list.split("\"inputSchema\"", -1).length - 1;
        if (listed < BACKENDS * TOOLS) {
            throw new IOException(
                    "only " + listed + " tools were listed: " + list.substring(0, Math.min(300, list.length())));
        }
        Files.writeString(bench.out().resolve("list.json"), list);
        int bytes = list.getBytes(UTF_8).length;
        List<Contestant> all = List.of(gateway, nginx);
        List<Measured> measured = new ArrayList<>();
        for (int round = -1; round < bench.options().number("rounds"); round++) {
            for (Contestant each : all) {
                boolean warming = round < 0;
                Measured one = bench.stretch(
                        name(),
                        each,
                        each.port(),
                        round,
                        CONNECTIONS,
                        0,
                        warming ? (each == gateway ? 6 : 0.5) : bench.options().number("seconds"),
                        () -> each == gateway ? new Listing(bytes) : new FromFile(bytes));
                if (!warming) {
                    measured.add(one);
                    bench.keep(one);
                }
            }
        }
        double ratio = Statistics.ratio(measured, gateway.name(), "nginx", Measured::cpuMicros);
        double ours = Statistics.median(measured, gateway.name(), Measured::cpuMicros);
        double theirs = Statistics.median(measured, "nginx", Measured::cpuMicros);
        bench.found(
                name(),
                goals().get(0)
                        .with(
                                ratio,
                                "%.2f × nginx (%.0f against %.0f µs for %d tools, %d KB)",
                                ratio,
                                ours,
                                theirs,
                                listed,
                                bytes / 1024));
        bench.section(name(), Calls.table(List.of(gateway.name(), "nginx"), measured));
        Map<String, Double> bars = new LinkedHashMap<>();
        bars.put("sluice", ours);
        bars.put("nginx, from a file", theirs);
        bench.picture(name(), "tools/list of 2,000 tools: CPU, µs per call", bars);
        bench.endOwn();
    }

    private void changed(Bench bench) throws IOException, InterruptedException {
        Contestant gateway = fleet(bench, "sluice-change", Commands.OWN, BACKENDS, TOOLS, 100, 2000);
        List<Double> millis = new ArrayList<>();
        for (int round = 1; round <= 5; round++) {
            Thread.sleep(300); // so that changes do not run into each other
            long start = System.nanoTime();
            Ask.control("change/2007");
            while (!Ask.modern(gateway.port(), "tools/list").contains("change-" + round + "\"")) {
                if (System.nanoTime() - start > Duration.ofSeconds(10).toNanos()) {
                    throw new IOException("the change was not seen within 10 s");
                }
                Thread.sleep(2); // a poll: what is timed is when the list has it
            }
            millis.add((System.nanoTime() - start) / 1e6);
        }
        double median = Statistics.median(millis);
        double longest = millis.stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN);
        bench.found(name(), goals().get(1).with(median, "%.0f ms (longest of five %.0f ms)", median, longest));
        bench.endOwn();
    }

    /** A gateway of its own before a number of backends, which are named {@code b0} and so on; it is ready when it has the tools of all. */
    static Contestant fleet(Bench bench, String name, int port, int backends, int tools, int delayMillis, int first)
            throws IOException, InterruptedException {
        bench.shared("direct");
        StringBuilder config = new StringBuilder(Commands.common(port)).append("mcpServers:\n");
        for (int i = 0; i < backends; i++) {
            config.append("  b%d: { url: \"http://127.0.0.1:%d/fleet/%d/%d/%d\" }\n"
                    .formatted(i, Commands.BACKEND, tools, delayMillis, first + i));
        }
        Path file = Commands.write(bench, name + ".yaml", config.toString());
        Contestant gateway = bench.start(name, port, Commands.PROXIES, true, Commands.gateway(bench.options(), file))
                .awaitReady();
        long end = System.nanoTime() + Duration.ofSeconds(120).toNanos();
        while (Ask.get(port, "/readyz?verbose").contains("Not heard from yet")
                || Ask.modern(port, "tools/list").split("\"inputSchema\"", -1).length - 1 < backends * tools) {
            if (System.nanoTime() > end) {
                throw new IOException("not all tools of " + backends + " backends were there within 120 s");
            }
            Thread.sleep(250); // a poll of another process
        }
        return gateway;
    }

    private static final class Listing implements Conversation {
        private final int bytes;

        Listing(int bytes) {
            this.bytes = bytes;
        }

        @Override
        public byte[] call(long id) {
            return Requests.modern("/mcp", id, "tools/list", "");
        }

        @Override
        public Optional<String> fault(long id, HttpReader answer) {
            boolean ours = answer.indexOf(("\"id\":" + id).getBytes(UTF_8), 0) >= 0;
            return answer.status() == 200 && ours && answer.bodyLength() >= bytes
                    ? Optional.empty()
                    : Optional.of(answer.status() + ", " + answer.bodyLength() + " bytes");
        }
    }

    private static final class FromFile implements Conversation {
        private final int bytes;

        FromFile(int bytes) {
            this.bytes = bytes;
        }

        @Override
        public byte[] call(long id) {
            return "GET /files/list.json HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(UTF_8);
        }

        @Override
        public Optional<String> fault(long id, HttpReader answer) {
            return answer.status() == 200 && answer.bodyLength() == bytes
                    ? Optional.empty()
                    : Optional.of(answer.status() + ", " + answer.bodyLength() + " bytes");
        }
    }
}
