package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.auth.Authenticator;
import io.sluice.auth.Caller;
import io.sluice.rejection.Rejection;
import io.sluice.testing.FakeBackend;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Nobody without valid credentials reaches a backend, on any route, however it is tried. */
class AuthMatrixTest {
    private static final String SECRET = "s3cr3t-Token_of~Alice.0123456789";
    private static final String BODY_HEADERS = "Content-Type: application/json";

    /** One way to ask for something. */
    private record Route(String method, String path, List<String> headers, String body) {}

    private static List<Route> routes() {
        return Stream.of("/mcp", "/mcp/one", "/mcp/two", "/mcp/nobody", "/mcp/")
                .flatMap(path -> routes(path).stream())
                .toList();
    }

    private static List<Route> routes(String path) {
        List<Route> routes = new ArrayList<>();
        routes.add(modern(path, "tools/call", "'name':'echo','arguments':{}", "echo"));
        routes.add(modern(path, "server/discover", "", null));
        routes.add(modern(path, "subscriptions/listen", "'notifications':{'toolsListChanged':true}", null));
        routes.add(legacy(
                path,
                "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':"
                        + "'2025-11-25','capabilities':{},'clientInfo':{'name':'x','version':'1'}}}"));
        routes.add(legacy(path, "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}"));
        routes.add(legacy(path, "[{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}]"));
        routes.add(legacy(path, "nonsense"));
        routes.add(new Route("GET", path, List.of(), ""));
        routes.add(new Route("DELETE", path, List.of("Mcp-Session-Id: x"), ""));
        return routes;
    }

