package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The gateway on other JDKs, transports, allocators and collectors, side by side with what {@code ./sluice} starts: what a small modern call costs each. */
final class Variants implements Trial {
    private static final Path IO_URING = Path.of("benchmarks/target/io_uring");

    /** @param jdk its major version */
    private record Variant(String name, String jdk, List<String> jvm, boolean ioUring) {
        Finding goal() {
            return Finding.stated("small modern call, " + name);
        }

        Variant with(String other, String... flags) {
            List<String> all = new ArrayList<>(jvm);
            all.addAll(List.of(flags));
            return new Variant(other, jdk, all, false);
        }

        /** The collector is the first flag. */
        Variant collector(String other, String flag) {
            List<String> all = new ArrayList<>(jvm);
            all.set(0, flag);
            return new Variant(other, jdk, all, false);
        }
    }

    private static final Variant JDK17 = new Variant("JDK 17 as packaged", "17", Options.PACKAGED, false);
    private static final Variant JDK25 = new Variant("JDK 25", "25", Options.PACKAGED, false)
            .with("JDK 25 as packaged", "-XX:+UseCompactObjectHeaders");

    private static final List<Variant> ALL = List.of(
            JDK17,
            JDK17.collector("JDK 17, G1", "-XX:+UseG1GC"),
            JDK17.collector("JDK 17, Parallel", "-XX:+UseParallelGC"),
            JDK17.with("JDK 17, young generation of 128 MB", "-Xms512m", "-XX:NewSize=128m"),
            JDK17.with("JDK 17, pooled allocator", "-Dio.netty.allocator.type=pooled"),
            JDK17.with("JDK 17, NIO", "-Dio.netty.transport.noNative=true", "-Dreactor.netty.native=false"),
            new Variant("JDK 17, io_uring", "17", Options.PACKAGED, true),
            JDK17.with("JDK 17, C1 only", "-XX:TieredStopAtLevel=1"),
            JDK25,
            JDK25.with("JDK 25, ordinary object headers", "-XX:-UseCompactObjectHeaders"),
            JDK25.with("JDK 25, Unsafe allowed", "--sun-misc-unsafe-memory-access=allow", "-Dio.netty.noUnsafe=false"),
            JDK25.collector("JDK 25, G1", "-XX:+UseG1GC"),
            JDK25.collector("JDK 25, ZGC", "-XX:+UseZGC"));

    @Override
    public String name() {
        return "variants";
    }

    @Override
    public Duration limit() {
        return Duration.ofMinutes(14);
    }

    @Override
    public List<Finding> goals() {
        return ALL.stream().map(Variant::goal).toList();
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        bench.shared("direct");
        Map<Variant, Contestant> running = new LinkedHashMap<>();
        for (int i = 0; i < ALL.size(); i++) {
            Variant variant = ALL.get(i);
            try {
                running.put(variant, start(bench, variant, Commands.OWN + i));
            } catch (IOException e) {
                bench.say(variant.name() + ": " + e.getMessage());
                bench.found(name(), variant.goal().missing(String.valueOf(e.getMessage())));
            }
        }
        for (Contestant each : running.values()) {
            Calls.warm(bench, each, Scenario.MODERN);
        }
        List<Measured> measured = new ArrayList<>();
        for (int round = 0; round < bench.options().number("rounds"); round++) {
            for (Contestant each : running.values()) {
                Measured one = Calls.stretch(
                        bench, Scenario.MODERN, each, round, bench.options().number("seconds"));
                measured.add(one);
                bench.keep(one);
            }
        }
        report(bench, running, measured);
    }

