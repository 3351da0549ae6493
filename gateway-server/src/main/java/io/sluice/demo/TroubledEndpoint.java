package io.sluice.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One of several endpoints of a sample server, which takes its time, does four calls at once, and can be killed, revived
 * and made slow. Threads of its own, until {@link #close()}.
 */
final class TroubledEndpoint implements AutoCloseable {
    static final Duration USUAL = Duration.ofMillis(100);
    static final int AT_ONCE = 4;

    private static final JsonMapper JSON = new JsonMapper();

    private final SampleMcp mcp = new SampleMcp(SampleService.SHOPPING);
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "demo-stock");
        thread.setDaemon(true);
        return thread;
    });
    private final Semaphore workers = new Semaphore(AT_ONCE, true);
    private final AtomicInteger calls = new AtomicInteger();
    private final int port;
    private volatile Duration takes = USUAL;
    private @Nullable HttpServer server;

    private TroubledEndpoint() throws IOException {
        this.port = listen(0);
    }

    static TroubledEndpoint start() throws IOException {
        return new TroubledEndpoint();
    }

    private synchronized int listen(int wanted) throws IOException {
        HttpServer started = DemoServer.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted));
        started.createContext("/mcp", this::serve);
        started.setExecutor(threads);
        started.start();
        server = started;
        return started.getAddress().getPort();
    }

    String url() {
        return "http://127.0.0.1:" + port + "/mcp";
    }

    /** Breaks every connection and listens no more. */
    synchronized void kill() {
        HttpServer running = server;
        if (running != null) {
            running.stop(0);
            server = null;
        }
    }

    void revive() throws IOException {
        listen(port);
    }

    void takes(Duration time) {
        takes = time;
    }

    /** Calls of its tool since this was last asked. */
    int calls() {
        return calls.getAndSet(0);
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            if (!exchange.getRequestMethod().equals("POST")) {
                exchange.sendResponseHeaders(405, -1);
                return;
            }
            JsonNode message = JSON.readTree(exchange.getRequestBody().readAllBytes());
            if (message.path("method").asString("").equals("tools/call")) {
                calls.incrementAndGet();
                work();
            }
            SampleMcp.Said said = mcp.answer(message, exchange.getRequestHeaders());
            if (said.message() == null) {
                exchange.sendResponseHeaders(said.status(), -1);
                return;
            }
            byte[] body = said.message().toString().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(said.status(), body.length);
            exchange.getResponseBody().write(body);
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    private void work() throws InterruptedException {
        workers.acquire();
        try {
            TimeUnit.NANOSECONDS.sleep(takes.toNanos());
        } finally {
            workers.release();
        }
    }

    @Override
    public void close() {
        kill();
        threads.shutdownNow();
    }
}
