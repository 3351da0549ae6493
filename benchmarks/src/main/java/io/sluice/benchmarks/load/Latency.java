package io.sluice.benchmarks.load;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;

/**
 * Calls in an open loop, timed from when they were meant to be sent. What a proxy adds is its latency less that of the backend asked directly in the same round; what counts is the median of the
 * rounds.
 */
final class Latency implements Trial {
    private static final List<String> NAMES = List.of("direct", "nginx", "sluice");

    private final Scenario scenario;

    Latency(Scenario scenario) {
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
        return List.of(
                Finding.goal("added p50, " + scenario.what(), "≤ 1.5 × nginx's (aim 0.10 ms)", scenario.goal()),
                Finding.goal("added p99, " + scenario.what(), "≤ 1.5 × nginx's (aim 0.40 ms)", scenario.goal()),
                Finding.stated("added p99.9, " + scenario.what()));
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        List<Measured> measured = new ArrayList<>();
        for (int round = 0; round < bench.options().number("rounds"); round++) {
            for (String name : NAMES) {
                Calls.warm(bench, bench.shared(name), scenario);
                Measured one = Calls.stretch(
                        bench,
                        scenario,
                        bench.shared(name),
                        round,
                        1.5 * bench.options().number("seconds"));
                measured.add(one);
                bench.keep(one);
            }
        }
        double[] percentiles = {50, 99, 99.9};
        for (int i = 0; i < percentiles.length; i++) {
            double percentile = percentiles[i];
            double ours = added(measured, "sluice", one -> one.millis(percentile));
            double nginx = added(measured, "nginx", one -> one.millis(percentile));
            Finding goal = goals().get(i);
            double ratio = nginx > 0 ? ours / nginx : Double.NaN;
            bench.found(name(), goal.with(ratio, "%.2f × nginx's (%.3f against %.3f ms)", ratio, ours, nginx));
        }
        bench.section(name(), table(measured));
        Map<String, Double> bars = new LinkedHashMap<>();
        NAMES.forEach(each -> bars.put(each, Statistics.median(measured, each, one -> one.millis(99))));
        bench.picture(name(), scenario.what() + ": p99, ms", bars);
        histograms(bench, measured);
    }

    /** The median over rounds of what a contestant adds. */
    private static double added(List<Measured> measured, String name, ToDoubleFunction<Measured> value) {
        List<Double> differences = new ArrayList<>();
        for (Measured one : Statistics.of(measured, name)) {
            for (Measured direct : Statistics.of(measured, "direct")) {
                if (direct.round() == one.round()) {
                    differences.add(value.applyAsDouble(one) - value.applyAsDouble(direct));
                }
            }
        }
        return Statistics.median(differences);
    }

    private static String table(List<Measured> measured) {
        StringBuilder table = new StringBuilder(
                "| | p50 ms | p99 ms | p99.9 ms | added p50 | added p99 | added p99.9 | faults |\n|---|---|---|---|---|---|---|---|\n");
        for (String name : NAMES) {
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.3f | %.3f | %.3f | %.3f | %.3f | %.3f | %d |%n",
                    name,
                    Statistics.median(measured, name, one -> one.millis(50)),
                    Statistics.median(measured, name, one -> one.millis(99)),
                    Statistics.median(measured, name, one -> one.millis(99.9)),
                    added(measured, name, one -> one.millis(50)),
                    added(measured, name, one -> one.millis(99)),
                    added(measured, name, one -> one.millis(99.9)),
                    Statistics.of(measured, name).stream()
                            .mapToLong(Measured::faults)
                            .sum()));
        }
        return table.toString();
    }

    private void histograms(Bench bench, List<Measured> measured) throws IOException {
        for (String name : NAMES) {
            Histogram whole = new Histogram(3);
            Statistics.of(measured, name).forEach(one -> whole.add(one.latencies()));
            try (OutputStream file = Files.newOutputStream(bench.out().resolve(name() + "-" + name + ".hgrm"));
                    PrintStream lines = new PrintStream(file)) {
                whole.outputPercentileDistribution(lines, 1e6);
            }
        }
    }
}
