package io.sluice.demo;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The least that an MCP client needs to call a tool, in one of the two eras. Not for several threads. */
abstract sealed class DemoClient {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final String META = "io.modelcontextprotocol/";
    private static final JsonMapper JSON = new JsonMapper();
    static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final DemoHttp http;
    private final URI endpoint;
    private final String token;
    private int lastId;

    private DemoClient(DemoHttp http, URI endpoint, String token) {
        this.http = http;
        this.endpoint = endpoint;
        this.token = token;
    }

    /** The era's name for people. */
    abstract String era();

    /** The request by which the era begins. */
    abstract String greeting();

    /** Sends the {@link #greeting()} and says which revisions were agreed on or offered. */
    abstract String greet() throws DemoFailure;

    /** Ends what {@link #greet()} began. */
    void leave() throws DemoFailure {}

    /** Sends a request in the era's way and returns its result. */
    abstract JsonNode request(String method, ObjectNode params) throws DemoFailure;

    List<String> toolNames() throws DemoFailure {
        List<String> names = new ArrayList<>();
        for (JsonNode tool : request("tools/list", NODES.objectNode()).path("tools")) {
            names.add(tool.path("name").asString(""));
        }
        return names;
    }

    /** Calls a tool and returns the text of its answer. */
    String call(String tool, String id) throws DemoFailure {
        ObjectNode params = NODES.objectNode().put("name", tool);
        params.putObject("arguments").put("id", id);
        JsonNode result = request("tools/call", params);
        String text = result.path("content").path(0).path("text").asString("");
        if (result.path("isError").asBoolean(false)) {
            throw new DemoFailure(text);
        }
        return text;
    }

    final JsonNode exchange(String method, ObjectNode params, String... headers) throws DemoFailure {
        int id = ++lastId;
        ObjectNode message =
                NODES.objectNode().put("jsonrpc", "2.0").put("id", id).put("method", method);
        message.set("params", params);
        HttpResponse<String> response = send(post(message, headers));
        answered(response);
        JsonNode answer = message(response);
        if (answer.has("error")) {
            throw new DemoFailure(answer.path("error").path("message").asString("an error without a message"));
        }
        if (response.statusCode() != 200 || answer.path("id").asInt(-1) != id || !answer.has("result")) {
            throw new DemoFailure("HTTP " + response.statusCode() + " without a result");
        }
        return answer.get("result");
    }

    /** A look at the response's headers. */
    void answered(HttpResponse<String> response) {}

    final HttpRequest post(ObjectNode message, String... headers) {
        return request(headers)
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .POST(BodyPublishers.ofString(message.toString()))
                .build();
    }

    final HttpRequest.Builder request(String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(endpoint).header("Authorization", "Bearer " + token);
        return headers.length == 0 ? request : request.headers(headers);
    }

    final HttpResponse<String> send(HttpRequest request) throws DemoFailure {
        try {
            return http.send(request, TIMEOUT);
        } catch (IOException e) {
            throw new DemoFailure(
                    "no answer: " + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DemoFailure("interrupted");
        }
    }

    /** The body, or the last event of a stream: the response ends it. */
    private static JsonNode message(HttpResponse<String> response) throws DemoFailure {
        String body = response.body();
        String type = response.headers().firstValue("Content-Type").orElse("");
        if (type.startsWith("text/event-stream")) {
            body = body.lines()
                    .filter(line -> line.startsWith("data:") && line.length() > "data: ".length())
                    .reduce("", (before, line) -> line.substring("data:".length()));
        }
        try {
            return JSON.readTree(body.isBlank() ? "{}" : body);
        } catch (JacksonException e) {
            throw new DemoFailure("HTTP " + response.statusCode() + " with a body that is not JSON");
        }
    }

    /** 2025-11-25: a session that {@code initialize} begins. */
    static final class Legacy extends DemoClient {
        private static final String VERSION = SampleMcp.LEGACY_VERSIONS.get(0);
        private String session = "";

        Legacy(DemoHttp http, URI endpoint, String token) {
            super(http, endpoint, token);
        }

        @Override
        String era() {
            return "legacy";
        }

        @Override
        String greeting() {
            return "initialize";
        }

        @Override
        String greet() throws DemoFailure {
            ObjectNode params = NODES.objectNode().put("protocolVersion", VERSION);
            params.putObject("capabilities");
            params.putObject("clientInfo").put("name", "sluice-demo").put("version", "1.0.0");
            String agreed =
                    exchange("initialize", params).path("protocolVersion").asString("?");
            send(post(NODES.objectNode().put("jsonrpc", "2.0").put("method", "notifications/initialized"), headers()));
            return agreed;
        }

        @Override
        void answered(HttpResponse<String> response) {
            response.headers().firstValue("Mcp-Session-Id").ifPresent(id -> session = id);
        }

        @Override
        JsonNode request(String method, ObjectNode params) throws DemoFailure {
            return exchange(method, params, headers());
        }

        @Override
        void leave() throws DemoFailure {
            if (!session.isEmpty()) {
                send(request(headers()).DELETE().build());
            }
        }

        private String[] headers() {
            return session.isEmpty()
                    ? new String[] {"MCP-Protocol-Version", VERSION}
                    : new String[] {"MCP-Protocol-Version", VERSION, "Mcp-Session-Id", session};
        }
    }

    /** 2026-07-28: every request says all about itself. */
    static final class Modern extends DemoClient {
        Modern(DemoHttp http, URI endpoint, String token) {
            super(http, endpoint, token);
        }

        @Override
        String era() {
            return "modern";
        }

        @Override
        String greeting() {
            return "server/discover";
        }

        @Override
        String greet() throws DemoFailure {
            List<String> versions = new ArrayList<>();
            for (JsonNode version :
                    request("server/discover", NODES.objectNode()).path("supportedVersions")) {
                versions.add(version.asString(""));
            }
            if (!versions.contains(SampleMcp.MODERN_VERSION)) {
                throw new DemoFailure(SampleMcp.MODERN_VERSION + " is not among the versions " + versions);
            }
            return String.join(", ", versions);
        }

        @Override
        JsonNode request(String method, ObjectNode params) throws DemoFailure {
            ObjectNode meta = params.putObject("_meta").put(META + "protocolVersion", SampleMcp.MODERN_VERSION);
            meta.putObject(META + "clientCapabilities");
            meta.putObject(META + "clientInfo").put("name", "sluice-demo").put("version", "1.0.0");
            List<String> headers =
                    new ArrayList<>(List.of("MCP-Protocol-Version", SampleMcp.MODERN_VERSION, "Mcp-Method", method));
            if (params.has("name")) {
                headers.addAll(List.of("Mcp-Name", params.path("name").asString("")));
            }
            JsonNode result = exchange(method, params, headers.toArray(new String[0]));
            if (!result.path("resultType").asString("").equals("complete")) {
                throw new DemoFailure("the result is not marked complete");
            }
            return result;
        }
    }
}
