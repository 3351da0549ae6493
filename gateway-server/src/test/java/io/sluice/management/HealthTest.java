package io.sluice.management;

import static io.sluice.management.RunningApi.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.Backend;
import java.net.ServerSocket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What probes and people are told. */
final class HealthTest {
    @Test
    void healthHasOneBodyForEveryone() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            JsonNode body = json(api.get("/health"));

            assertThat(body.path("success").asBoolean()).isTrue();
            assertThat(body.path("data").path("status").asString()).isEqualTo("healthy");
            assertThat(body.path("data").path("environment").asString()).isEqualTo("test");
            assertThat(body.path("data").path("version").asString()).isEqualTo("1.2.3");
            assertThat(body.path("status").asString()).isEqualTo("healthy");
            assertThat(body.path("timestamp").asString()).isEqualTo("2026-11-21T12:00:00Z");
            assertThat(body.path("active_clients").asInt()).isEqualTo(7);
            assertThat(body.path("version").asString()).isEqualTo("1.2.3");
        }
    }

    @Test
    void pathThatLeadsNowhereIsAProblemAndUnderMcpAnAnswerOfMcp() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            HttpResponse<String> nowhere = api.get("/api/v1/nowhere");
            assertThat(nowhere.statusCode()).isEqualTo(404);
            assertThat(nowhere.headers().firstValue("Content-Type")).hasValue("application/problem+json");
            assertThat(json(nowhere).path("code").asString()).isEqualTo("path.not_found");
            assertThat(json(nowhere).path("hint").asString()).contains("/openapi.json");

            assertThat(json(api.get("/mcp/nowhere")).path("jsonrpc").asString()).isEqualTo("2.0");
        }
    }

    @Test
    void notReadyWhileABackendOfTheFileIsWaitedFor() throws Exception {
        try (RunningApi api = RunningApi.start();
                ServerSocket silent = new ServerSocket(0)) {
            api.registry.register(file("silent", silent)).block();

            HttpResponse<String> early = api.get("/readyz?verbose");
            assertThat(early.statusCode()).isEqualTo(503);
            assertThat(json(early).path("checks").toString()).contains("silent");
            assertThat(api.get("/livez").statusCode()).isEqualTo(200);

            api.now.set(RunningApi.START.plus(RunningApi.PATIENCE));
            assertThat(api.get("/readyz").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void backendThatCannotBeReachedDoesNotKeepTheGatewayFromBeingReady() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            api.registry
                    .register(Backend.of("down", "http://127.0.0.1:1/mcp", Backend.Source.FILE))
                    .block();

            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(
                            () -> assertThat(api.get("/readyz").statusCode()).isEqualTo(200));
        }
    }

    @Test
    void onceReadyALaterBackendOfTheFileChangesNothing() throws Exception {
        try (RunningApi api = RunningApi.start();
                ServerSocket silent = new ServerSocket(0)) {
            assertThat(api.get("/readyz").statusCode()).isEqualTo(200);

            api.registry.register(file("later", silent)).block();

            assertThat(api.get("/readyz").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void drainingGatewayIsLiveButNotReady() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            api.readiness.drain();

            HttpResponse<String> ready = api.get("/readyz?verbose");
            assertThat(ready.statusCode()).isEqualTo(503);
            assertThat(json(ready).path("checks").path(0).path("passed").asBoolean(true))
                    .isFalse();
            assertThat(api.get("/livez").statusCode()).isEqualTo(200);
            assertThat(json(api.get("/health")).path("status").asString()).isEqualTo("draining");
        }
    }

    @Test
    void readinessIsShortUnlessAskedForMore() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            assertThat(json(api.get("/readyz")).has("checks")).isFalse();
            assertThat(json(api.get("/readyz?verbose=1")).path("checks").size()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/livez", "/readyz", "/health"})
    void headIsAGetWithoutABody(String path) throws Exception {
        try (RunningApi api = RunningApi.start()) {
            HttpResponse<String> head = api.send(HttpRequest.newBuilder(api.at(path))
                    .method("HEAD", BodyPublishers.noBody())
                    .build());

            assertThat(head.statusCode()).isEqualTo(200);
            assertThat(head.body()).isEmpty();
            assertThat(head.headers().firstValueAsLong("Content-Length").orElse(0))
                    .isPositive();
        }
    }

    @Test
    void otherMethodIsRefusedWithWhatIsAllowed() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            HttpResponse<String> onProbe = api.call("POST", "/health", "");
            HttpResponse<String> onServices = api.call("DELETE", "/services", "");

            assertThat(onProbe.statusCode()).isEqualTo(405);
            assertThat(onProbe.headers().firstValue("Allow")).hasValue("GET, HEAD");
            assertThat(onServices.statusCode()).isEqualTo(405);
            assertThat(onServices.headers().firstValue("Allow")).hasValue("GET, HEAD, POST");
            assertThat(json(onServices).path("code").asString()).isEqualTo("method.not_allowed");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/mcp", "/mcp/health", "/healthz", "/register/a/b", "/register/", "/Health", "/"})
    void otherPathsAreLeftToTheNextHandler(String path) throws Exception {
        try (RunningApi api = RunningApi.start()) {
            api.call("POST", path, "{}");

            assertThat(api.passedOn).hasValue(1);
        }
    }

    private static Backend file(String name, ServerSocket socket) {
        return Backend.of(name, "http://127.0.0.1:" + socket.getLocalPort(), Backend.Source.FILE);
    }
}
