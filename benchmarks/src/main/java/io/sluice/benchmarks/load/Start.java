package io.sluice.benchmarks.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How long {@code ./sluice run} takes until {@code /readyz} says yes, and what it occupies three seconds later, with the archive that the launcher makes for a JDK 25 and a JDK 17. Both cores are its
 * own; the first start, which makes the archive, is not counted.
 */
final class Start implements Trial {
    private static final double MOST_SECONDS = 1.0;
    private static final double MOST_MIB = 150;

    @Override
    public String name() {
        return "start";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(180);
    }

    @Override
    public List<Finding> goals() {
        List<Finding> goals = new ArrayList<>();
        for (String archive : List.of("JDK 25, AOT cache", "JDK 17, AppCDS")) {
            goals.add(Finding.goal("start until ready, " + archive, "< 1.0 s", MOST_SECONDS));
            goals.add(Finding.goal("resident when idle, " + archive, "≤ 150 MB", MOST_MIB));
        }
        return goals;
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException {
        bench.shared("direct");
        Path config = Commands.write(
                bench,
                "start.yaml",
                Commands.common(Commands.OWN)
                        + "mcpServers: { one: { url: \"http://127.0.0.1:%d/modern\" } }%n".formatted(Commands.BACKEND));
        StringBuilder table =
                new StringBuilder("| | ready after s, each | median | resident, MB |\n|---|---|---|---|\n");
        Map<String, Double> bars = new LinkedHashMap<>();
        List<String> missing = new ArrayList<>();
        int rounds = bench.options().number("rounds");
        for (int i = 0; i < 2; i++) {
            String version = i == 0 ? "25" : "17";
            Path home = home(version);
            if (home == null) {
                String why = "no JDK " + version + " in JAVA_HOME" + version + ", JAVA_HOME or /usr/lib/jvm";
                missing.add(why);
                bench.found(name(), goals().get(2 * i).missing(why));
                bench.found(name(), goals().get(2 * i + 1).missing(why));
                continue;
            }
            once(home, config, bench.out().resolve("start.log"), Duration.ofSeconds(100));
            List<Double> seconds = new ArrayList<>();
            List<Double> resident = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                double[] one = once(home, config, bench.out().resolve("start.log"), Duration.ofSeconds(20));
                seconds.add(one[0]);
                resident.add(one[1]);
                bench.say(String.format(Locale.ROOT, "JDK %s: ready after %.2f s, %.0f MB", version, one[0], one[1]));
            }
            double median = Statistics.median(seconds);
            double mib = Statistics.median(resident);
            bench.found(name(), goals().get(2 * i).with(median, "%.2f s", median));
            bench.found(name(), goals().get(2 * i + 1).with(mib, "%.0f MB", mib));
            table.append(String.format(
                    Locale.ROOT,
                    "| JDK %s | %s | %.2f | %.0f |%n",
                    version,
                    String.join(
                            ", ",
                            seconds.stream()
                                    .map(each -> String.format(Locale.ROOT, "%.2f", each))
                                    .toList()),
                    median,
                    mib));
            bars.put("sluice, JDK " + version, median);
        }
        bench.section(name(), table.toString());
        bench.picture(name(), "start until ready, s", bars);
        missing.forEach(bench::say);
    }

    /** Seconds until ready, and MiB. */
    private static double[] once(Path home, Path config, Path log, Duration patience)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("taskset", "-c", "0,1", "./sluice", "run", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put("JAVA_HOME", home.toString());
        builder.environment().put("SLUICE_BUILD", "off"); // the jar was built a moment ago
        builder.environment().remove("SLUICE_JAVA_OPTS");
        long start = System.nanoTime();
        Process process = builder.start();
        try {
            while (!ready()) {
                if (!process.isAlive() || System.nanoTime() - start > patience.toNanos()) {
                    throw new IOException("the gateway did not start: " + Files.readString(log));
                }
                Thread.sleep(5); // a poll of another process
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            Thread.sleep(3000); // what it occupies when idle, not while it starts
            double kib = Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(Double.NaN);
            return new double[] {seconds, kib / 1024};
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
        }
    }

    private static boolean ready() throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), Commands.OWN), 200);
            socket.setSoTimeout(1000);
            OutputStream out = socket.getOutputStream();
            out.write("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.UTF_8));
            String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))
                    .readLine();
            return line != null && line.contains(" 200 ");
        } catch (IOException notYet) {
            return false;
        }
    }

    /** Where such a JDK is, or null. */
    static @Nullable Path home(String version) throws IOException {
        List<Path> places = new ArrayList<>();
        for (String variable : List.of("JAVA_HOME" + version, "JAVA_HOME")) {
            String value = System.getenv(variable);
            if (value != null && !value.isBlank()) {
                places.add(Path.of(value));
            }
        }
        places.add(Path.of(System.getProperty("java.home")));
        Path installed = Path.of("/usr/lib/jvm");
        if (Files.isDirectory(installed)) {
            try (var each = Files.list(installed)) {
                each.sorted().forEach(places::add);
            }
        }
        for (Path place : places) {
            Path release = place.resolve("release");
            if (Files.isExecutable(place.resolve("bin/java"))
                    && Files.isReadable(release)
                    && Files.readString(release).contains("JAVA_VERSION=\"" + version)) {
                return place;
            }
        }
        return null;
    }
}
