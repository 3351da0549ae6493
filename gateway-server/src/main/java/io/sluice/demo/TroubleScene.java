package io.sluice.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Trouble on demand: one of three endpoints of the server {@code stock} is killed or made slow, or the server gets three
 * times as many calls as it can do, and a table tells second by second how clients and endpoints fare, with what the
 * gateway's log says about it. One at a time.
 */
final class TroubleScene implements AutoCloseable {
    /** What can be asked for. */
    enum Verb {
        KILL(
                "kill one",
                "one of three endpoints dies, and comes back",
                "What did not arrive went to the others, the dead one got no calls, and its share again when it answered."),
        SLOW(
                "make one slow",
                "one of three endpoints takes 20 times as long, and recovers",
                "The slow one gets next to nothing; after some seconds one call tries it again."),
        FLOOD(
                "flood",
                "three times as many calls as the server can do, most of them of a background caller",
                "What is too much is refused at once, the background first; those who are served hardly wait.");

        private final String words;
        private final String meaning;
        private final String moral;

        Verb(String words, String meaning, String moral) {
            this.moral = moral;
            this.words = words;
            this.meaning = meaning;
        }

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        String words() {
            return words;
        }

        String meaning() {
            return meaning;
        }
    }

    static final String BACKEND = "stock";
    static final String BATCH = "batch";

    private static final int USUAL_RATE = 40;
    private static final int FLOOD_RATE = 300;
    private static final Duration LONGEST_CALL = Duration.ofSeconds(15);

    private final List<TroubledEndpoint> endpoints = new ArrayList<>();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String token;
    private final String batchToken;

    private TroubleScene(String token, String batchToken) {
        this.token = token;
        this.batchToken = batchToken;
    }

    static TroubleScene start(String token, String batchToken) throws IOException {
        TroubleScene scene = new TroubleScene(token, batchToken);
        for (int i = 0; i < 3; i++) {
            scene.endpoints.add(TroubledEndpoint.start());
        }
        return scene;
    }

    /** The server as a configuration file names it. */
    String entry() {
        return "\"" + BACKEND + "\": {\"aggregate\": false, \"endpoints\": ["
                + endpoints.stream()
                        .map(endpoint -> "\"" + endpoint.url() + "\"")
                        .collect(Collectors.joining(", "))
                + "]}";
    }

    /** One second of one caller's calls. */
    private record Second(int calls, int good, long p99Millis) {
        @Override
        public String toString() {
            return good == calls
                    ? String.format(Locale.ROOT, "%4d ok, p99 %4d ms", calls, p99Millis)
                    : String.format(Locale.ROOT, "%4d ok of %d, p99 %4d ms", good, calls, p99Millis);
        }
    }

    private record Call(long nanos, boolean good) {}

    /**
     * Plays it.
     *
     * @param gateway where calls go
     * @param seconds of trouble, and as many to recover
     * @param logs of the gateway
     */
    synchronized void play(Verb verb, URI gateway, int seconds, Supplier<List<Path>> logs, PrintWriter out)
            throws IOException, InterruptedException {
        URI mount = gateway.resolve("/mcp/" + BACKEND);
        List<Integer> before = lines(logs.get()).stream().map(List::size).toList();
        TroubledEndpoint victim = endpoints.get(1);
        endpoints.forEach(TroubledEndpoint::calls);
        out.println();
        out.println("  " + verb.words() + ": " + verb.meaning());
        out.println();
        out.printf("  %-22s %-32s %s%n", "", "calls", "by endpoint");
        phase(mount, "as usual", 2, false, out);
        switch (verb) {
            case KILL -> victim.kill();
            case SLOW -> victim.takes(TroubledEndpoint.USUAL.multipliedBy(20));
            case FLOOD -> {
                // the load is the trouble
            }
        }
        phase(mount, verb.words(), seconds, verb == Verb.FLOOD, out);
        switch (verb) {
            case KILL -> victim.revive();
            case SLOW -> victim.takes(TroubledEndpoint.USUAL);
            case FLOOD -> {
                // and goes by itself
            }
        }
        phase(mount, "and after it", seconds, false, out);
        out.println();
        out.println("  " + verb.moral);
        List<List<String>> after = lines(logs.get());
        for (int i = 0; i < after.size(); i++) {
            List<String> all = after.get(i);
            int from = i < before.size() ? Math.min(before.get(i), all.size()) : 0;
            all.subList(from, all.size()).stream()
                    .filter(line -> line.contains("'" + BACKEND + "'"))
                    .forEach(line -> out.println("  The gateway: " + line));
        }
        out.flush();
    }

