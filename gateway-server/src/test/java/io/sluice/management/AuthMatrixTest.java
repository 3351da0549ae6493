package io.sluice.management;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.management.Operation.Access;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** No management route does anything for a caller who has not proved who they are. */
final class AuthMatrixTest {
    private static final String RIGHT = "Bearer " + RunningApi.TOKEN;

    /** Values of {@code Authorization}, each one header line. */
    private static final Map<String, List<String>> BAD = Map.ofEntries(
            Map.entry("none", List.of()),
            Map.entry("empty", List.of("")),
            Map.entry("scheme alone", List.of("Bearer")),
            Map.entry("scheme and spaces", List.of("Bearer   ")),
            Map.entry("garbage", List.of("%%%")),
            Map.entry("wrong token", List.of("Bearer wrong-token-of-decent-length")),
            Map.entry("beginning of the token", List.of(RIGHT.substring(0, RIGHT.length() - 1))),
            Map.entry("more than the token", List.of(RIGHT + "x")),
            Map.entry("token in upper case", List.of("Bearer " + RunningApi.TOKEN.toUpperCase(Locale.ROOT))),
            Map.entry("token without scheme", List.of(RunningApi.TOKEN)),
            Map.entry("token as Basic", List.of("Basic " + RunningApi.TOKEN)),
            Map.entry("Basic", List.of("Basic YWRtaW46YWRtaW4=")),
            Map.entry("two tokens in one", List.of(RIGHT + ", " + RIGHT)),
            Map.entry("doubled", List.of(RIGHT, RIGHT)),
            Map.entry("right and wrong", List.of(RIGHT, "Bearer wrong-token-of-decent-length")),
            Map.entry("null", List.of("Bearer null")),
            Map.entry("undefined", List.of("Bearer undefined")));

    private record Route(String method, String path, String body) {}

    @Test
    void badCredentialsReachNothing() throws Exception {
        try (RunningApi api = RunningApi.start();
                StubBackend stub = StubBackend.offering("t")) {
            int cases = 0;
            for (Route route : guarded(api, stub)) {
                for (Map.Entry<String, List<String>> bad : BAD.entrySet()) {
                    HttpRequest.Builder request = HttpRequest.newBuilder(api.at(route.path()))
                            .header("Content-Type", "application/json")
                            .method(route.method(), BodyPublishers.ofString(route.body()));
                    bad.getValue().forEach(value -> request.header("Authorization", value));

                    HttpResponse<String> answer = api.send(request.build());

                    String which = bad.getKey() + " on " + route;
                    assertThat(answer.statusCode()).as(which).isEqualTo(401);
                    assertThat(answer.headers().firstValue("WWW-Authenticate"))
                            .as(which)
                            .isPresent();
                    assertThat(answer.headers().firstValue("Content-Type"))
                            .as(which)
                            .hasValue("application/problem+json");
                    assertThat(answer.body()).as(which).doesNotContain(RunningApi.TOKEN);
                    cases++;
                }
            }
            assertThat(cases).isGreaterThanOrEqualTo(BAD.size() * 8);
            assertThat(api.registry.snapshot().registrations()).isEmpty();
            assertThat(api.registry.snapshot().revision()).isZero();
            assertThat(stub.requests()).isZero();
            assertThat(api.passedOn).hasValue(0);
        }
    }

    @Test
    void tokenInTheQueryIsNoToken() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            assertThat(api.get("/services?access_token=" + RunningApi.TOKEN).statusCode())
                    .isEqualTo(401);
        }
    }

    @Test
    void faultyAuthenticatorRefusesEveryone() throws Exception {
        try (RunningApi api = RunningApi.start(headers -> {
                    throw new IllegalStateException("the key store is gone");
                });
                StubBackend stub = StubBackend.offering("t")) {
            for (Route route : guarded(api, stub)) {
                HttpResponse<String> answer = api.call(route.method(), route.path(), route.body());

                assertThat(answer.statusCode()).as(route.toString()).isEqualTo(401);
                assertThat(answer.body()).doesNotContain("key store");
            }
            assertThat(stub.requests()).isZero();
        }
    }

    @Test
    void tokenForCallsAloneMayNotManage() throws Exception {
        try (RunningApi api = RunningApi.start();
                StubBackend stub = StubBackend.offering("t")) {
            for (Route route : guarded(api, stub)) {
                HttpResponse<String> answer = api.send(HttpRequest.newBuilder(api.at(route.path()))
                        .header("Authorization", "Bearer " + RunningApi.CALLS_ONLY)
                        .header("Content-Type", "application/json")
                        .method(route.method(), BodyPublishers.ofString(route.body()))
                        .build());

                assertThat(answer.statusCode()).as(route.toString()).isEqualTo(403);
            }
            assertThat(stub.requests()).isZero();
        }
    }

    @Test
    void probesNeedNoToken() throws Exception {
        try (RunningApi api = RunningApi.start()) {
            List<String> open = new ArrayList<>();
            for (Operation operation : api.api.operations().operations()) {
                if (operation.access() == Access.OPEN) {
                    open.add(operation.path().toString());
                }
            }
            assertThat(open)
                    .containsExactlyInAnyOrder(
                            "/livez",
                            "/readyz",
                            "/health",
                            "/docs",
                            "/redoc",
                            "/docs/{file}",
                            "/callback",
                            "/client-metadata.json");
            for (String path : open) {
                assertThat(api.get(path.replace("{file}", "start.js")).statusCode())
                        .as(path)
                        .isEqualTo(path.equals("/callback") ? 400 : 200); // nobody was sent there
            }
        }
    }

    /** Every guarded operation there is, and on each guarded path a method that does not exist. */
    private static List<Route> guarded(RunningApi api, StubBackend stub) {
        String body = "{\"name\":\"intruder\",\"url\":\"" + stub.url() + "\"}";
        List<Route> routes = new ArrayList<>();
        for (Operation operation : api.api.operations().operations()) {
            if (operation.access() == Access.MANAGING) {
                String path = operation.path().toString().replaceAll("\\{\\w+}", "intruder");
                routes.add(new Route(operation.method().name(), path, body));
                routes.add(new Route("OPTIONS", path, body));
            }
        }
        return routes;
    }
}
