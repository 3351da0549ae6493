package io.sluice.benchmarks.micro;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares what operations allocate, by JMH's own report, with {@code benchmarks/baseline.json}, or writes that file anew. Times are not looked at: they depend on the machine, bytes do not.
 * {@code benchmarks/baseline} starts it.
 */
public final class Baseline {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** What is not counted as a change: compilers differ a little in what they find not to escape. */
    private static final double SLACK_BYTES = 8;

    private static final double SLACK_SHARE = 0.05;

    private Baseline() {}

    /**
     * Arguments: {@code check} or {@code accept}, JMH's report as JSON, the baseline. Exit code 1 says that an operation allocates more than it did, or is not measured any more, or is not in the baseline
     * yet.
     */
    public static void main(String[] args) throws IOException {
        Map<String, Double> now = measured(Path.of(args[1]));
        Path file = Path.of(args[2]);
        if (args[0].equals("accept")) {
            Files.writeString(file, written(now));
            System.out.println("benchmarks/baseline.json: " + now.size() + " operations written");
            return;
        }
        List<String> faults = faults(now, read(file));
        if (!faults.isEmpty()) {
            System.out.println("Bytes allocated by an operation differ from benchmarks/baseline.json:");
            faults.forEach(fault -> System.out.println("  " + fault));
            System.out.println(
                    "If that is meant, run 'benchmarks/baseline accept', commit the file, and say why in the commit.");
            System.exit(1);
        }
        System.out.println("All " + now.size() + " operations allocate what they did, or less.");
    }

    private static List<String> faults(Map<String, Double> now, Map<String, Double> before) {
        List<String> faults = new ArrayList<>();
        before.forEach((name, bytes) -> {
            Double found = now.get(name);
            if (found == null) {
                faults.add(name + " was not measured: it is gone, or failed");
            } else if (found > bytes + Math.max(SLACK_BYTES, bytes * SLACK_SHARE)) {
                faults.add(String.format(
                        Locale.ROOT,
                        "%s: %.0f B, %.0f more than the %.0f of before",
                        name,
                        found,
                        found - bytes,
                        bytes));
            } else if (found < bytes - Math.max(SLACK_BYTES, bytes * SLACK_SHARE)) {
                System.out.printf(
                        Locale.ROOT,
                        "%s: %.0f B, less than the %.0f of before; 'benchmarks/baseline accept' keeps it so%n",
                        name,
                        found,
                        bytes);
            }
        });
        now.keySet().stream()
                .filter(name -> !before.containsKey(name))
                .forEach(name -> faults.add(name + " is not in the baseline yet"));
        return faults;
    }

    private static Map<String, Double> measured(Path report) throws IOException {
        Map<String, Double> measured = new TreeMap<>();
        for (JsonNode one : JSON.readTree(Files.readString(report))) {
            String name = one.path("benchmark").asString();
            StringBuilder key = new StringBuilder(name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1));
            one.path("params")
                    .properties()
                    .forEach(param -> key.append(' ')
                            .append(param.getKey())
                            .append('=')
                            .append(param.getValue().asString()));
            measured.put(
                    key.toString(),
                    one.path("secondaryMetrics")
                            .path("gc.alloc.rate.norm")
                            .path("score")
                            .asDouble());
        }
        return measured;
    }

    private static Map<String, Double> read(Path file) throws IOException {
        Map<String, Double> before = new TreeMap<>();
        JSON.readTree(Files.readString(file))
                .properties()
                .forEach(each -> before.put(each.getKey(), each.getValue().asDouble()));
        return before;
    }

    private static String written(Map<String, Double> now) {
        StringBuilder json = new StringBuilder("{\n");
        now.forEach((name, bytes) -> json.append(json.length() > 2 ? ",\n" : "")
                .append(String.format(Locale.ROOT, "  \"%s\": %.0f", name, bytes)));
        return json.append("\n}\n").toString();
    }
}
