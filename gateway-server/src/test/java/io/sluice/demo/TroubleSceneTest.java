package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** The door to the demo's trouble; what happens behind it is shown by DemoIT. */
class TroubleSceneTest {
    private static HttpResponse<String> ask(String method, URI at, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(at).method(method, BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    }

    @Test
    void doorOpensForPostsThatMakeSense() throws Exception {
        List<String> played = new CopyOnWriteArrayList<>();
        try (TroubleDoor door = TroubleDoor.open((verb, seconds, out) -> {
            played.add(verb.word() + " " + seconds);
            out.println("a table");
        })) {
            URI base = URI.create("http://127.0.0.1:" + door.port() + "/demo/");

            assertThat(ask("POST", base.resolve("kill")).body()).contains("a table");
            assertThat(ask("POST", base.resolve("flood?seconds=3")).statusCode())
                    .isEqualTo(200);
            assertThat(ask("POST", base.resolve("slow?seconds=0")).statusCode()).isEqualTo(400);
            assertThat(ask("POST", base.resolve("slow?minutes=1")).statusCode()).isEqualTo(400);
            assertThat(ask("POST", base.resolve("dance")).body()).contains("/demo/kill, /demo/slow or /demo/flood");
            assertThat(ask("POST", base).statusCode()).isEqualTo(404);
            assertThat(ask("GET", base.resolve("kill")).statusCode()).isEqualTo(405);
            assertThat(ask("POST", base.resolve("kill"), "Origin", "http://elsewhere.example")
                            .statusCode())
                    .isEqualTo(403);
        }
        assertThat(played).containsExactly("kill 5", "flood 3");
    }

    @Test
    void endpointCanBeKilledAndRevivedAtItsPlace() throws Exception {
        try (TroubledEndpoint endpoint = TroubledEndpoint.start()) {
            URI at = URI.create(endpoint.url());
            assertThat(ask("GET", at).statusCode()).isEqualTo(405);
            endpoint.kill();
            assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> ask("GET", at)))
                    .isInstanceOf(java.io.IOException.class);
            endpoint.revive();
            assertThat(ask("GET", at).statusCode()).isEqualTo(405);
        }
    }
}
