package io.sluice.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An agent with a session of 2025-11-25, as a client library is: it counts what it is told, and where a stream breaks it
 * resumes by {@code Last-Event-ID}. For one thread.
 */
final class ReplicaAgent {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String VERSION = "2025-11-25";
    private static final int MOST_RESUMPTIONS = 10;
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();
    private final URI endpoint;
    private final String token;
    private String session = "";
    private String servedBy = "";
    private int lastId;

    ReplicaAgent(URI endpoint, String token) {
        this.endpoint = endpoint;
        this.token = token;
    }

    /** Which replica answered last; the agent itself does not care. */
    String servedBy() {
        return servedBy;
    }

    void initialize() throws DemoFailure {
        call(
                "initialize",
                "{\"protocolVersion\":\"" + VERSION
                        + "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"demo-agent\",\"version\":\"1\"}}");
    }

    /** Calls a tool and returns the text of its answer. */
    String tool(String name) throws DemoFailure {
        JsonNode result = call("tools/call", "{\"name\":\"" + name + "\",\"arguments\":{}}");
        String text = result.path("content").path(0).path("text").asString("");
        if (result.path("isError").asBoolean(false)) {
            throw new DemoFailure(text);
        }
        return text;
    }

    void leave() throws DemoFailure {
        try {
            http.send(request().DELETE().build(), BodyHandlers.discarding());
        } catch (IOException e) {
            throw unanswered(e);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private JsonNode call(String method, String params) throws DemoFailure {
        int id = ++lastId;
        return finish(send(id, method, params), Integer.toString(id), number -> {})
                .result();
    }

    /**
     * How a call with progress went.
     *
     * @param numbers in the order they came
     * @param resumptions how often the stream broke and was taken up again
     */
    record Counted(List<Integer> numbers, int resumptions, JsonNode result) {}

    /** Has a backend count aloud. */
    Counted count(String tool, int to, int everyMillis, IntConsumer each) throws DemoFailure {
        String params = "{\"name\":\"" + tool + "\",\"arguments\":{\"to\":" + to + ",\"everyMillis\":" + everyMillis
                + "},\"_meta\":{\"progressToken\":\"p\"}}";
        int id = ++lastId;
        return finish(send(id, "tools/call", params), Integer.toString(id), each);
    }

    private HttpResponse<InputStream> send(int id, String method, String params) throws DemoFailure {
        String body = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params + "}";
        return exchange(request()
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .POST(BodyPublishers.ofString(body))
                .build());
    }

    private HttpRequest.Builder request() {
        HttpRequest.Builder request = HttpRequest.newBuilder(endpoint)
                .timeout(TIMEOUT)
                .header("Authorization", "Bearer " + token)
                .header("MCP-Protocol-Version", VERSION);
        return session.isEmpty() ? request : request.header("Mcp-Session-Id", session);
    }

    private HttpResponse<InputStream> exchange(HttpRequest request) throws DemoFailure {
        try {
            HttpResponse<InputStream> response = http.send(request, BodyHandlers.ofInputStream());
            response.headers().firstValue("Mcp-Session-Id").ifPresent(id -> session = id);
            servedBy = response.headers().firstValue(DemoBalancer.SERVED_BY).orElse("");
            if (response.statusCode() != 200) {
                try (InputStream body = response.body()) {
                    throw new DemoFailure("HTTP " + response.statusCode() + ": "
                            + new String(body.readNBytes(300), StandardCharsets.UTF_8));
                }
            }
            return response;
        } catch (IOException e) {
            throw unanswered(e);
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    private static DemoFailure unanswered(IOException e) {
        return new DemoFailure(
                "no answer: " + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()));
    }

    private static DemoFailure interrupted() {
        Thread.currentThread().interrupt();
        return new DemoFailure("interrupted");
    }

    /** Reads until the answer to this request has come, wherever the rest of the stream has to be fetched. */
    private Counted finish(HttpResponse<InputStream> first, String id, IntConsumer each) throws DemoFailure {
        List<Integer> numbers = new ArrayList<>();
        Position position = new Position();
        HttpResponse<InputStream> response = first;
        for (int resumptions = 0; resumptions <= MOST_RESUMPTIONS; resumptions++) {
            JsonNode answer = read(response, id, position, number -> {
                numbers.add(number);
                each.accept(number);
            });
            if (answer != null && answer.has("result")) {
                return new Counted(numbers, resumptions, answer.get("result"));
            }
            if (answer != null || position.lastEventId == null) {
                throw new DemoFailure(answer == null ? "the stream ended without an answer" : answer.toString());
            }
            response = exchange(request()
                    .header("Accept", "text/event-stream")
                    .header("Last-Event-ID", position.lastEventId)
                    .GET()
                    .build());
        }
        throw new DemoFailure("the stream broke again and again");
    }

    private static final class Position {
        private @Nullable String lastEventId;
    }

    /** The answer, or null when the stream ended before it. */
    private static @Nullable JsonNode read(
            HttpResponse<InputStream> response, String id, Position position, IntConsumer each) throws DemoFailure {
        boolean events =
                response.headers().firstValue("Content-Type").orElse("").startsWith("text/event-stream");
        try (BufferedReader in = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            if (!events) {
                return JSON.readTree(in);
            }
            String eventId = null;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                if (line.startsWith("id:")) {
                    eventId = line.substring("id:".length()).strip();
                } else if (line.isEmpty() && eventId != null) {
                    position.lastEventId = eventId;
                } else if (line.startsWith("data:") && line.length() > "data: ".length()) {
                    JsonNode message = JSON.readTree(line.substring("data:".length()));
                    if (message.path("id").toString().equals(id)) {
                        return message;
                    }
                    if (message.path("params").has("progress")) {
                        each.accept(message.path("params").path("progress").asInt());
                        position.lastEventId = eventId;
                    }
                }
            }
            return null;
        } catch (IOException broken) {
            return null;
        }
    }
}
