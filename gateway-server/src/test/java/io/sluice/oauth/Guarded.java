package io.sluice.oauth;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.registry.Backend;
import io.sluice.registry.Transport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An MCP server that wants tokens, and the authorization server that gives them, on one port. */
final class Guarded implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger numbers = new AtomicInteger();
    final List<Map<String, String>> asked = new CopyOnWriteArrayList<>();
    volatile String issuer;
    volatile String metadata = "";
    volatile String valid = "";
    volatile int life = 3600;
    volatile boolean discoverable = true;
    volatile boolean denying;

    Guarded() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        issuer = url("/as");
        server.setExecutor(threads);
        server.createContext("/mcp", this::mcp);
        server.createContext("/as/token", this::token);
        server.createContext(
                "/.well-known/oauth-protected-resource/mcp",
                exchange -> json(
                        exchange,
                        discoverable ? 200 : 404,
                        "{\"resource\":\"" + url("/mcp") + "\",\"authorization_servers\":[\"" + url("/as") + "\"]}"));
        server.createContext(
                "/.well-known/oauth-authorization-server/as",
                exchange -> json(
                        exchange,
                        discoverable ? 200 : 404,
                        "{\"issuer\":\"" + issuer + "\",\"token_endpoint\":\"" + url("/as/token")
                                + "\",\"authorization_endpoint\":\"" + url("/as/authorize")
                                + "\",\"code_challenge_methods_supported\":[\"S256\"]" + metadata + "}"));
        server.start();
    }

    String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    Backend backend(OAuthSettings settings) {
        return Backend.of("guarded", url("/mcp"), Backend.Source.FILE).via(settings.on(Transport.HTTP));
    }

    private void token(HttpExchange exchange) throws IOException {
        Map<String, String> form = new LinkedHashMap<>();
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        for (String pair : body.split("&", -1)) {
            String[] parts = pair.split("=", 2);
            form.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        String basic = exchange.getRequestHeaders().getFirst("Authorization");
        form.put("client", basic == null ? form.getOrDefault("client_id", "") : decoded(basic));
        asked.add(form);
        if (denying) {
            json(exchange, 400, "{\"error\":\"invalid_client\",\"error_description\":\"who are you\"}");
            return;
        }
        valid = "token-" + numbers.incrementAndGet();
        json(
                exchange,
                200,
                "{\"access_token\":\"" + valid + "\",\"token_type\":\"Bearer\",\"expires_in\":" + life
                        + ("client_credentials".equals(form.get("grant_type")) ? "" : ",\"refresh_token\":\"again\"")
                        + "}");
    }

    private static String decoded(String basic) {
        return new String(Base64.getDecoder().decode(basic.substring("Basic ".length())), StandardCharsets.UTF_8);
    }

    private void mcp(HttpExchange exchange) throws IOException {
        String token = exchange.getRequestHeaders().getFirst("Authorization");
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (valid.isEmpty() || !("Bearer " + valid).equals(token)) {
            exchange.getResponseHeaders()
                    .set(
                            "WWW-Authenticate",
                            "Bearer resource_metadata=\"" + url("/.well-known/oauth-protected-resource/mcp") + "\"");
            json(exchange, 401, "{}");
            return;
        }
        if (!exchange.getRequestMethod().equals("POST")) {
            json(exchange, 405, "{}");
            return;
        }
        JsonNode message = JsonMapper.shared().readTree(body);
        String result = switch (message.path("method").asString("")) {
            case "initialize" ->
                "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"g\",\"version\":\"1\"}}";
            case "tools/list" -> "{\"tools\":[{\"name\":\"whoami\",\"inputSchema\":{\"type\":\"object\"}}]}";
            case "tools/call" -> "{\"content\":[{\"type\":\"text\",\"text\":\"" + token + "\"}]}";
            default -> "";
        };
        if (!message.has("id")) {
            exchange.sendResponseHeaders(202, -1);
            exchange.close();
        } else if (result.isEmpty()) {
            json(
                    exchange,
                    200,
                    "{\"jsonrpc\":\"2.0\",\"id\":" + message.path("id")
                            + ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
        } else {
            json(exchange, 200, "{\"jsonrpc\":\"2.0\",\"id\":" + message.path("id") + ",\"result\":" + result + "}");
        }
    }

    private static void json(HttpExchange exchange, int status, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
