package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes down what was found: {@code report.md}, whose first table is that of the goals, and every stretch as CSV. */
final class Report {
    private Report() {}

    static void write(Path out, List<Trial> trials, Bench bench) throws IOException {
        StringBuilder csv = new StringBuilder("scenario,contestant,round,calls,calls_per_second,cpu_us_per_call,"
                + "allocated_bytes_per_call,faults,p50_ms,p99_ms,p999_ms\n");
        for (Measured one : bench.measured()) {
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
        StringBuilder report = new StringBuilder(goals(trials, List.of(bench)));
        Map<String, String> sections = bench.sections();
        for (Trial trial : trials) {
            String section = sections.get(trial.name());
            if (section != null) {
                report.append("\n### ").append(trial.name()).append("\n\n").append(section);
                if (Files.exists(out.resolve(trial.name() + ".svg"))) {
                    report.append("\n![")
                            .append(trial.name())
                            .append("](")
                            .append(trial.name())
                            .append(".svg)\n");
                }
            }
        }
        Capacity.table(bench)
                .ifPresent(table -> report.append("\n### A fleet, calculated\n\n")
                        .append(table)
                        .append("\nThe reasoning is in docs/scaling.md.\n"));
        report.append("\nAll stretches are in `raw.csv`, machine and versions in `environment.txt`, the command in"
                + " `command.txt`. A missed goal is counted from the goal, not from nginx.\n");
        Files.writeString(out.resolve("report.md"), report);
    }

    /** The tables of several runs side by side. */
    static void summary(Path out, List<Trial> trials, List<Bench> runs) throws IOException {
        StringBuilder report = new StringBuilder(goals(trials, runs));
        for (int i = 1; i <= runs.size(); i++) {
            report.append("\n- [run ").append(i).append("](run-").append(i).append("/report.md)");
        }
        Files.writeString(out.resolve("report.md"), report.append('\n'));
    }

    private static String goals(List<Trial> trials, List<Bench> runs) {
        StringBuilder table = new StringBuilder("| Work | Goal |");
        for (int i = 1; i <= runs.size(); i++) {
            table.append(runs.size() == 1 ? " Ours | Verdict |" : " Run " + i + " | Verdict |");
        }
        table.append("\n|---|---|").append("---|---|".repeat(runs.size())).append('\n');
        for (Trial trial : trials) {
            for (Finding goal : trial.goals()) {
                List<Finding> found = new ArrayList<>();
                for (Bench run : runs) {
                    found.add(run.findings(trial.name()).stream()
                            .filter(finding -> finding.work().equals(goal.work()))
                            .findFirst()
                            .orElse(goal.missing("not reached")));
                }
                table.append("| ")
                        .append(goal.work())
                        .append(" | ")
                        .append(goal.goal())
                        .append(" |");
                found.forEach(finding -> table.append(' ')
                        .append(finding.ours())
                        .append(" | ")
                        .append(finding.verdict())
                        .append(" |"));
                table.append('\n');
            }
        }
        return table.toString();
    }
}
