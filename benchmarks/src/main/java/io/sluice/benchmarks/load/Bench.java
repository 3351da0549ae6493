package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * What trials work on: the processes, which it ends, and what was found. Calls to one gateway, nginx and HAProxy, which stay up from trial to trial, go through {@link #shared}; what a trial starts for
 * itself goes through {@link #start} and ends with the trial. One trial works on it at a time, but it may be closed from another thread.
 */
final class Bench implements AutoCloseable {
    private final Options options;
    private final Path out;
    private final Map<String, Contestant> shared = new LinkedHashMap<>();
    private final List<Contestant> own = new ArrayList<>();
    private final List<Measured> measured = new ArrayList<>();
    private final Map<String, List<Finding>> findings = new LinkedHashMap<>();
    private final Map<String, String> sections = new LinkedHashMap<>();
    private final Map<String, String> warmed = new LinkedHashMap<>();

    Bench(Options options, Path out) {
        this.options = options;
        this.out = out;
    }

    Options options() {
        return options;
    }

    Path out() {
        return out;
    }

    void say(String line) {
        System.out.println(line);
    }

    // The processes

    /** The one backend, which is called {@code direct}, the gateway {@code sluice}, {@code nginx} or {@code haproxy}: started when first asked for, or when it has died. */
    Contestant shared(String name) throws IOException, InterruptedException {
        synchronized (this) {
            Contestant there = shared.get(name);
            if (there != null && there.isAlive()) {
                return there;
            }
        }
        if (!name.equals("direct")) {
            shared("direct");
        }
        Contestant started = Commands.start(this, name);
        synchronized (this) {
            shared.put(name, started);
        }
        return started;
    }

    /** A process that ends with the trial, if not before. */
    Contestant start(String name, int port, int core, boolean java, List<String> command)
            throws IOException, InterruptedException {
        Contestant started = Contestant.start(name, port, core, out.resolve(name + ".log"), java, command);
        synchronized (this) {
            own.add(started);
        }
        return started;
    }

    /** Ends what the trial started. */
    void endOwn() {
        List<Contestant> ending;
        synchronized (this) {
            ending = List.copyOf(own);
            own.clear();
        }
        ending.forEach(Contestant::close);
    }

    @Override
    public void close() {
        endOwn();
        List<Contestant> ending;
        synchronized (this) {
            ending = List.copyOf(shared.values());
            shared.clear();
        }
        ending.forEach(Contestant::close);
    }

    // Measuring

    /** Drives one contestant for a while and counts what that cost it. */
    Measured stretch(
            String scenario,
            Contestant contestant,
            int port,
            int round,
            int connections,
            int rate,
            double seconds,
            Supplier<Conversation> conversations)
            throws IOException, InterruptedException, ExecutionException {
        try (LoadGenerator generator = new LoadGenerator(port, connections, rate == 0, conversations)) {
            if (rate > 0) {
                generator.callOnEach();
            }
            generator.run(300, rate);
            long allocated = contestant.allocatedBytes();
            double cpu = contestant.cpuMicros();
            long start = System.nanoTime();
            LoadGenerator.Stretch stretch = generator.run((long) (1000 * seconds), rate);
            double used = contestant.cpuMicros() - cpu;
            double took = (System.nanoTime() - start) / 1e9;
            generator.stop();
            long bytes = allocated < 0 ? -1 : (contestant.allocatedBytes() - allocated) / Math.max(1, stretch.calls());
            return new Measured(
                    scenario,
                    contestant.name(),
                    round,
                    stretch.calls(),
                    stretch.calls() / took,
                    used / Math.max(1, stretch.calls()),
                    bytes,
                    stretch.faults(),
                    stretch.firstFaults(),
                    stretch.latencies());
        }
    }

    /** Keeps a stretch for the report. */
    void keep(Measured one) {
        synchronized (this) {
            measured.add(one);
        }
        say(one.line());
        if (one.faults() > 0) {
            say("  " + one.firstFaults());
        }
    }

    /** Whether a contestant has not met this kind of traffic yet, and so wants warming; says so once. */
    boolean isCold(Contestant contestant, String traffic) {
        String key = contestant.name() + " " + contestant.pid() + " " + traffic;
        return warmed.put(key, traffic) == null;
    }

    // What was found

    synchronized void found(String trial, Finding finding) {
        List<Finding> ofTrial = findings.computeIfAbsent(trial, ignored -> new ArrayList<>());
        ofTrial.removeIf(before -> before.work().equals(finding.work()));
        ofTrial.add(finding);
    }

    /** Markdown below the table of goals. */
    synchronized void section(String trial, String markdown) {
        sections.put(trial, markdown);
    }

    void picture(String trial, String title, Map<String, Double> bars) throws IOException {
        Files.writeString(out.resolve(trial + ".svg"), Picture.bars(title, bars));
    }

    synchronized List<Measured> measured() {
        return List.copyOf(measured);
    }

    synchronized List<Finding> findings(String trial) {
        return List.copyOf(Objects.requireNonNullElse(findings.get(trial), List.of()));
    }

    synchronized Map<String, String> sections() {
        return new LinkedHashMap<>(sections);
    }
}
