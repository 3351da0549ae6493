package io.sluice.benchmarks.load;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** Single requests, beside the load: to the gateway as a client, and to the backends' control. */
final class Ask {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private Ask() {}

    /** What the backends answer to a control request. */
    static String control(String what) throws IOException, InterruptedException {
        return HTTP.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + Commands.BACKEND + "/control/" + what))
                                .timeout(Duration.ofSeconds(10))
                                .POST(HttpRequest.BodyPublishers.noBody())
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    /** What a gateway answers to anybody. */
    static String get(int port, String path) throws IOException, InterruptedException {
        return HTTP.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                                .timeout(Duration.ofSeconds(10))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    /** The answer of a gateway to a modern request without parameters of its own. */
    static String modern(int port, String method) throws IOException, InterruptedException {
        return HTTP.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/mcp"))
                                .timeout(Duration.ofSeconds(10))
                                .header("Authorization", "Bearer " + Scenario.TOKEN)
                                .header("Content-Type", "application/json")
                                .header("Accept", "application/json, text/event-stream")
                                .header("MCP-Protocol-Version", "2026-07-28")
                                .header("Mcp-Method", method)
                                .POST(HttpRequest.BodyPublishers.ofString(Requests.modernBody(1, method, "")))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
