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
public final class Guarded implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger numbers = new AtomicInteger();
    public final List<Map<String, String>> asked = new CopyOnWriteArrayList<>();
    public volatile String issuer;
    public volatile String metadata = "";
    /** Tokens that are good. */
    public final java.util.Set<String> valid = java.util.concurrent.ConcurrentHashMap.newKeySet();

    /** What tokens and secrets begin with. */
    public volatile String prefix = "";

    public volatile int life = 3600;
    volatile boolean discoverable = true;
    volatile boolean denying;
    volatile String error = "invalid_client";
    /** Where its metadata is, whose it is, and what else it says. */
    volatile String resourceAt = "/.well-known/oauth-protected-resource/mcp";

    volatile String resource;
    volatile String resourceMore = "";
    /** Whether the challenge names where its metadata is, and what else it says. */
    volatile boolean announcing = true;

    volatile String challenge = "";
    /** The path of the authorization server, and where its metadata is. */
    volatile String as = "/as";

    volatile String serverAt = "/.well-known/oauth-authorization-server/as";
    /** What a token must have been asked for with, so that tools can be called; empty for any. */
    volatile String callScope = "";

    volatile String granted = "";
    final List<String> looked = new CopyOnWriteArrayList<>();
    final List<JsonNode> registered = new CopyOnWriteArrayList<>();

    public Guarded() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        issuer = url("/as");
        resource = url("/mcp");
        server.setExecutor(threads);
        server.createContext("/mcp", this::mcp);
        server.createContext("/", this::described);
        server.start();
    }

    /** Paths that were asked for, but that of the server itself. */
    public List<String> looked() {
        return looked;
    }

    /** Gives no token any more. */
    public void deny() {
        denying = true;
    }

    public String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    Backend backend(OAuthSettings settings) {
        return Backend.of("guarded", url("/mcp"), Backend.Source.FILE).via(settings.on(Transport.HTTP));
    }

    private void described(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        looked.add(path);
        if (path.endsWith("/token")) {
            token(exchange);
        } else if (path.endsWith("/register")) {
            registered.add(
                    JsonMapper.shared().readTree(exchange.getRequestBody().readAllBytes()));
            String method = registered
                    .get(registered.size() - 1)
                    .path("token_endpoint_auth_method")
                    .asString("");
            json(
                    exchange,
                    201,
                    "{\"client_id\":\"registered" + as.replace('/', '-') + "\""
                            + (method.equals("none") ? "" : ",\"client_secret\":\"" + prefix + "secret of it\"")
                            + ",\"token_endpoint_auth_method\":\"" + method + "\"}");
        } else if (path.equals(resourceAt)) {
            json(
                    exchange,
                    discoverable ? 200 : 404,
                    "{\"resource\":\"" + resource + "\",\"authorization_servers\":[\"" + url(as) + "\"]" + resourceMore
                            + "}");
        } else if (path.equals(serverAt)) {
            json(
                    exchange,
                    discoverable ? 200 : 404,
                    "{\"issuer\":\"" + issuer + "\",\"token_endpoint\":\"" + url(as + "/token")
                            + "\",\"authorization_endpoint\":\"" + url(as + "/authorize")
                            + "\",\"code_challenge_methods_supported\":[\"S256\"]" + metadata + "}");
        } else {
            json(exchange, 404, "{}");
        }
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
        form.put("as", exchange.getRequestURI().getPath());
        asked.add(form);
        if (denying) {
            json(
                    exchange,
                    400,
                    "{\"error\":\"" + error + "\",\"error_description\":\"who are you "
                            + form.getOrDefault("refresh_token", "") + "\"}");
            return;
        }
        String given = prefix + "token-" + numbers.incrementAndGet();
        valid.add(given);
        json(
                exchange,
                200,
                "{\"access_token\":\"" + given + "\",\"token_type\":\"Bearer\",\"expires_in\":" + life
                        + ("client_credentials".equals(form.get("grant_type"))
                                ? ""
                                : ",\"refresh_token\":\"" + prefix + "again\"")
                        + "}");
    }

    private static String decoded(String basic) {
        return new String(Base64.getDecoder().decode(basic.substring("Basic ".length())), StandardCharsets.UTF_8);
    }

    private void mcp(HttpExchange exchange) throws IOException {
        String token = exchange.getRequestHeaders().getFirst("Authorization");
        byte[] body = exchange.getRequestBody().readAllBytes();
        if (token == null || !valid.contains(token.replace("Bearer ", ""))) {
            challenge(exchange, challenge);
            json(exchange, 401, "{}");
            return;
        }
        if (!exchange.getRequestMethod().equals("POST")) {
            json(exchange, 405, "{}");
            return;
        }
        JsonNode message = JsonMapper.shared().readTree(body);
        if (message.path("method").asString("").equals("tools/call") && !granted.contains(callScope)) {
            challenge(exchange, ", error=\"insufficient_scope\", scope=\"" + callScope + "\"");
            json(exchange, 403, "{}");
            return;
        }
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

    private void challenge(HttpExchange exchange, String more) {
        exchange.getResponseHeaders()
                .set(
                        "WWW-Authenticate",
                        "Bearer realm=\"g\"" + (announcing ? ", resource_metadata=\"" + url(resourceAt) + "\"" : "")
                                + more);
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