    private void report(Bench bench, Map<Variant, Contestant> running, List<Measured> measured) throws IOException {
        String base = running.containsKey(JDK17)
                ? contestant(JDK17)
                : running.values().iterator().next().name();
        StringBuilder table = new StringBuilder(
                "| | CPU µs/call | × the first | allocated/call | resident MB after load |\n|---|---|---|---|---|\n");
        Map<String, Double> bars = new LinkedHashMap<>();
        for (Map.Entry<Variant, Contestant> each : running.entrySet()) {
            String name = each.getValue().name();
            double ratio = Statistics.ratio(measured, name, base, Measured::cpuMicros);
            double cost = Statistics.median(measured, name, Measured::cpuMicros);
            double bytes = Statistics.median(measured, name, Measured::allocatedBytes);
            bench.found(
                    name(),
                    each.getKey()
                            .goal()
                            .with(ratio, "%.2f × JDK 17 as packaged (%.1f µs, %.0f B)", ratio, cost, bytes));
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %.2f | %.0f B | %d |%n",
                    each.getKey().name(),
                    cost,
                    ratio,
                    bytes,
                    each.getValue().residentKib() / 1024));
            bars.put(each.getKey().name(), cost);
        }
        bench.section(name(), table.toString());
        bench.picture(name(), "small tools/call: CPU, µs per call", bars);
    }

    private static String contestant(Variant variant) {
        return "sluice-" + variant.name().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
    }

    private static Contestant start(Bench bench, Variant variant, int port) throws IOException, InterruptedException {
        Path home = Start.home(variant.jdk());
        if (home == null) {
            throw new IOException("no JDK " + variant.jdk() + " in JAVA_HOME" + variant.jdk() + " or /usr/lib/jvm");
        }
        String name = contestant(variant);
        Path config = Commands.write(
                bench,
                name + ".yaml",
                Commands.common(port)
                        + "mcpServers: { modern: { url: \"http://127.0.0.1:%d/modern\" } }%n"
                                .formatted(Commands.BACKEND));
        List<String> command = new ArrayList<>(List.of(home.resolve("bin/java").toString()));
        command.addAll(variant.jvm());
        command.add("-Xmx512m");
        if (variant.ioUring()) {
            command.addAll(List.of("-cp", "gateway-server/target/sluice.jar" + ioUring(), "io.sluice.Main"));
        } else {
            command.addAll(List.of("-jar", "gateway-server/target/sluice.jar"));
        }
        command.addAll(List.of("run", config.toString()));
        Contestant started =
                bench.start(name, port, Commands.PROXIES, true, command).awaitReady();
        if (variant.ioUring() && !started.hasThread("uring")) {
            started.close();
            throw new IOException(
                    "skipped: the kernel does not offer io_uring here, so epoll would have been measured");
        }
        return started;
    }

    /** What the gateway's jar does not carry: its part of the class path, from Maven's repository. */
    private static String ioUring() throws IOException, InterruptedException {
        Files.createDirectories(IO_URING);
        String version = version();
        for (String artifact : List.of(
                "netty-transport-classes-io_uring:" + version,
                "netty-transport-native-io_uring:" + version + ":jar:linux-" + machine())) {
            if (jars().stream().anyMatch(jar -> jar.startsWith(artifact.substring(0, artifact.indexOf(':'))))) {
                continue;
            }
            Process copying = new ProcessBuilder(
                            "./mvnw",
                            "-q",
                            "-B",
                            "-ntp",
                            "-N",
                            "dependency:copy",
                            "-Dartifact=io.netty:" + artifact,
                            "-DoutputDirectory=" + IO_URING.toAbsolutePath())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try {
                if (!copying.waitFor(90, TimeUnit.SECONDS) || copying.exitValue() != 0) {
                    throw new IOException("skipped: Netty's io_uring could not be had from Maven's repository");
                }
            } finally {
                copying.descendants().forEach(ProcessHandle::destroyForcibly);
                copying.destroyForcibly();
            }
        }
        StringBuilder path = new StringBuilder();
        jars().forEach(jar -> path.append(':').append(IO_URING.resolve(jar)));
        return path.toString();
    }

    private static List<String> jars() throws IOException {
        try (Stream<Path> files = Files.list(IO_URING)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".jar"))
                    .toList();
        }
    }

    private static String machine() {
        return System.getProperty("os.arch").equals("aarch64") ? "aarch_64" : "x86_64";
    }

    private static String version() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        int from = pom.indexOf("<netty.version>") + "<netty.version>".length();
        return pom.substring(from, pom.indexOf('<', from));
    }
}