    private static List<List<String>> lines(List<Path> logs) throws IOException {
        List<List<String>> lines = new ArrayList<>();
        for (Path log : logs) {
            lines.add(Files.readAllLines(log));
        }
        return lines;
    }

    private void phase(URI mount, String what, int seconds, boolean flooded, PrintWriter out)
            throws InterruptedException {
        for (int second = 1; second <= seconds; second++) {
            ConcurrentLinkedQueue<Call> usual = new ConcurrentLinkedQueue<>();
            ConcurrentLinkedQueue<Call> batch = new ConcurrentLinkedQueue<>();
            CompletableFuture<?> all = load(mount, flooded, usual, batch);
            boolean last = second == seconds;
            if (last || !flooded) {
                all.join();
            }
            out.printf(
                    "  %-22s %-32s %s%n",
                    second == 1 ? what : "",
                    of(usual),
                    endpoints.stream()
                            .map(endpoint -> String.format("%4d", endpoint.calls()))
                            .collect(Collectors.joining(" ")));
            if (flooded) {
                out.printf("  %-22s %-32s%n", "", of(batch) + " (background)");
            }
            out.flush();
        }
    }

    /** One second of calls, evenly spread; returns after it, with what is still under way. */
    private CompletableFuture<?> load(
            URI mount, boolean flooded, ConcurrentLinkedQueue<Call> usual, ConcurrentLinkedQueue<Call> batch)
            throws InterruptedException {
        int calls = flooded ? USUAL_RATE + FLOOD_RATE : USUAL_RATE;
        int every = flooded ? calls / USUAL_RATE : 1;
        long start = System.nanoTime();
        List<CompletableFuture<?>> open = new ArrayList<>();
        for (int i = 0; i < calls; i++) {
            long due = start + i * 1_000_000_000L / calls;
            for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
                LockSupport.parkNanos(left);
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
            boolean own = i % every == 0;
            open.add(call(mount, own ? token : batchToken, own ? usual : batch));
        }
        return CompletableFuture.allOf(open.toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<?> call(URI mount, String bearer, ConcurrentLinkedQueue<Call> to) {
        String body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"getProductById\","
                + "\"arguments\":{\"id\":\"123\"},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                + "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
        HttpRequest request = HttpRequest.newBuilder(mount)
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .header("MCP-Protocol-Version", "2026-07-28")
                .header("Mcp-Method", "tools/call")
                .header("Mcp-Name", "getProductById")
                .header("Authorization", "Bearer " + bearer)
                .timeout(LONGEST_CALL)
                .POST(BodyPublishers.ofString(body))
                .build();
        long start = System.nanoTime();
        return http.sendAsync(request, BodyHandlers.ofString())
                .thenApply(TroubleScene::isGood)
                .exceptionally(failed -> false)
                .thenAccept(good -> to.add(new Call(System.nanoTime() - start, good)));
    }

    private static boolean isGood(HttpResponse<String> answer) {
        return answer.statusCode() == 200 && !answer.body().contains("\"isError\":true");
    }

    private static Second of(ConcurrentLinkedQueue<Call> queue) {
        Call[] calls = queue.toArray(new Call[0]);
        long[] good = Arrays.stream(calls)
                .filter(Call::good)
                .mapToLong(Call::nanos)
                .sorted()
                .toArray();
        long p99 = good.length == 0 ? 0 : good[Math.min(good.length - 1, good.length * 99 / 100)] / 1_000_000;
        return new Second(calls.length, good.length, p99);
    }

    @Override
    public void close() {
        endpoints.forEach(TroubledEndpoint::close);
    }
}
