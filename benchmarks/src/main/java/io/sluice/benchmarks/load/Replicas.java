package io.sluice.benchmarks.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * One, two and three replicas behind HAProxy with one Redis: CPU of all replicas for each call. Each replica is given the same load, so that what is compared is the cost of being several, not that of
 * being less busy. All replicas share the second core. Operations of Redis are counted meanwhile.
 */
final class Replicas implements Trial {
    private static final int RATE = 800;
    private static final Duration LONGEST_WARMING = Duration.ofSeconds(40);
    private static final int REDIS = Commands.OWN + 20;
    private static final int BALANCER = Commands.OWN + 21;
    private static final int FIRST = Commands.OWN + 22;

    @Override
    public String name() {
        return "replicas";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(300);
    }

    @Override
    public List<Finding> goals() {
        return List.of(
                Finding.goal("two replicas, one Redis: CPU for each call", "within 10 % of one replica's", 1.10),
                Finding.goal("three replicas, one Redis: CPU for each call", "within 10 % of one replica's", 1.10),
                Finding.stated("Redis operations/s, three replicas under load"),
                Finding.stated("Redis operations for a legacy session that is called on three replicas"));
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        bench.shared("direct");
        bench.start("redis", REDIS, Commands.REST, false, redis(bench));
        List<Contestant> replicas = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            replicas.add(replica(bench, i));
        }
        List<Contestant> balancers = new ArrayList<>();
        for (int count = 1; count <= 3; count++) {
            balancers.add(balancer(bench, count));
        }
        double[][] costs = new double[3][];
        int rounds = Math.min(3, bench.options().number("rounds"));
        for (int count = 1; count <= 3; count++) {
            costs[count - 1] = new double[rounds];
            Contestant replica = replicas.get(count - 1); // each compiles for itself
            Warming.untilSteady(
                    bench,
                    bench.options().number("warmup"),
                    LONGEST_WARMING,
                    seconds ->
                            bench.stretch(name(), replica, replica.port(), -1, 16, 0, seconds, Replicas::conversation));
        }
        double operations = 0;
        for (int round = 0; round < rounds; round++) {
            for (int count = 1; count <= 3; count++) {
                long before = processed();
                long start = System.nanoTime();
                costs[count - 1][round] = calls(
                        bench,
                        balancers.get(count - 1),
                        replicas,
                        count,
                        round,
                        1 + bench.options().number("seconds"));
                operations = (processed() - before) * 1e9 / (System.nanoTime() - start);
            }
        }
        StringBuilder table =
                new StringBuilder("| replicas | calls/s | CPU µs/call, summed | × one replica |\n|---|---|---|---|\n");
        Map<String, Double> bars = new LinkedHashMap<>();
        for (int count = 1; count <= 3; count++) {
            List<Double> ratios = new ArrayList<>();
            List<Double> all = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                ratios.add(costs[count - 1][round] / costs[0][round]);
                all.add(costs[count - 1][round]);
            }
            double ratio = Statistics.median(ratios);
            double cost = Statistics.median(all);
            table.append(String.format(Locale.ROOT, "| %d | %d | %.1f | %.2f |%n", count, count * RATE, cost, ratio));
            bars.put("sluice × " + count, cost);
            if (count > 1) {
                bench.found(
                        name(),
                        goals().get(count - 2)
                                .with(
                                        ratio,
                                        "%+.0f %% (%.1f µs at %d calls/s)",
                                        100 * (ratio - 1),
                                        cost,
                                        count * RATE));
            }
        }
        bench.found(
                name(), goals().get(2).with(operations, "%.1f/s at %d calls/s: none for a call", operations, 3 * RATE));
        sessions(bench, balancers.get(2));
        bench.section(name(), table.toString());
        bench.picture(name(), "CPU of all replicas for a small call, µs", bars);
    }

    /** What Redis does for legacy sessions: those of a number of connections, opened and then called through all replicas. */
    private void sessions(Bench bench, Contestant balancer)
            throws IOException, InterruptedException, ExecutionException {
        int count = 96;
        long idle = processed();
        Thread.sleep(2000); // what it does when nothing is asked
        double eachSecond = (processed() - idle) / 2.0;
        long before = processed();
        long start = System.nanoTime();
        try (LoadGenerator generator = new LoadGenerator(
                balancer.port(), count, false, () -> new Conversation.Calls(Scenario.LEGACY, "/mcp", "legacy__echo"))) {
            LoadGenerator.Stretch first = generator.run(3000, RATE);
            double forSessions = processed() - before - eachSecond * (System.nanoTime() - start) / 1e9;
            before = processed();
            start = System.nanoTime();
            LoadGenerator.Stretch second = generator.run(2000, RATE);
            double forCalls = processed() - before - eachSecond * (System.nanoTime() - start) / 1e9;
            generator.stop();
            if (first.faults() + second.faults() > 0) {
                throw new IOException("calls of sessions failed: " + first.firstFaults() + second.firstFaults());
            }
            double each = forSessions / count;
            bench.found(
                    name(),
                    goals().get(3)
                            .with(
                                    each,
                                    "%.1f each to open and use it, then %.2f for a call; %.1f/s when idle",
                                    each,
                                    Math.max(0, forCalls / Math.max(1, second.calls())),
                                    eachSecond));
        }
    }

    /** CPU of all replicas for each call, in microseconds. */
    private static double calls(
            Bench bench, Contestant balancer, List<Contestant> replicas, int count, int round, double seconds)
            throws IOException, InterruptedException, ExecutionException {
        try (LoadGenerator generator = new LoadGenerator(balancer.port(), 16 * count, false, Replicas::conversation)) {
            generator.callOnEach();
            generator.run(300, count * RATE);
            double before = cpu(replicas.subList(0, count));
            LoadGenerator.Stretch stretch = generator.run((long) (1000 * seconds), count * RATE);
            double cost = (cpu(replicas.subList(0, count)) - before) / Math.max(1, stretch.calls());
            generator.stop();
            if (stretch.faults() > 0) {
                throw new IOException("calls failed: " + stretch.firstFaults());
            }
            if (round >= 0) {
                bench.say(String.format(
                        Locale.ROOT,
                        "replicas %d round %d: %d calls, %.1f us CPU",
                        count,
                        round,
                        stretch.calls(),
                        cost));
            }
            return cost;
        }
    }

    private static Conversation conversation() {
        return new Conversation.Calls(Scenario.MODERN, "/mcp", "modern__echo");
    }

    private static double cpu(List<Contestant> replicas) throws IOException {
        double sum = 0;
        for (Contestant each : replicas) {
            sum += each.cpuMicros();
        }
        return sum;
    }

    private static Contestant replica(Bench bench, int index) throws IOException, InterruptedException {
        int port = FIRST + index;
        Path key = Commands.write(bench, "replicas.key", "c2x1aWNlLWJlbmNobWFyay1rZXktMzItYnl0ZXMtISE=");
        Path config = Commands.write(
                bench,
                "replica-" + index + ".yaml",
                Commands.common(port) + """
                secretKey: ${file:%4$s}
                redis: { url: "redis://127.0.0.1:%1$d", cluster: benchmark }
                mcpServers:
                  modern: { endpoints: [{ url: "http://127.0.0.1:%2$d/modern" }, { url: "http://127.0.0.1:%3$d/modern" }] }
                  legacy: { url: "http://127.0.0.1:%2$d/legacy" }
                """.formatted(REDIS, Commands.BACKEND, Commands.BACKEND_AGAIN, key));
        return bench.start(
                        "sluice-replica-" + index,
                        port,
                        Commands.PROXIES,
                        true,
                        Commands.gateway(bench.options(), config))
                .awaitReady();
    }

    private static Contestant balancer(Bench bench, int count) throws IOException, InterruptedException {
        StringBuilder servers = new StringBuilder();
        for (int i = 0; i < count; i++) {
            servers.append(i == 0 ? "" : "\n  ").append("server r%d 127.0.0.1:%d".formatted(i, FIRST + i));
        }
        int port = BALANCER + 10 + count;
        Path config = Commands.write(bench, "balancer-" + count + ".cfg", Commands.haproxy(port, servers.toString()));
        return bench.start(
                "balancer-" + count,
                port,
                Commands.REST,
                false,
                List.of(Commands.found("haproxy"), "-db", "-f", config.toString()));
    }

    /** The redis-server of the system, or the one that the gateway's jar carries for its demo. */
    private static List<String> redis(Bench bench) throws IOException {
        Path program = Path.of("/usr/bin/redis-server");
        if (!Files.isExecutable(program)) {
            program = bench.out().resolve("redis-server").toAbsolutePath();
            String machine = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
            try (ZipFile jar = new ZipFile("gateway-server/target/sluice.jar")) {
                ZipEntry found = jar.stream()
                        .filter(entry -> entry.getName().contains("redis-server-")
                                && entry.getName().endsWith("linux-" + machine))
                        .findFirst()
                        .orElseThrow(() -> new IOException("there is no redis-server, install redis-server"));
                try (InputStream in = jar.getInputStream(found)) {
                    Files.copy(in, program, StandardCopyOption.REPLACE_EXISTING);
                }
            }
            if (!program.toFile().setExecutable(true)) {
                throw new IOException(program + " cannot be made executable");
            }
        }
        return List.of(
                program.toString(),
                "--port",
                Integer.toString(REDIS),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                bench.out().toAbsolutePath().toString());
    }

    /** How many commands Redis has done so far. */
    private static long processed() throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), REDIS)) {
            socket.setSoTimeout(5000);
            OutputStream out = socket.getOutputStream();
            out.write("INFO stats\r\nQUIT\r\n".getBytes(StandardCharsets.US_ASCII));
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("total_commands_processed:")) {
                    return Long.parseLong(line.substring(line.indexOf(':') + 1).trim());
                }
            }
            throw new IOException("Redis did not say how many commands it has done");
        }
    }
}
