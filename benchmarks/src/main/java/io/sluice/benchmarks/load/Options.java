package io.sluice.benchmarks.load;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What was asked for on the command line: a word for a set of defaults, then {@code key=value} to change them. */
record Options(String word, Map<String, String> values) {
    private static final Map<String, Map<String, String>> WORDS = Map.of(
            "full",
                    Map.of(
                            "scenarios", String.join(",", Trials.FULL),
                            "rounds", "5",
                            "seconds", "2",
                            "warmup", "150000",
                            "streams", "10000",
                            "limit", "30"),
            "quick",
                    Map.of(
                            "scenarios", String.join(",", Trials.QUICK),
                            "rounds", "3",
                            "seconds", "1",
                            "warmup", "60000",
                            "streams", "2000",
                            "limit", "8"),
            "compare",
                    Map.of(
                            "scenarios", "variants",
                            "rounds", "5",
                            "seconds", "2",
                            "warmup", "100000",
                            "streams", "0",
                            "limit", "15"));

    /** What {@code ./sluice} says to the JVM, but for the archive. */
    static final List<String> PACKAGED =
            List.of("-XX:+UseSerialGC", "-Xms48m", "-XX:NewSize=16m", "-Dio.netty.leakDetection.level=disabled");

    private static final List<String> NUMBERS = List.of("rounds", "seconds", "warmup", "streams", "times", "limit");

    private static final List<String> KEYS = List.of(
            "scenarios",
            "against",
            "before",
            "rounds",
            "seconds",
            "warmup",
            "streams",
            "times",
            "limit",
            "out",
            "jvm",
            "java");

    /** @throws IllegalArgumentException with a sentence for whoever typed it */
    static Options parse(String[] args) {
        String word = "full";
        Map<String, String> given = new LinkedHashMap<>();
        for (String arg : args) {
            int equals = arg.indexOf('=');
            if (equals < 0) {
                if (!WORDS.containsKey(arg)) {
                    throw new IllegalArgumentException(
                            "'" + arg + "' is neither " + String.join(", ", List.of("full", "quick", "compare"))
                                    + " nor key=value; see benchmarks/run --help");
                }
                word = arg;
            } else if (!KEYS.contains(arg.substring(0, equals))) {
                throw new IllegalArgumentException(
                        "there is no option " + arg.substring(0, equals) + "; there are " + String.join(", ", KEYS));
            } else if (NUMBERS.contains(arg.substring(0, equals))
                    && !arg.substring(equals + 1).matches("\\d{1,9}")) {
                throw new IllegalArgumentException(arg + ": a whole number is wanted");
            } else {
                given.put(arg.substring(0, equals), arg.substring(equals + 1));
            }
        }
        Map<String, String> values = new LinkedHashMap<>(WORDS.getOrDefault(word, Map.of()));
        values.putAll(given);
        return new Options(word, values);
    }

    String text(String key, String otherwise) {
        return values.getOrDefault(key, otherwise);
    }

    int number(String key) {
        return Integer.parseInt(values.getOrDefault(key, "1"));
    }

    List<String> list(String key, String otherwise) {
        return Arrays.stream(text(key, otherwise).split(","))
                .filter(each -> !each.isBlank())
                .toList();
    }

    Path out() {
        return Path.of(text("out", "benchmarks/target/run"));
    }

    /** The gateway's JVM flags: as packaged, or as given, with a heap of 512 MB at most. */
    List<String> jvm() {
        List<String> flags = new ArrayList<>(
                values.containsKey("jvm") ? List.of(text("jvm", "").split(" ")) : PACKAGED);
        if (flags.stream().noneMatch(flag -> flag.startsWith("-Xmx"))) {
            flags.add("-Xmx512m");
        }
        return flags;
    }

    String java() {
        return text(
                "java", Path.of(System.getProperty("java.home"), "bin", "java").toString());
    }
}
