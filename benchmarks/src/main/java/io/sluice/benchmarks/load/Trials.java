package io.sluice.benchmarks.load;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** All there is to run, in the order of the table of goals. */
final class Trials {
    static final List<String> FULL = List.of(
            "modern",
            "legacy",
            "old-to-new",
            "new-to-old",
            "answer-100k",
            "answer-10m",
            "argument-100k",
            "argument-10m",
            "events",
            "first-byte",
            "latency",
            "list",
            "streams",
            "growth",
            "start",
            "comparators",
            "replicas");

    static final List<String> QUICK = List.of(
            "modern",
            "legacy",
            "old-to-new",
            "new-to-old",
            "answer-100k",
            "events",
            "first-byte",
            "latency",
            "list",
            "start");

    private Trials() {}

    static List<Trial> all() {
        List<Trial> all = new ArrayList<>();
        for (Scenario scenario : Scenario.ALL) {
            all.add(scenario.rate() > 0 ? new Latency(scenario) : new Calls(scenario));
        }
        all.add(new FirstByte());
        all.add(new Lists());
        all.add(new Streams());
        all.add(new Growth());
        all.add(new Start());
        all.add(new Comparators());
        all.add(new Replicas());
        all.add(new Variants());
        all.sort(Comparator.comparingInt(
                trial -> FULL.contains(trial.name()) ? FULL.indexOf(trial.name()) : FULL.size()));
        return all;
    }

    /** @throws IllegalArgumentException with a sentence for whoever typed it */
    static Trial named(String name) {
        return all().stream()
                .filter(trial -> trial.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no scenario " + name + "; there are "
                        + String.join(", ", all().stream().map(Trial::name).toList())));
    }
}
