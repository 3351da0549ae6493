package io.sluice.demo;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** The demo's look at the gateway: each tool called in each era, and one call without a token. */
final class GatewayTour {
    private static final JsonMapper JSON = new JsonMapper();

    private final DemoHttp http;
    private final URI endpoint;
    private final String token;
    private final List<Stop> stops = new ArrayList<>();

    GatewayTour(DemoHttp http, URI endpoint, String token) {
        this.http = http;
        this.endpoint = endpoint;
        this.token = token;
    }

    /**
     * One line of the report.
     *
     * @param call the tool or method
     * @param backend who answers it
     * @param era the client's
     * @param result what came, or why it failed
     */
    record Stop(String call, String backend, String era, boolean passed, String result, Duration took) {}

    private interface Question {
        String ask() throws DemoFailure;
    }

    List<Stop> take() {
        visit(new DemoClient.Legacy(http, endpoint, token));
        visit(new DemoClient.Modern(http, endpoint, token));
        stop("tools/list", "gateway", "no token", this::refusedWithoutToken);
        return List.copyOf(stops);
    }

    private void visit(DemoClient client) {
        stop(client.greeting(), "gateway", client.era(), client::greet);
        stop("tools/list", "gateway", client.era(), () -> tools(client));
        for (SampleService service : SampleService.values()) {
            String id = service == SampleService.SHOPPING ? "123" : "456";
            stop(
                    service.tool().name(),
                    service.id(),
                    client.era(),
                    () -> thing(client.call(service.tool().name(), id)));
        }
        try {
            client.leave();
        } catch (DemoFailure nothingToEnd) {
            // what the calls said is what counts
        }
    }

    private void stop(String call, String backend, String era, Question question) {
        long begin = System.nanoTime();
        boolean passed = false;
        String result;
        try {
            result = question.ask();
            passed = true;
        } catch (DemoFailure failure) {
            result = String.valueOf(failure.getMessage());
        }
        stops.add(new Stop(call, backend, era, passed, result, Duration.ofNanos(System.nanoTime() - begin)));
    }

    private static String tools(DemoClient client) throws DemoFailure {
        List<String> names = client.toolNames();
        for (SampleService service : SampleService.values()) {
            if (!names.contains(service.tool().name())) {
                throw new DemoFailure(service.tool().name() + " is not among the tools " + names);
            }
        }
        return names.size() + " tools";
    }

    private static String thing(String text) throws DemoFailure {
        try {
            return JSON.readTree(text).path("name").asString(text);
        } catch (JacksonException e) {
            throw new DemoFailure("unexpected answer: " + text);
        }
    }

    private String refusedWithoutToken() throws DemoFailure {
        HttpRequest request = HttpRequest.newBuilder(endpoint)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"))
                .build();
        int status;
        try {
            status = http.send(request, Duration.ofSeconds(10)).statusCode();
        } catch (IOException e) {
            throw new DemoFailure("no answer: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DemoFailure("interrupted");
        }
        if (status != 401) {
            throw new DemoFailure("answered with " + status + ", not 401");
        }
        return "refused, 401";
    }
}