    private static Route modern(String path, String method, String members, @Nullable String name) {
        List<String> headers =
                new ArrayList<>(List.of(BODY_HEADERS, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: " + method));
        if (name != null) {
            headers.add("Mcp-Name: " + name);
        }
        return new Route(
                "POST",
                path,
                headers,
                new String(ModernRequest.of(method, members).bytes(), StandardCharsets.UTF_8));
    }

    private static Route legacy(String path, String body) {
        return new Route("POST", path, List.of(BODY_HEADERS), body.replace('\'', '"'));
    }

    /** Header lines, each of which proves nothing. */
    private static List<List<String>> badCredentials() {
        List<List<String>> bad = new ArrayList<>();
        bad.add(List.of());
        for (String value : List.of(
                "",
                "Bearer",
                "Bearer ",
                "bearer",
                SECRET,
                "Bearer" + SECRET,
                "Bearer\t" + SECRET,
                "Bearer " + SECRET + "x",
                "Bearer x" + SECRET,
                "Bearer " + SECRET.substring(1),
                "Bearer " + SECRET.substring(0, SECRET.length() - 1),
                "Bearer " + SECRET.toUpperCase(java.util.Locale.ROOT),
                "Bearer " + SECRET.toLowerCase(java.util.Locale.ROOT),
                "Bearer " + SECRET + " " + SECRET,
                "Bearer " + SECRET + ", Bearer " + SECRET,
                "Bearer " + SECRET + ",",
                "Bearer \"" + SECRET + "\"",
                "Bearer " + SECRET + "=",
                "Bearer token=" + SECRET,
                "Bearer " + Base64.getEncoder().encodeToString(SECRET.getBytes(StandardCharsets.UTF_8)),
                "Bearer null",
                "Bearer undefined",
                "Bearer *",
                "Bearer alice",
                "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
                "Bearer " + "a".repeat(3000),
                "Bearer ../../etc/passwd",
                "Bearer %73%33",
                "Bearer s3cr3t-Token_of~Alice.0123456788",
                "Basic " + SECRET,
                "Basic " + Base64.getEncoder().encodeToString(("alice:" + SECRET).getBytes(StandardCharsets.UTF_8)),
                "Digest username=\"alice\"",
                "Negotiate " + SECRET,
                "Token " + SECRET,
                "ApiKey " + SECRET,
                "MCP " + SECRET,
                "Bearerr " + SECRET,
                "Bea rer " + SECRET,
                "Bearer:" + SECRET)) {
            bad.add(List.of("Authorization: " + value));
        }
        bad.add(List.of("Authorization: Bearer " + SECRET, "Authorization: Bearer " + SECRET));
        bad.add(List.of("Authorization: Bearer x", "Authorization: Bearer " + SECRET));
        bad.add(List.of("X-Authorization: Bearer " + SECRET));
        bad.add(List.of("Proxy-Authorization: Bearer " + SECRET));
        bad.add(List.of("X-Api-Key: " + SECRET));
        bad.add(List.of("Cookie: Authorization=Bearer%20" + SECRET));
        bad.add(List.of("X-Forwarded-User: alice"));
        bad.add(List.of("X-Upstream-Authorization: Bearer " + SECRET));
        return bad;
    }

    @Test
    void badCredentialsOpenNoRouteAndReachNoBackend() throws Exception {
        FakeBackend one = FakeBackend.modern();
        FakeBackend two = FakeBackend.legacy();
        try (TestGateway gateway = TestGateway.setUp()
                .token("alice", SECRET)
                .start()
                .with("one", one)
                .with("two", two)
                .listeningTo(one)
                .listeningTo(two)) {
            List<List<String>> credentials = badCredentials();
            assertThat(credentials).hasSizeGreaterThanOrEqualTo(40);
            int before = one.received().size() + two.received().size();
            List<String> wrong = new ArrayList<>();
            int asked = 0;
            for (Route route : routes()) {
                for (List<String> credential : credentials) {
                    String accept = asked++ % 2 == 0 ? "Accept: application/json" : "Accept: text/event-stream";
                    RawExchange.Got got = ask(gateway.port(), route, accept, credential);
                    if (got.status() != 401 || !got.header("WWW-Authenticate").startsWith("Bearer")) {
                        wrong.add(route + " " + credential + " " + got);
                    }
                }
            }

            assertThat(wrong).isEmpty();
            assertThat(one.received().size() + two.received().size()).isEqualTo(before);
            assertThat(gateway.gateway().activeClients()).isZero();
        }
    }

    private static RawExchange.Got ask(int port, Route route, String accept, List<String> credential) {
        List<String> headers = new ArrayList<>(route.headers());
        headers.add(accept);
        headers.addAll(credential);
        return RawExchange.send(
                port, route.method(), route.path(), headers, route.body().getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void goodCredentialsOpenTheSameRoutes() throws Exception {
        try (TestGateway gateway = TestGateway.setUp()
                .token("alice", SECRET)
                .start()
                .with("one", FakeBackend.modern())
                .with("two", FakeBackend.legacy())) {
            for (String path : List.of("/mcp", "/mcp/one", "/mcp/two")) {
                RawExchange.Got got = ask(
                        gateway.port(),
                        modern(path, "tools/list", "", null),
                        "Accept: application/json",
                        List.of("authorization: bearer  " + SECRET));

                assertThat(got.status()).as(got.toString()).isEqualTo(200);
            }
        }
    }

    @Test
    void faultInTheAuthenticatorIsARefusal() throws Exception {
        List<Authenticator> faulty = List.of(
                headers -> {
                    throw new IllegalStateException(SECRET);
                },
                headers -> {
                    throw new StackOverflowError();
                },
                headers -> {
                    throw new Rejection.InvalidParams("not a refusal of credentials");
                },
                headers -> nobody());
        for (Authenticator authenticator : faulty) {
            FakeBackend backend = FakeBackend.modern();
            try (TestGateway gateway = TestGateway.setUp()
                    .authenticator(authenticator)
                    .start()
                    .with("one", backend)
                    .listeningTo(backend)) {
                int before = backend.received().size();
                for (Route route : routes("/mcp")) {
                    RawExchange.Got got = ask(gateway.port(), route, "Accept: application/json", List.of());

                    assertThat(got.status()).as(route + " " + got).isEqualTo(401);
                    assertThat(got.header("WWW-Authenticate")).startsWith("Bearer");
                    assertThat(got.text()).doesNotContain(SECRET);
                }
                assertThat(backend.received()).hasSize(before);
            }
        }
    }

    @SuppressWarnings("NullAway") // what an authenticator written elsewhere might do
    private static Caller nobody() {
        return null;
    }

    @Test
    void clientsCredentialsAndPrivateHeadersReachNoBackend() throws Exception {
        FakeBackend modern = FakeBackend.modern();
        FakeBackend legacy = FakeBackend.legacy();
        try (TestGateway gateway = TestGateway.setUp()
                .token("alice", SECRET)
                .start()
                .with("one", modern)
                .with("two", legacy)) {
            String canary = "canary-7d1f";
            List<String> names = new ArrayList<>(List.of(
                    "Cookie",
                    "Forwarded",
                    "Via",
                    "TE",
                    "Proxy-Authorization",
                    "Origin-Agent-Cluster",
                    "Referer",
                    "User-Agent",
                    "Last-Event-ID",
                    "Mcp-Session-Id",
                    "MCP-Session",
                    "Mcp-Anything",
                    "traceparent",
                    "tracestate",
                    "baggage",
                    "X-Real-IP",
                    "X-Upstream-Authorization"));
            for (int i = 0; i < 300; i++) {
                names.add((i % 3 == 0 ? "X-Forwarded-" : i % 3 == 1 ? "X-Internal-" : "Authorization-") + i);
            }
            for (int from = 0; from < names.size(); from += 40) {
                for (String path : List.of("/mcp/one", "/mcp/two")) {
                    ModernRequest request =
                            ModernRequest.call("echo", "{}").header("Authorization", "Bearer " + SECRET);
                    names.subList(from, Math.min(from + 40, names.size()))
                            .forEach(name -> request.header(name, canary));

                    assertThat(request.send(gateway, path).status()).isEqualTo(200);
                }
            }

            for (FakeBackend backend : List.of(modern, legacy)) {
                assertThat(backend.count("tools/call")).isGreaterThanOrEqualTo(8);
                assertThat(backend.received()).allSatisfy(received -> {
                    assertThat(received.headers().values()).noneMatch(value -> value.contains(canary));
                    assertThat(received.headers().values()).noneMatch(value -> value.contains(SECRET));
                    assertThat(received.headers().keySet())
                            .noneMatch(name -> name.startsWith("authorization") || name.startsWith("x-"));
                });
            }
        }
    }
}
