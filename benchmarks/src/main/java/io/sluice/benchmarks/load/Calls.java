package io.sluice.benchmarks.load;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/** Calls in a closed loop: CPU time for each, beside nginx and HAProxy, which take turns within rounds. */
final class Calls implements Trial {
    /** What a modern call may allocate. */
    private static final int MOST_ALLOCATED = 4096;

    private static final Duration LONGEST_WARMING = Duration.ofSeconds(40);

    private final Scenario scenario;

    Calls(Scenario scenario) {
        this.scenario = scenario;
    }

    @Override
    public String name() {
        return scenario.name();
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(150);
    }

    @Override
    public List<Finding> goals() {
        List<Finding> goals = new ArrayList<>();
        goals.add(Finding.goal(scenario.what(), "≤ " + scenario.goal() + " × nginx", scenario.goal()));
        if (scenario.equals(Scenario.MODERN)) {
            goals.add(Finding.goal(scenario.what() + ", allocated", "≤ 4 KB a call", MOST_ALLOCATED));
        }
        return goals;
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        List<String> names = bench.options()
                .list("against", scenario.equals(Scenario.MODERN) ? "sluice,nginx,haproxy" : "sluice,nginx");
        List<Measured> measured = new ArrayList<>();
        int rounds = bench.options().number("rounds");
        rounds = scenario.isLarge() || scenario.events() ? Math.min(3, rounds) : rounds;
        for (int round = 0; round < rounds; round++) {
            for (String name : names) {
                warm(bench, bench.shared(name), scenario);
                Measured one = stretch(
                        bench,
                        scenario,
                        bench.shared(name),
                        round,
                        bench.options().number("seconds"));
                measured.add(one);
                bench.keep(one);
            }
        }
        report(bench, names, measured);
    }

    private void report(Bench bench, List<String> names, List<Measured> measured) throws IOException {
        double ratio = Statistics.ratio(measured, "sluice", "nginx", Measured::cpuMicros);
        double ours = Statistics.median(measured, "sluice", Measured::cpuMicros);
        double nginx = Statistics.median(measured, "nginx", Measured::cpuMicros);
        bench.found(
                name(), goals().get(0).with(ratio, "%.2f × nginx (%.1f against %.1f µs of CPU)", ratio, ours, nginx));
        if (goals().size() > 1) {
            double bytes = Statistics.median(measured, "sluice", Measured::allocatedBytes);
            bench.found(name(), goals().get(1).with(bytes, "%.1f KB", bytes / 1024));
        }
        bench.section(name(), table(names, measured));
        Map<String, Double> bars = new LinkedHashMap<>();
        names.forEach(each -> bars.put(each, Statistics.median(measured, each, Measured::cpuMicros)));
        bench.picture(name(), scenario.what() + ": CPU, µs per call", bars);
    }

    static String table(List<String> names, List<Measured> measured) {
        StringBuilder table = new StringBuilder(
                "| | CPU µs/call | × nginx | allocated/call | calls/s | faults |\n|---|---|---|---|---|---|\n");
        for (String each : names) {
            double bytes = Statistics.median(measured, each, Measured::allocatedBytes);
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %.2f | %s | %.0f | %d |%n",
                    each,
                    Statistics.median(measured, each, Measured::cpuMicros),
                    Statistics.ratio(measured, each, "nginx", Measured::cpuMicros),
                    bytes < 0 ? "" : String.format(Locale.ROOT, "%.0f B", bytes),
                    Statistics.median(measured, each, Measured::callsPerSecond),
                    Statistics.of(measured, each).stream()
                            .mapToLong(Measured::faults)
                            .sum()));
        }
        return table.toString();
    }

    /** Java is called until it has compiled what there is to compile, the others until their connections are open. */
    static void warm(Bench bench, Contestant contestant, Scenario scenario)
            throws IOException, InterruptedException, ExecutionException {
        if (!bench.isCold(contestant, scenario.name())) {
            return;
        }
        if (!contestant.isJava() || contestant.name().equals("direct")) {
            stretch(bench, scenario, contestant, -1, 0.3);
            return;
        }
        if (scenario.rate() > 0) {
            warm(bench, contestant, Scenario.MODERN); // at full speed, where that is the same call
            stretch(bench, scenario, contestant, -1, 2);
            return;
        }
        int all = bench.options().number("warmup");
        boolean huge = scenario.leastBytes() > 1_000_000 || scenario.argumentBytes() > 1_000_000;
        long calls = huge ? all / 1000 : scenario.isLarge() || scenario.events() ? all / 15 : all;
        Warming.untilSteady(
                bench, calls, LONGEST_WARMING, seconds -> stretch(bench, scenario, contestant, -1, seconds));
    }

    static Measured stretch(Bench bench, Scenario scenario, Contestant contestant, int round, double seconds)
            throws IOException, InterruptedException, ExecutionException {
        boolean ours = contestant.name().startsWith("sluice");
        String path = ours ? "/mcp" : scenario.path();
        String tool = ours ? scenario.qualifiedTool() : scenario.tool();
        int port = contestant.name().equals("nginx") && scenario.isLarge() ? Commands.NGINX_LARGE : contestant.port();
        return bench.stretch(
                scenario.name(),
                contestant,
                port,
                round,
                scenario.connections(),
                scenario.rate(),
                seconds,
                () -> new Conversation.Calls(scenario, path, tool));
    }
}
