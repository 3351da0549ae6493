package io.sluice.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A legacy MCP server that keeps something for each session, so that it shows when a session is not the same any more.
 * {@code count} says how often it was called in its session; {@code countSlowly} counts aloud, with progress, while the
 * call goes on. Threads of its own, until {@link #close()}.
 */
final class CountingBackend implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String TOOLS = """
            {"tools":[{"name":"count","description":"Counts the calls of its session","inputSchema":{"type":"object"}},\
            {"name":"countSlowly","description":"Counts to a number, with progress","inputSchema":{"type":"object",\
            "properties":{"to":{"type":"integer"},"everyMillis":{"type":"integer"}}}}]}""";

    private final Map<String, AtomicInteger> sessions = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;

    private CountingBackend(HttpServer server) {
        this.server = server;
    }

    /** On any free port of the loopback. */
    static CountingBackend start() throws IOException {
        HttpServer server = DemoServer.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        CountingBackend backend = new CountingBackend(server);
        server.createContext("/mcp", backend::serve);
        server.setExecutor(backend.threads);
        server.start();
        return backend;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/mcp";
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            String session = exchange.getRequestHeaders().getFirst("Mcp-Session-Id");
            switch (exchange.getRequestMethod()) {
                case "POST" -> post(exchange, session == null ? "" : session);
                case "DELETE" -> exchange.sendResponseHeaders(sessions.remove(session) == null ? 404 : 204, -1);
                default -> exchange.sendResponseHeaders(405, -1);
            }
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    private void post(HttpExchange exchange, String session) throws IOException, InterruptedException {
        JsonNode message = JSON.readTree(exchange.getRequestBody().readAllBytes());
        String method = message.path("method").asString("");
        if (method.equals("initialize")) {
            String id = UUID.randomUUID().toString();
            sessions.put(id, new AtomicInteger());
            exchange.getResponseHeaders().set("Mcp-Session-Id", id);
            result(
                    exchange,
                    message,
                    "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
                            + "\"serverInfo\":{\"name\":\"counting\",\"version\":\"1\"}}");
            return;
        }
        AtomicInteger counted = sessions.get(session);
        if (counted == null) {
            exchange.sendResponseHeaders(404, -1);
            return;
        }
        if (!message.has("id")) {
            exchange.sendResponseHeaders(202, -1);
            return;
        }
        JsonNode params = message.path("params");
        switch (method + " " + params.path("name").asString("")) {
            case "tools/call count" -> result(exchange, message, text(Integer.toString(counted.incrementAndGet())));
            case "tools/call countSlowly" -> countSlowly(exchange, message, params);
            case "tools/list " -> result(exchange, message, TOOLS);
            case "ping " -> result(exchange, message, "{}");
            default ->
                send(
                        exchange,
                        "{\"jsonrpc\":\"2.0\",\"id\":" + message.get("id")
                                + ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
        }
    }

    private static void countSlowly(HttpExchange exchange, JsonNode message, JsonNode params)
            throws IOException, InterruptedException {
        int to = params.path("arguments").path("to").asInt(10);
        Duration pause =
                Duration.ofMillis(params.path("arguments").path("everyMillis").asInt(100));
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        try (OutputStream out = exchange.getResponseBody()) {
            for (int i = 1; i <= to; i++) {
                event(
                        out,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                                + params.path("_meta").path("progressToken") + ",\"progress\":" + i + ",\"total\":"
                                + to + "}}");
                TimeUnit.NANOSECONDS.sleep(pause.toNanos());
            }
            event(out, "{\"jsonrpc\":\"2.0\",\"id\":" + message.get("id") + ",\"result\":" + text("done") + "}");
        }
    }

    private static void event(OutputStream out, String json) throws IOException {
        out.write(("event: message\ndata: " + json + "\n\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static String text(String text) {
        return "{\"content\":[{\"type\":\"text\",\"text\":\"" + text + "\"}]}";
    }

    private static void result(HttpExchange exchange, JsonNode message, String result) throws IOException {
        send(exchange, "{\"jsonrpc\":\"2.0\",\"id\":" + message.get("id") + ",\"result\":" + result + "}");
    }

    private static void send(HttpExchange exchange, String json) throws IOException {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
