package io.sluice.gateway;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;

/**
 * Calls at a constant rate, whether answers come or not, as many clients together do. Latencies count from when a call
 * was due, so that what was held up is not left out.
 */
final class OpenLoop {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final URI url;
    private final String tool;
    private final String[] headers;
    private final ConcurrentLinkedQueue<Sample> samples = new ConcurrentLinkedQueue<>();

    OpenLoop(int port, String tool, String... headers) {
        this.url = URI.create("http://127.0.0.1:" + port + "/mcp");
        this.tool = tool;
        this.headers = headers;
    }

    /** One call: when it was due, how long it took, and whether it did what it was to do. */
    private record Sample(long dueNanos, long nanos, boolean good) {}

    /** What a time brought. */
    record Figures(int calls, int good, double p50Millis, double p99Millis) {
        double goodPercent() {
            return calls == 0 ? 100 : 100.0 * good / calls;
        }

        @Override
        public String toString() {
            return String.format(
                    "%d calls, %.2f %% good, p50 %.1f ms, p99 %.1f ms", calls, goodPercent(), p50Millis, p99Millis);
        }
    }

    /** Calls for so long, then waits for the answers that are still due. */
    Figures run(int perSecond, Duration time) {
        samples.clear();
        long start = System.nanoTime();
        long gap = 1_000_000_000L / perSecond;
        int count = (int) (time.toNanos() / gap);
        List<CompletableFuture<?>> open = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long due = start + i * gap;
            for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
                LockSupport.parkNanos(due - now);
            }
            open.add(call(i, due));
        }
        CompletableFuture.allOf(open.toArray(CompletableFuture[]::new)).join();
        return figures(start, Long.MAX_VALUE);
    }

    /** So many calls, never more than {@code atOnce} at a time: a loop that is not open, for counting and not for timing. */
    Figures closed(int count, int atOnce) {
        samples.clear();
        long start = System.nanoTime();
        Semaphore room = new Semaphore(atOnce);
        for (int i = 0; i < count; i++) {
            room.acquireUninterruptibly();
            call(i, System.nanoTime()).whenComplete((done, failed) -> room.release());
        }
        room.acquireUninterruptibly(atOnce);
        return figures(start, Long.MAX_VALUE);
    }

    private CompletableFuture<?> call(int id, long due) {
        String name = "'name':'" + tool + "','arguments':{'n':" + id + "}";
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .header("MCP-Protocol-Version", "2026-07-28")
                .header("Mcp-Method", "tools/call")
                .header("Mcp-Name", tool)
                .timeout(Duration.ofSeconds(30))
                .POST(HttpRequest.BodyPublishers.ofString(
                        WireClient.modernBody("" + id, "tools/call", name).replace('\'', '"')));
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return HTTP.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString())
                .thenApply(
                        answer -> answer.statusCode() == 200 && !answer.body().contains("\"isError\":true"))
                .exceptionally(failed -> false)
                .thenAccept(good -> samples.add(new Sample(due, System.nanoTime() - due, good)));
    }

    /** Of the calls that were due in the last part of the time. */
    Figures last(Duration part) {
        long end = samples.stream().mapToLong(Sample::dueNanos).max().orElse(0);
        return figures(end - part.toNanos(), Long.MAX_VALUE);
    }

    private Figures figures(long from, long to) {
        List<Sample> chosen = samples.stream()
                .filter(sample -> sample.dueNanos() >= from && sample.dueNanos() <= to)
                .toList();
        long[] nanos = chosen.stream()
                .filter(Sample::good)
                .mapToLong(Sample::nanos)
                .sorted()
                .toArray();
        int good = nanos.length;
        return new Figures(chosen.size(), good, at(nanos, 0.5), at(nanos, 0.99));
    }

    private static double at(long[] sorted, double share) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, sorted.length * share)] / 1e6;
    }

    /** Several at the same time, each with its rate. */
    static List<Figures> together(Duration time, Object... loopsAndRates) {
        List<CompletableFuture<Figures>> running = new ArrayList<>();
        for (int i = 0; i < loopsAndRates.length; i += 2) {
            OpenLoop loop = (OpenLoop) loopsAndRates[i];
            int rate = (int) loopsAndRates[i + 1];
            CompletableFuture<Figures> figures = new CompletableFuture<>();
            Thread thread = new Thread(() -> figures.complete(loop.run(rate, time)));
            thread.setDaemon(true);
            thread.start();
            running.add(figures);
        }
        return Arrays.stream(running.toArray(CompletableFuture[]::new))
                .map(figures -> (Figures) figures.join())
                .toList();
    }
}
