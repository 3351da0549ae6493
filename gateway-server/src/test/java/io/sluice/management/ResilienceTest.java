package io.sluice.management;

import static io.sluice.management.RunningApi.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.auth.Caller;
import io.sluice.guard.DeadlineRule;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The state of breakers and endpoints, what can be done about it by hand, and its meters. */
final class ResilienceTest {
    private static HttpResponse<String> post(RunningApi api, String path) throws Exception {
        return api.call("POST", path, "");
    }

    private static HttpResponse<String> get(RunningApi api, String path) throws Exception {
        return api.call("GET", path, "");
    }

    private static void registered(RunningApi api) {
        api.registry
                .register(Backend.of("down", "http://127.0.0.1:1/mcp", Backend.Source.FILE))
                .block();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> get(api, "/api/v1/mcp/servers/down").body().contains("resilience"));
    }

    @Test
    void stateOfAServerIsShownAndChangedByHand() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            registered(api);

            assertThat(get(api, "/api/v1/mcp/servers/down").body())
                    .contains("\"breaker\":\"closed\"", "\"concurrency_limit\":500", "\"state\":\"in\"");
            assertThat(json(post(api, "/api/v1/mcp/servers/down/drain"))
                            .at("/endpoints/0/state")
                            .asString())
                    .isEqualTo("drained");
            assertThat(json(post(api, "/api/v1/mcp/servers/down/weigh?weight=7"))
                            .at("/endpoints/0/weight")
                            .asInt())
                    .isEqualTo(7);
            assertThat(post(api, "/api/v1/mcp/servers/down/reset").statusCode()).isEqualTo(200);
            assertThat(post(api, "/api/v1/mcp/servers/down/clear-cache").statusCode())
                    .isEqualTo(200);
            assertThat(get(api, "/api/v1/mcp/servers/down").body()).contains("\"hit_ratio\":0.0");
        }
    }

    @Test
    void timeThatCallsHaveIsShownByTool() throws Exception {
        try (RunningApi api = RunningApi.start();
                StubBackend stub = StubBackend.offering("deep_search", "quick", "plain")) {
            api.registry
                    .register(Backend.of("find", stub.url() + "/mcp", Backend.Source.FILE))
                    .block();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> get(api, "/api/v1/mcp/servers/find").body().contains("\"function_count\":3"));
            JsonNode byDefault = json(get(api, "/api/v1/mcp/servers/find")).at("/data/deadlines");

            api.vitals
                    .guard()
                    .apply(LimitSettings.NONE.withDeadlines(List.of(
                            rule("find", "deep_*", 120, 1800),
                            rule("find", "find__quick", 1, 10),
                            rule("other", "*", 2, 2))));
            JsonNode ruled = json(get(api, "/api/v1/mcp/servers/find")).at("/data/deadlines");

            assertThat(byDefault.toString())
                    .isEqualTo("{\"set_by\":\"timeout\",\"within_ms\":60000,\"at_most_ms\":600000,\"tools\":{}}");
            assertThat(ruled.path("within_ms").asLong()).isEqualTo(60_000);
            assertThat(ruled.path("tools").toString())
                    .isEqualTo("{\"deep_search\":{\"set_by\":\"limits.deadlines\",\"within_ms\":120000,"
                            + "\"at_most_ms\":1800000},\"quick\":{\"set_by\":\"limits.deadlines\",\"within_ms\":1000,"
                            + "\"at_most_ms\":10000}}");
        }
    }

    private static DeadlineRule rule(String backend, String tool, int within, int atMost) {
        return new DeadlineRule(backend, Optional.of(tool), Duration.ofSeconds(within), Duration.ofSeconds(atMost));
    }

    @Test
    void limitsThatConcernAServerAreShownWithWhatTheyRefused() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            registered(api);
            api.vitals
                    .guard()
                    .apply(LimitSettings.NONE.withRates(
                            List.of(rate(Optional.of("agent-*"), "down", 1), rate(Optional.empty(), "other", 9))));
            Caller caller = new Caller("agent-1", "", false);
            api.vitals.guard().check(caller, "down", "echo", new byte[0], 0, 0, 1);
            assertThatThrownBy(() -> api.vitals.guard().check(caller, "down", "echo", new byte[0], 0, 0, 1))
                    .isInstanceOf(Rejection.Limited.class);

            assertThat(json(get(api, "/api/v1/mcp/servers/down"))
                            .at("/data/rates")
                            .toString())
                    .isEqualTo("[{\"caller\":\"agent-*\",\"backend\":\"down\",\"calls\":1,\"per_ms\":60000,"
                            + "\"burst\":1,\"refused\":1}]");
        }
    }

    private static RateRule rate(Optional<String> caller, String backend, int calls) {
        return new RateRule(
                Optional.empty(), caller, Optional.of(backend), Optional.empty(), calls, Duration.ofMinutes(1), calls);
    }

    @Test
    void wrongVerbsAndValuesAreNamed() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            registered(api);

            assertThat(post(api, "/api/v1/mcp/servers/none/drain").statusCode()).isEqualTo(404);
            assertThat(post(api, "/api/v1/mcp/servers/down/dance").statusCode()).isEqualTo(404);
            HttpResponse<String> heavy = post(api, "/api/v1/mcp/servers/down/weigh?weight=0");
            assertThat(heavy.statusCode()).isEqualTo(422);
            assertThat(heavy.body()).contains("Give ?weight= from 1 to 1000");
            assertThat(post(api, "/api/v1/mcp/servers/down/drain?endpoint=http://other/mcp")
                            .body())
                    .contains("has no endpoint http://other/mcp");
        }
    }

    @Test
    void metersBearResilience4jsNamesAndGoWithTheBackend() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            registered(api);

            assertThat(get(api, "/metrics").body())
                    .contains("resilience4j_circuitbreaker_state{name=\"down\",state=\"closed\"} 1.0")
                    .contains("resilience4j_bulkhead_max_allowed_concurrent_calls{name=\"down\"} 500.0")
                    .contains("sluice_endpoint_in{backend=\"down\",endpoint=\"http://127.0.0.1:1/mcp\"} 1.0")
                    .contains("jvm_memory_used_bytes");
            api.registry.remove("down").block();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> !get(api, "/metrics").body().contains("=\"down\""));
        }
    }

    @Test
    void oneEndpointOfSeveralIsEjectedAndRestoredByHandAndShowsInEveryPlace() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            Backend one = Backend.of("down", "http://127.0.0.1:1/mcp", Backend.Source.FILE);
            api.registry
                    .register(one.withEndpoints(
                            List.of(Endpoint.of("http://127.0.0.1:1/mcp"), Endpoint.of("http://127.0.0.1:2/mcp"))))
                    .block();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> get(api, "/api/v1/mcp/servers/down").body().contains("resilience"));
            String which = "?endpoint=http://127.0.0.1:2/mcp";

            JsonNode ejected = json(post(api, "/api/v1/mcp/servers/down/eject" + which + "&seconds=900"));
            String metrics = get(api, "/metrics").body();
            JsonNode restored = json(post(api, "/api/v1/mcp/servers/down/restore" + which));

            assertThat(ejected.at("/endpoints/0/state").asString()).isEqualTo("in");
            assertThat(ejected.at("/endpoints/1/state").asString()).isEqualTo("ejected");
            assertThat(ejected.at("/endpoints/1/ejections").asInt()).isEqualTo(1);
            assertThat(ejected.at("/endpoints/1/doubted").asBoolean(true)).isFalse();
            assertThat(ejected.at("/most_concurrent").asInt()).isEqualTo(500);
            assertThat(metrics)
                    .contains("sluice_endpoint_in{backend=\"down\",endpoint=\"http://127.0.0.1:1/mcp\"} 1.0")
                    .contains("sluice_endpoint_in{backend=\"down\",endpoint=\"http://127.0.0.1:2/mcp\"} 0.0")
                    .contains("resilience4j_circuitbreaker_state{name=\"down\",state=\"closed\"} 1.0")
                    .contains(
                            "resilience4j_circuitbreaker_state{name=\"down http://127.0.0.1:2/mcp\",state=\"closed\"} 1.0");
            assertThat(restored.at("/endpoints/1/state").asString()).isEqualTo("in");
            assertThat(post(api, "/api/v1/mcp/servers/down/drain").body()).contains("Say which with ?endpoint=URL");
        }
    }
}
