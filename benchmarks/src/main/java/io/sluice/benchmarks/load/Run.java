package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs trials one after the other, each within its limit, and writes the report. Proxies have the second core, generator and backend the first, so that what a proxy costs is its own CPU time per call,
 * read from the kernel; ratios to nginx are taken within each round. {@code benchmarks/run} starts it and tells its options.
 */
public final class Run {
    private final Options options;
    private final long end;

    private Run(Options options) {
        this.options = options;
        this.end = System.nanoTime()
                + Duration.ofMinutes(options.number("limit")).toNanos() * Math.max(1, options.number("times"));
    }

    /** Exit code 2 says that the command line is wrong, 1 that something was not measured; a missed goal is no error. */
    public static void main(String[] args) throws Exception {
        Options options;
        List<Trial> trials = new ArrayList<>();
        try {
            options = Options.parse(args);
            for (String name : options.list("scenarios", "")) {
                trials.add(Trials.named(name));
            }
        } catch (IllegalArgumentException e) {
            System.err.println("benchmarks/run: " + e.getMessage());
            System.exit(2);
            return;
        }
        boolean whole = new Run(options).all(trials);
        System.exit(whole ? 0 : 1);
    }

    private boolean all(List<Trial> trials) throws IOException {
        int times = options.number("times");
        List<Bench> runs = new ArrayList<>();
        for (int i = 1; i <= times; i++) {
            Path out = times == 1 ? options.out() : options.out().resolve("run-" + i);
            Files.createDirectories(out);
            try (Bench bench = new Bench(options, out)) {
                runs.add(bench);
                for (Trial trial : trials) {
                    attempt(trial, bench);
                    Report.write(out, trials, bench); // what is known is kept whatever comes
                }
            }
        }
        if (times > 1) {
            Report.summary(options.out(), trials, runs);
        }
        System.out.println();
        System.out.println(Files.readString(options.out().resolve("report.md")));
        return runs.stream()
                .allMatch(bench -> trials.stream()
                        .flatMap(t -> bench.findings(t.name()).stream())
                        .allMatch(finding -> finding.measured() || finding.skipped()));
    }

    private void attempt(Trial trial, Bench bench) {
        Duration left = Duration.ofNanos(end - System.nanoTime());
        if (left.isNegative()) {
            trial.goals().forEach(goal -> bench.found(trial.name(), goal.missing("no time was left")));
            return;
        }
        Duration limit = trial.limit().compareTo(left) < 0 ? trial.limit() : left;
        long start = System.nanoTime();
        bench.say("=== " + trial.name());
        ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
            Thread made = new Thread(work, "trial-" + trial.name());
            made.setDaemon(true);
            return made;
        });
        Future<?> running = thread.submit(() -> {
            trial.run(bench);
            return null;
        });
        String why = "";
        try {
            running.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            why = "given up after " + limit.toSeconds() + " s";
            running.cancel(true);
            bench.close(); // whatever it waits for ends with the processes
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            why = Objects.requireNonNullElse(cause.getMessage(), cause.toString());
            cause.printStackTrace(System.out);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            why = "interrupted";
        }
        thread.shutdownNow();
        bench.endOwn();
        if (!why.isEmpty()) {
            bench.say("!!! " + trial.name() + " was not measured: " + why);
            for (Finding goal : trial.goals()) {
                boolean known = bench.findings(trial.name()).stream()
                        .anyMatch(finding -> finding.work().equals(goal.work()));
                if (!known) {
                    bench.found(trial.name(), goal.missing(why));
                }
            }
        }
        bench.say(String.format("=== %s took %d s", trial.name(), (System.nanoTime() - start) / 1_000_000_000));
    }
}
