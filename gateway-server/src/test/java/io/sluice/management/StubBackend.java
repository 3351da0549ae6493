package io.sluice.management;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An MCP server of the legacy era without sessions, whose tools can change, and that remembers who asked. */
final class StubBackend implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Queue<String> authorizations = new ConcurrentLinkedQueue<>();
    private final Queue<String> paths = new ConcurrentLinkedQueue<>();
    private volatile List<String> tools;

    private StubBackend(HttpServer server, List<String> tools) {
        this.server = server;
        this.tools = tools;
    }

    static StubBackend offering(String... tools) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        StubBackend stub = new StubBackend(server, List.of(tools));
        server.createContext("/", stub::answer);
        server.setExecutor(stub.threads);
        server.start();
        return stub;
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    void offer(String... now) {
        tools = List.of(now);
    }

    int requests() {
        return paths.size();
    }

    List<String> paths() {
        return List.copyOf(paths);
    }

    List<String> authorizations() {
        return List.copyOf(authorizations);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            paths.add(exchange.getRequestURI().getPath());
            authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
            JsonNode message = JSON.readTree(exchange.getRequestBody().readAllBytes());
            if (!message.has("id")) {
                exchange.sendResponseHeaders(202, -1);
                return;
            }
            byte[] body = answer(message).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private String answer(JsonNode message) {
        String head = "{\"jsonrpc\":\"2.0\",\"id\":" + message.path("id") + ",";
        return switch (message.path("method").asString("")) {
            case "initialize" ->
                head + "\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
                        + "\"serverInfo\":{\"name\":\"stub\",\"version\":\"1\"}}}";
            case "tools/list" ->
                head + "\"result\":{\"tools\":["
                        + tools.stream()
                                .map(name -> "{\"name\":\"" + name + "\",\"inputSchema\":{\"type\":\"object\"}}")
                                .collect(Collectors.joining(","))
                        + "]}}";
            default -> head + "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}";
        };
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
