package io.sluice.management;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.HttpMethod;
import io.sluice.auth.Authenticator;
import io.sluice.auth.NamedToken;
import io.sluice.auth.TokenTable;
import io.sluice.catalog.Catalog;
import io.sluice.catalog.CatalogSettings;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoverySettings;
import io.sluice.egress.EgressPolicy;
import io.sluice.listener.HttpHandler;
import io.sluice.listener.HttpListener;
import io.sluice.listener.ListenerSettings;
import io.sluice.oauth.OAuthKeepers;
import io.sluice.registry.InMemoryRegistry;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.UpstreamSettings;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import reactor.netty.resources.LoopResources;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The management API behind a real listener, with a real registry and a real discovery. */
final class RunningApi implements AutoCloseable {
    static final String TOKEN = "s8Zq-manages-everything-41";
    static final String CALLS_ONLY = "s8Zq-may-only-call-tools-42";
    static final Instant START = Instant.parse("2026-11-21T12:00:00Z");
    static final int MOST = 5;
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Duration WAIT = Duration.ofSeconds(10);
    private static final JsonMapper JSON = new JsonMapper();

    final InMemoryRegistry registry = new InMemoryRegistry();
    final AtomicReference<Instant> now = new AtomicReference<>(START);
    final AtomicInteger passedOn = new AtomicInteger();
    final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    final Readiness readiness;
    final ManagementApi api;

    final AtomicReference<Duration> clientIdle = new AtomicReference<>(Duration.ofMinutes(30));

    private final LoopResources loops = HttpListener.newLoops("test-management", 1);
    final Vitals vitals = Vitals.none();
    private final Discovery discovery;
    private final HttpListener listener;
    private final OAuthKeepers keepers;

    private RunningApi(Authenticator authenticator, EgressPolicy egress) {
        InstantSource clock = now::get;
        discovery = Discovery.start(
                registry,
                UpstreamSettings.of(loops, egress, "1", new Random(1)),
                DiscoverySettings.DEFAULT.withInterval(Duration.ofMillis(200)));
        readiness = new Readiness(
                registry,
                () -> Catalog.build(discovery.state().contributions(), Catalog.EMPTY, CatalogSettings.DEFAULT),
                clock,
                PATIENCE);
        About about = new About("1.2.3", "test", () -> 7);
        keepers = new OAuthKeepers(loops, egress, registry, () -> "https://gateway.test", clock);
        api = new ManagementApi(
                registry,
                discovery,
                authenticator,
                egress,
                about,
                readiness,
                clock,
                MOST,
                clientIdle::get,
                keepers,
                vitals,
                command -> false);
        HttpHandler rest = (request, response) -> {
            passedOn.incrementAndGet();
            throw new Rejection.NotFound("Nothing here");
        };
        listener =
                Objects.requireNonNull(HttpListener.start(ListenerSettings.of("127.0.0.1", 0), loops, api.before(rest))
                        .block(WAIT));
    }

    static RunningApi start() {
        return start(EgressPolicy.of(true, List.of()));
    }

    static RunningApi start(EgressPolicy egress) {
        TokenTable tokens =
                TokenTable.of(List.of(new NamedToken("boss", TOKEN, true), new NamedToken("agent", CALLS_ONLY, false)));
        return new RunningApi(Authenticator.bearer(() -> tokens), egress);
    }

    static RunningApi start(Authenticator authenticator) {
        return new RunningApi(authenticator, EgressPolicy.of(true, List.of()));
    }

    URI at(String path) {
        return URI.create("http://127.0.0.1:" + listener.port() + path);
    }

    HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
        described(request, answer);
        return answer;
    }

    /** Whatever a test asks for: what comes back is an answer that the API's description knows. */
    private void described(HttpRequest request, HttpResponse<String> answer) {
        Optional<Operation> operation = api.operations()
                .find(request.uri().getRawPath())
                .flatMap(there -> there.operation(HttpMethod.valueOf(request.method())));
        int status = answer.statusCode();
        if (operation.isEmpty() || status == 405 || status == 413) {
            return; // none of an operation's own
        }
        String type = answer.headers().firstValue("Content-Type").orElse("").split(";", 2)[0];
        assertThat(ApiDescription.formats(operation.get()).getOrDefault(status, List.of()))
                .as("%s %s: %s %s", request.method(), request.uri(), status, answer.body())
                .contains(type);
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(at(path)).build());
    }

    /** With the managing token. */
    HttpResponse<String> call(String method, String path, String body) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(at(path))
                .header("Authorization", "Bearer " + TOKEN)
                .header("Content-Type", "application/json")
                .method(method, BodyPublishers.ofString(body))
                .build());
    }

    HttpResponse<String> register(String body) throws IOException, InterruptedException {
        return call("POST", "/register", body);
    }

    JsonNode services() throws IOException, InterruptedException {
        return json(call("POST", "/services", "")).path("services");
    }

    static JsonNode json(HttpResponse<String> response) {
        return JSON.readTree(response.body());
    }

    @Override
    public void close() {
        api.dispose();
        keepers.dispose();
        discovery.stop().block(WAIT);
        listener.close().block(WAIT);
    }
}
