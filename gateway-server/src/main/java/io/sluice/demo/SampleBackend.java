package io.sluice.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One of the two MCP servers of the demo, over Streamable HTTP at {@code /mcp}, with {@code GET /health}. Threads of its own, until {@link #close()}.
 */
final class SampleBackend implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final int MAX_BODY_BYTES = 64 * 1024;
    private static final int THREADS = 16;
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    private final SampleService service;
    private final byte[] authorization;
    private final SampleMcp mcp;
    private final HttpServer server;
    private final ExecutorService threads;

    private SampleBackend(SampleService service, String token, HttpServer server) {
        this.service = service;
        this.authorization = ("Bearer " + token).getBytes(StandardCharsets.UTF_8);
        this.mcp = new SampleMcp(service);
        this.server = server;
        this.threads = Executors.newFixedThreadPool(THREADS);
    }

    /**
     * @param port 0 for any free one
     * @param token what callers of {@code /mcp} must present
     * @throws IOException when the port is taken
     */
    static SampleBackend start(SampleService service, String host, int port, String token) throws IOException {
        if (token.isBlank()) {
            throw new IllegalArgumentException("a sample backend needs a token");
        }
        HttpServer server = DemoServer.at(new InetSocketAddress(host, port));
        SampleBackend backend = new SampleBackend(service, token, server);
        server.createContext("/", backend::serve);
        server.setExecutor(backend.threads);
        server.start();
        return backend;
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            switch (exchange.getRequestURI().getPath()) {
                case "/health" -> health(exchange);
                case "/mcp" -> mcp(exchange);
                default -> send(exchange, 404, "application/json", "{\"error\":\"not found\"}");
            }
        }
    }

    private void health(HttpExchange exchange) throws IOException {
        String method = exchange.getRequestMethod();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            refuseMethod(exchange, "GET, HEAD");
            return;
        }
        send(exchange, 200, "application/json", "{\"status\":\"ok\",\"service\":\"" + service.serverName() + "\"}");
    }

    private void mcp(HttpExchange exchange) throws IOException {
        if (!ownOrigin(exchange)) {
            send(exchange, 403, "application/json", "{\"error\":\"this origin may not call\"}");
            return;
        }
        if (!authorized(exchange)) {
            exchange.getResponseHeaders().set("WWW-Authenticate", "Bearer");
            send(exchange, 401, "application/json", "{\"error\":\"a bearer token is needed\"}");
            return;
        }
        switch (exchange.getRequestMethod()) {
            case "POST" -> post(exchange);
            case "DELETE" -> delete(exchange);
            default -> refuseMethod(exchange, allow());
        }
    }

    private void post(HttpExchange exchange) throws IOException {
        String type = first(exchange, "Content-Type").split(";", 2)[0].strip();
        if (!type.equalsIgnoreCase("application/json")) {
            send(exchange, 415, "application/json", "{\"error\":\"Content-Type must be application/json\"}");
            return;
        }
        byte[] body = exchange.getRequestBody().readNBytes(MAX_BODY_BYTES + 1);
        if (body.length > MAX_BODY_BYTES) {
            send(exchange, 413, "application/json", "{\"error\":\"the body exceeds " + MAX_BODY_BYTES + " bytes\"}");
            return;
        }
        JsonNode message;
        try {
            message = JSON.readTree(body);
        } catch (JacksonException notJson) {
            send(
                    exchange,
                    400,
                    "application/json",
                    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Not JSON\"}}");
            return;
        }
        SampleMcp.Said said = mcp.answer(message, exchange.getRequestHeaders());
        if (!said.session().isEmpty()) {
            exchange.getResponseHeaders().set("Mcp-Session-Id", said.session());
        }
        if (said.message() == null) {
            exchange.sendResponseHeaders(said.status(), -1);
        } else if (said.status() == 200
                && !service.modern()
                && first(exchange, "Accept").contains("text/event-stream")) {
            send(exchange, 200, "text/event-stream", "event: message\ndata: " + said.message() + "\n\n");
        } else {
            send(exchange, said.status(), "application/json", said.message().toString());
        }
    }

    private void delete(HttpExchange exchange) throws IOException {
        int status = mcp.end(first(exchange, "Mcp-Session-Id"));
        if (status == 405) {
            refuseMethod(exchange, allow());
        } else {
            exchange.sendResponseHeaders(status, -1);
        }
    }

    private String allow() {
        return service.modern() ? "POST" : "POST, DELETE";
    }

    private boolean authorized(HttpExchange exchange) {
        List<String> values = exchange.getRequestHeaders().getOrDefault("Authorization", List.of());
        return values.size() == 1
                && MessageDigest.isEqual(values.get(0).getBytes(StandardCharsets.UTF_8), authorization);
    }

    /** No web page but one of this machine may call: DNS rebinding. */
    private static boolean ownOrigin(HttpExchange exchange) {
        String origin = first(exchange, "Origin");
        try {
            return origin.isEmpty()
                    || LOOPBACK.contains(String.valueOf(URI.create(origin).getHost()));
        } catch (IllegalArgumentException notAnOrigin) {
            return false;
        }
    }

    private static String first(HttpExchange exchange, String header) {
        String value = exchange.getRequestHeaders().getFirst(header);
        return value == null ? "" : value;
    }

    private static void refuseMethod(HttpExchange exchange, String allow) throws IOException {
        exchange.getResponseHeaders().set("Allow", allow);
        exchange.sendResponseHeaders(405, -1);
    }

    private static void send(HttpExchange exchange, int status, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }
}
