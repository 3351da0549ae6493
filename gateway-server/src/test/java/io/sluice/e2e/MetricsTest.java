package io.sluice.e2e;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code GET /metrics} says after a few calls, and that {@code docs/metrics.md} says the same of it. */
final class MetricsTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "metrics.md");
    private static final Pattern SAMPLE = Pattern.compile("([a-z0-9_A-Z]+)(?:\\{(.*)})? \\S+");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"[^\"]*\"");

    @TempDir
    Path directory;

    private String scrapedAfterCalls() throws Exception {
        try (FakeBackend backend = FakeBackend.modern();
                InProcess gateway = InProcess.start(
                        directory,
                        "server: {port: 0}\nmcpServers:\n  search: {url: 'http://127.0.0.1:" + backend.port()
                                + "/mcp'}\n")) {
            gateway.whenListed("search");
            assertThat(gateway.client("/mcp")
                            .modern("1", "tools/call", "'name':'echo','arguments':{'text':'hi'}")
                            .status())
                    .isEqualTo(200);
            HttpRequest metrics = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + "/metrics"))
                    .build();
            return HttpClient.newHttpClient()
                    .send(metrics, BodyHandlers.ofString())
                    .body();
        }
    }

    @Test
    void callsAreCountedAndTimedByBackend() throws Exception {
        String scraped = scrapedAfterCalls();

        assertThat(scraped)
                .contains("sluice_calls_total{backend=\"search\",outcome=\"succeeded\"} 1.0\n")
                .contains("sluice_calls_total{backend=\"search\",outcome=\"failed\"} 0.0\n")
                .contains("sluice_call_duration_seconds_bucket{backend=\"search\",le=\"+Inf\"} 1\n")
                .contains("sluice_call_duration_seconds_count{backend=\"search\"} 1\n")
                .contains("sluice_calls_in_flight{backend=\"search\"}")
                .contains("resilience4j_retry_calls_total{kind=\"successful_without_retry\",name=\"search\"} 1.0\n")
                .contains("resilience4j_circuitbreaker_calls_seconds_count{kind=\"successful\",name=\"search\"} 1\n")
                .contains("jvm_memory_used_bytes");
        assertThat(scraped).containsPattern("sluice_upstream_received_bytes_total\\{backend=\"search\"} [1-9]");
        assertThat(scraped).containsPattern("sluice_connections [1-9]");
    }

    @Test
    void everyMetricHasItsRowInTheDocumentation() throws Exception {
        List<String> rows = rows(scrapedAfterCalls());
        List<String> documented = Files.readAllLines(DOCUMENT).stream()
                .filter(line -> line.startsWith("| `"))
                .toList();

        assertThat(documented)
                .as("rows of %s:%n%s", DOCUMENT, String.join("\n", rows))
                .containsExactlyInAnyOrderElementsOf(rows);
    }

    /** One for each family that is Sluice's own to name: name, type, labels, meaning. */
    private static List<String> rows(String scraped) {
        Map<String, String> types = new TreeMap<>();
        Map<String, String> helps = new TreeMap<>();
        Map<String, TreeSet<String>> labels = new TreeMap<>();
        for (String line : scraped.split("\n")) {
            String[] words = line.split(" ", 4);
            if (line.startsWith("# HELP ")) {
                helps.put(words[2], words.length < 4 ? "" : words[3]);
            } else if (line.startsWith("# TYPE ")) {
                types.put(words[2], words[3]);
            } else {
                Matcher sample = SAMPLE.matcher(line);
                assertThat(sample.matches()).as(line).isTrue();
                TreeSet<String> names =
                        labels.computeIfAbsent(family(sample.group(1), types), family -> new TreeSet<>());
                Matcher label = LABEL.matcher(sample.group(2) == null ? "" : sample.group(2));
                while (label.find()) {
                    names.add(label.group(1));
                }
            }
        }
        assertThat(helps).as("texts").doesNotContainValue("");
        assertThat(helps.keySet()).isEqualTo(types.keySet());
        List<String> rows = new ArrayList<>();
        types.forEach((name, type) -> {
            if (!name.matches("(jvm|process|system)_.*")) {
                TreeSet<String> named = requireNonNull(labels.get(name));
                named.remove("le");
                rows.add("| `" + name + "` | " + type + " | " + String.join(", ", named) + " | " + helps.get(name)
                        + " |");
            }
        });
        return rows;
    }

    private static String family(String sample, Map<String, String> types) {
        if (types.containsKey(sample)) {
            return sample;
        }
        String family = sample.replaceFirst("_(bucket|count|sum)$", "");
        assertThat(types).as(sample).containsKey(family);
        return family;
    }
}
