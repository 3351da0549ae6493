package io.sluice.benchmarks.load;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;

/** Turns what was measured into files: every stretch as CSV, histograms, a picture for each scenario, and one table. */
final class Report {
    private final List<Measured> measured;
    private final List<String> names;

    private Report(List<Measured> measured, List<String> names) {
        this.measured = measured;
        this.names = names;
    }

    static void write(Path out, List<Scenario> scenarios, List<String> names, List<Measured> measured)
            throws IOException {
        Report report = new Report(measured, names);
        StringBuilder csv = new StringBuilder(
                "scenario,contestant,round,calls,calls_per_second,cpu_us_per_call,allocated_bytes_per_call,faults,p50_ms,p99_ms,p999_ms\n");
        for (Measured one : measured) {
            csv.append(String.format(
                    Locale.ROOT,
                    "%s,%s,%d,%d,%.0f,%.3f,%d,%d,%.4f,%.4f,%.4f%n",
                    one.scenario(),
                    one.contestant(),
                    one.round(),
                    one.calls(),
                    one.callsPerSecond(),
                    one.cpuMicros(),
                    one.allocatedBytes(),
                    one.faults(),
                    one.millis(50),
                    one.millis(99),
                    one.millis(99.9)));
        }
        Files.writeString(out.resolve("raw.csv"), csv);
        StringBuilder table = new StringBuilder();
        for (Scenario scenario : scenarios) {
            table.append(scenario.rate() == 0 ? report.closed(scenario) : report.open(scenario, out))
                    .append('\n');
            Files.writeString(out.resolve(scenario.name() + ".svg"), report.picture(scenario));
        }
        Files.writeString(out.resolve("report.md"), table);
    }

    private List<Measured> of(Scenario scenario, String name) {
        return measured.stream()
                .filter(one -> one.scenario().equals(scenario.name())
                        && one.contestant().equals(name))
                .toList();
    }

    private double median(Scenario scenario, String name, ToDoubleFunction<Measured> value) {
        return median(of(scenario, name).stream().map(value::applyAsDouble).toList());
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        if (sorted.isEmpty()) {
            return Double.NaN;
        }
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** The median of the ratios within rounds. */
    private double ratio(Scenario scenario, String name) {
        List<Double> ratios = new ArrayList<>();
        for (Measured one : of(scenario, name)) {
            for (Measured nginx : of(scenario, "nginx")) {
                if (nginx.round() == one.round()) {
                    ratios.add(one.cpuMicros() / nginx.cpuMicros());
                }
            }
        }
        return median(ratios);
    }

    private String closed(Scenario scenario) {
        StringBuilder table = new StringBuilder("### " + scenario.what() + "\n\n"
                + "Goal: at most " + scenario.goal() + " × nginx.\n\n"
                + "| | CPU µs/call | × nginx | allocated/call | calls/s | faults |\n|---|---|---|---|---|---|\n");
        for (String name : names) {
            double bytes = median(scenario, name, Measured::allocatedBytes);
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %.2f | %s | %.0f | %d |%n",
                    name,
                    median(scenario, name, Measured::cpuMicros),
                    ratio(scenario, name),
                    bytes < 0 ? "" : String.format(Locale.ROOT, "%.0f B", bytes),
                    median(scenario, name, Measured::callsPerSecond),
                    of(scenario, name).stream().mapToLong(Measured::faults).sum()));
        }
        return table.toString();
    }

    private String open(Scenario scenario, Path out) throws IOException {
        StringBuilder table = new StringBuilder("### " + scenario.what() + "\n\n"
                + "Added is the difference to the backend asked directly. Goal: added p50 and p99 at most "
                + scenario.goal()
                + " × nginx's.\n\n"
                + "| | p50 ms | p99 ms | p99.9 ms | added p50 | added p99 | faults |\n|---|---|---|---|---|---|---|\n");
        List<String> all = new ArrayList<>(names);
        all.add(0, "direct");
        double direct50 = median(scenario, "direct", one -> one.millis(50));
        double direct99 = median(scenario, "direct", one -> one.millis(99));
        for (String name : all) {
            double p50 = median(scenario, name, one -> one.millis(50));
            double p99 = median(scenario, name, one -> one.millis(99));
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.3f | %.3f | %.3f | %.3f | %.3f | %d |%n",
                    name,
                    p50,
                    p99,
                    median(scenario, name, one -> one.millis(99.9)),
                    p50 - direct50,
                    p99 - direct99,
                    of(scenario, name).stream().mapToLong(Measured::faults).sum()));
            Histogram whole = new Histogram(3);
            of(scenario, name).forEach(one -> whole.add(one.latencies()));
            try (OutputStream file = Files.newOutputStream(out.resolve(scenario.name() + "-" + name + ".hgrm"));
                    PrintStream lines = new PrintStream(file)) {
                whole.outputPercentileDistribution(lines, 1e6);
            }
        }
        return table.toString();
    }

    /** A bar for each contestant: CPU per call in a closed loop, p99 in an open one. */
    private String picture(Scenario scenario) {
        boolean open = scenario.rate() > 0;
        List<String> all = new ArrayList<>(names);
        if (open) {
            all.add(0, "direct");
        }
        ToDoubleFunction<Measured> value = open ? one -> one.millis(99) : Measured::cpuMicros;
        double most = all.stream()
                .mapToDouble(name -> median(scenario, name, value))
                .max()
                .orElse(1);
        StringBuilder svg = new StringBuilder("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\""
                + (50 + 30 * all.size()) + "\" font-family=\"sans-serif\" font-size=\"13\">\n"
                + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"10\" y=\"24\" font-size=\"15\">"
                + scenario.what().replace("`", "") + ": " + (open ? "p99, ms" : "CPU, µs per call") + "</text>\n");
        for (int i = 0; i < all.size(); i++) {
            double median = median(scenario, all.get(i), value);
            int y = 40 + 30 * i;
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"10\" y=\"%d\">%s</text><rect x=\"90\" y=\"%d\" width=\"%.0f\" height=\"20\" fill=\"%s\"/>"
                            + "<text x=\"%.0f\" y=\"%d\">%.2f</text>%n",
                    y + 15,
                    all.get(i),
                    y,
                    460 * median / most,
                    all.get(i).equals("sluice") ? "#2b6cb0" : "#a0aec0",
                    98 + 460 * median / most,
                    y + 15,
                    median));
        }
        return svg.append("</svg>\n").toString();
    }
}
