package io.sluice.benchmarks.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/**
 * CPU time for a small call beside proxies that one would otherwise write or install: made of the MCP Java SDK and FastMCP (which know the legacy era), Spring Cloud Gateway and a plain Reactor Netty
 * proxy (which know nothing of MCP). What cannot be installed is named with the reason.
 */
final class Comparators implements Trial {
    /** @param legacy whether it is asked in the legacy era, at {@code /mcp} */
    private record Comparator(String name, String what, boolean legacy, int port) {}

    private static final Duration LONGEST_WARMING = Duration.ofSeconds(40);

    private static final List<Comparator> ALL = List.of(
            new Comparator("mcp-sdk", "proxy made of the MCP Java SDK", true, Commands.OWN + 10),
            new Comparator("spring-cloud-gateway", "Spring Cloud Gateway", false, Commands.OWN + 11),
            new Comparator("reactor-netty", "plain Reactor Netty proxy", false, Commands.OWN + 12),
            new Comparator("fastmcp", "FastMCP proxy", true, Commands.OWN + 13),
            new Comparator("agentgateway", "agentgateway", true, 0));

    @Override
    public String name() {
        return "comparators";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(400);
    }

    /** Limits are of our cost by theirs, so that less is better, like everywhere. */
    @Override
    public List<Finding> goals() {
        return List.of(
                Finding.goal("against a proxy made of the MCP Java SDK", "≥ 20 × less CPU for each call", 1 / 20.0),
                Finding.goal("against Spring Cloud Gateway", "≥ 4.5 × less CPU for each call", 1 / 4.5),
                Finding.stated("against a plain Reactor Netty proxy"),
                Finding.stated("against a FastMCP proxy"),
                Finding.stated("against agentgateway"));
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        Map<String, String> prepared = prepare(bench);
        StringBuilder table =
                new StringBuilder("| | CPU µs/call | ours, same era | × ours | calls/s |\n|---|---|---|---|---|\n");
        Map<String, Double> bars = new LinkedHashMap<>();
        for (int i = 0; i < ALL.size(); i++) {
            Comparator comparator = ALL.get(i);
            Finding goal = goals().get(i);
            String state = prepared.getOrDefault(comparator.name(), "ready");
            if (!state.equals("ready")) {
                bench.say(comparator.name() + " " + state);
                bench.found(name(), goal.missing(state));
                continue;
            }
            try {
                against(bench, comparator, goal, table, bars);
            } catch (IOException e) {
                bench.say(comparator.name() + ": " + e.getMessage());
                bench.found(name(), goal.missing(String.valueOf(e.getMessage())));
            }
            bench.endOwn();
        }
        bench.section(name(), table.toString());
        bench.picture(name(), "small tools/call: CPU, µs per call", bars);
    }

    private void against(
            Bench bench, Comparator comparator, Finding goal, StringBuilder table, Map<String, Double> bars)
            throws IOException, InterruptedException, ExecutionException {
        Scenario scenario = comparator.legacy() ? Scenario.LEGACY : Scenario.MODERN;
        Contestant ours = bench.shared("sluice");
        Contestant theirs = bench.start(
                comparator.name(),
                comparator.port(),
                Commands.PROXIES,
                !comparator.name().equals("fastmcp"),
                command(comparator));
        Calls.warm(bench, ours, scenario);
        String path = comparator.legacy() ? "/mcp" : scenario.path();
        Warming.untilSteady(
                bench, 0, LONGEST_WARMING, seconds -> stretch(bench, comparator, scenario, theirs, path, -1, seconds));
        List<Measured> measured = new ArrayList<>();
        for (int round = 0; round < Math.min(3, bench.options().number("rounds")); round++) {
            Measured one =
                    Calls.stretch(bench, scenario, ours, round, bench.options().number("seconds"));
            Measured other = stretch(
                    bench,
                    comparator,
                    scenario,
                    theirs,
                    path,
                    round,
                    bench.options().number("seconds"));
            for (Measured each : List.of(one, other)) {
                measured.add(each);
                bench.keep(each);
            }
            if (other.faults() * 20 > other.calls()) {
                throw new IOException("it answered wrongly: " + other.firstFaults());
            }
        }
        double ratio = Statistics.ratio(measured, ours.name(), theirs.name(), Measured::cpuMicros);
        double mine = Statistics.median(measured, ours.name(), Measured::cpuMicros);
        double cost = Statistics.median(measured, theirs.name(), Measured::cpuMicros);
        bench.found(name(), goal.with(ratio, "%.1f × less (%.1f against %.0f µs)", 1 / ratio, mine, cost));
        table.append(String.format(
                Locale.ROOT,
                "| %s | %.1f | %.1f | %.1f | %.0f |%n",
                comparator.what(),
                cost,
                mine,
                1 / ratio,
                Statistics.median(measured, theirs.name(), Measured::callsPerSecond)));
        bars.put("sluice, " + (comparator.legacy() ? "legacy" : "modern"), mine);
        bars.put(comparator.what(), cost);
    }

    private static Measured stretch(
            Bench bench,
            Comparator comparator,
            Scenario scenario,
            Contestant contestant,
            String path,
            int round,
            double seconds)
            throws IOException, InterruptedException, ExecutionException {
        return bench.stretch(
                scenario.name(),
                contestant,
                comparator.port(),
                round,
                comparator.name().equals("fastmcp") ? 8 : scenario.connections(),
                0,
                seconds,
                () -> new Conversation.Calls(scenario, path, scenario.tool()));
    }

    private static List<String> command(Comparator comparator) {
        String port = Integer.toString(comparator.port());
        String backend = Integer.toString(Commands.BACKEND);
        Path directory =
                Path.of("benchmarks/comparators").resolve(comparator.name()).resolve("target");
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return switch (comparator.name()) {
            case "mcp-sdk", "spring-cloud-gateway" ->
                List.of(
                        java,
                        "-XX:+UseSerialGC",
                        "-Xmx512m",
                        "-cp",
                        directory.resolve("classes") + ":" + directory.resolve("lib") + "/*",
                        comparator.name().equals("mcp-sdk")
                                ? "io.sluice.comparators.SdkProxy"
                                : "io.sluice.comparators.SpringGateway",
                        port,
                        backend);
            case "reactor-netty" ->
                List.of(
                        java,
                        "-XX:+UseSerialGC",
                        "-Xmx512m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ReactorProxy.class.getName(),
                        port,
                        backend);
            default ->
                List.of(
                        "benchmarks/target/fastmcp/bin/python",
                        "benchmarks/comparators/fastmcp_proxy.py",
                        port,
                        backend);
        };
    }

    /** What could be made ready, by name: {@code ready}, or {@code skipped} with a reason. */
    private static Map<String, String> prepare(Bench bench) throws IOException, InterruptedException {
        bench.say("preparing comparators (benchmarks/comparators/prepare)");
        Process process = new ProcessBuilder("benchmarks/comparators/prepare")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        Map<String, String> states = new LinkedHashMap<>();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int space = line.indexOf(' ');
                if (space > 0) {
                    states.put(line.substring(0, space), line.substring(space + 1));
                }
            }
            process.waitFor();
        } finally {
            process.destroyForcibly();
        }
        return states;
    }
}
