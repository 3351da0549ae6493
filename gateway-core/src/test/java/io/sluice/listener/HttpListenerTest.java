package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.rejection.Rejection;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.LoopResources;

@Timeout(60)
class HttpListenerTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("listener-test", 2);
    private static final ListenerSettings LOOPBACK = ListenerSettings.of("127.0.0.1", 0);
    private static final long BODY_BYTES = 1 << 20;
    private static final String END = "Connection: close\r\n\r\n";

    private @Nullable HttpListener listener;

    @AfterEach
    void drain() {
        if (listener != null) {
            listener.drain(Duration.ofSeconds(1)).block();
        }
    }

    @AfterAll
    static void dispose() {
        LOOPS.disposeLater(Duration.ZERO, Duration.ofSeconds(2)).block();
    }

    @Test
    void bodyIsRead() throws IOException {
        open(LOOPBACK);

        assertThat(post("hello")).startsWith("HTTP/1.1 200 OK").endsWith("got 5");
        assertThat(post("")).endsWith("got 0");
    }

    @Test
    void bodyWithoutLengthIsEmpty() throws IOException {
        open(LOOPBACK);

        assertThat(exchange("POST / HTTP/1.1\r\nHost: localhost\r\n" + END)).endsWith("got 0");
    }

    @Test
    void bodyOfManyPartsIsReadWhole() throws IOException {
        open(LOOPBACK);
        String chunks = "3\r\nabc\r\n".repeat(10_000) + "0\r\n\r\n";

        assertThat(exchange("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + END + chunks))
                .endsWith("got 30000");
    }

    @Test
    void chunkedBodyBeyondTheLimitIsRefused() throws IOException {
        open(LOOPBACK.withLimits(Limits.STANDARD.withMaxBodyBytes(BODY_BYTES)));
        String chunk = "10000\r\n" + "x".repeat(0x10000) + "\r\n";
        try (RawClient client = new RawClient(port())) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 17; i++) {
                client.send(chunk);
            }

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 413 ").contains("exceeds 1048576 bytes");
        }
    }

    @Test
    void announcedBodyBeyondTheLimitIsRefusedBeforeItComes() throws IOException {
        open(LOOPBACK.withLimits(Limits.STANDARD.withMaxBodyBytes(10)));

        assertThat(exchange("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n"))
                .startsWith("HTTP/1.1 413 ")
                .contains("exceeds 10 bytes");
    }

    @Test
    void refusalIsSeenByAClientThatStillSends() throws IOException {
        open(LOOPBACK);
        try (RawClient client = new RawClient(port())) {
            client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + "x".repeat(900_000));

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 413 ").endsWith("}}");
        }
    }

    @Test
    void refusalIsAnErrorWithoutAnId() throws IOException {
        open(LOOPBACK);

        assertThat(get("/", "evil\".example"))
                .contains("content-type: application/json")
                .doesNotContain("\"id\"")
                .endsWith("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,"
                        + "\"message\":\"The Host header is malformed\"}}");
    }

    @Test
    void rejectionOfTheHandlerBecomesItsAnswer() throws IOException {
        open(LOOPBACK);

        assertThat(get("/thrown", "localhost")).startsWith("HTTP/1.1 503 ").contains("Retry-After: 7");
        assertThat(get("/published", "localhost")).startsWith("HTTP/1.1 401 ").contains("WWW-Authenticate: Bearer");
    }

    @Test
    void errorOfTheHandlerSaysNothingAboutItself() throws IOException {
        open(LOOPBACK);

        assertThat(get("/broken", "localhost")).startsWith("HTTP/1.1 500 ").doesNotContain("secret");
        assertThat(get("/defect", "localhost")).startsWith("HTTP/1.1 500 ").doesNotContain("secret");
    }

    @Test
    void answerThatBreaksOffIsNotEndedAsIfItWereWhole() throws IOException {
        open(LOOPBACK);

        assertThat(get("/half", "localhost")).startsWith("HTTP/1.1 200 ").doesNotEndWith("0\r\n\r\n");
    }

    @Test
    void earlyAnswerKeepsTheConnectionWhenLittleIsLeft() throws IOException {
        open(LOOPBACK);
        try (RawClient client = new RawClient(port())) {
            client.send("POST /published HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhe")
                    .readUntil("}}");
            client.send("llo" + "GET / HTTP/1.1\r\nHost: localhost\r\n" + END);

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 200 ").endsWith("got 0");
        }
    }

    @Test
    void configuredHostsReplaceTheDerivedOnes() throws IOException {
        open(LOOPBACK.withHosts(Set.of("gw.example", "other.example:8443")));

        assertThat(get("/", "gw.example")).startsWith("HTTP/1.1 200 ");
        assertThat(get("/", "GW.example:9999")).startsWith("HTTP/1.1 200 ");
        assertThat(get("/", "other.example:8443")).startsWith("HTTP/1.1 200 ");
        assertThat(get("/", "other.example:8444")).startsWith("HTTP/1.1 403 ");
        assertThat(get("/", "localhost")).startsWith("HTTP/1.1 403 ");
    }

    @Test
    void publicBindTakesAnyNameButNoForeignOrigin() throws IOException {
        open(ListenerSettings.of("0.0.0.0", 0));

        assertThat(get("/", "whatever.example")).startsWith("HTTP/1.1 200 ");
        // the same origin under a name that nobody vouched for is what rebinding looks like
        assertThat(get("/", "whatever.example", "Origin: http://whatever.example\r\n"))
                .startsWith("HTTP/1.1 403 ");
        assertThat(get("/", "localhost", "Origin: http://localhost\r\n")).startsWith("HTTP/1.1 403 ");
    }

    @Test
    void originsAreThoseConfiguredAndTheGatewayItself() throws IOException {
        open(LOOPBACK.withHosts(Set.of("gw.example")).withOrigins(Set.of("https://desk.example")));

        assertThat(get("/", "gw.example", "Origin: https://desk.example\r\n")).startsWith("HTTP/1.1 200 ");
        assertThat(get("/", "gw.example", "Origin: https://gw.example\r\n")).startsWith("HTTP/1.1 200 ");
        assertThat(get("/", "gw.example", "Origin: https://gw.example:444\r\n")).startsWith("HTTP/1.1 403 ");
        assertThat(get("/", "gw.example", "Origin: http://desk.example\r\n")).startsWith("HTTP/1.1 403 ");
        assertThat(get("/", "gw.example", "Origin: http://localhost\r\n")).startsWith("HTTP/1.1 403 ");
        assertThat(get("/", "gw.example", "Origin: null\r\n")).startsWith("HTTP/1.1 403 ");
    }

    @Test
    void clientsComeFromAllowedAddressesOnly() throws IOException {
        open(LOOPBACK.withAllow(List.of("10.0.0.0/8", "::1")));
        assertThat(get("/", "localhost")).startsWith("HTTP/1.1 403 ");
        assertThat(get("/health", "localhost")).startsWith("HTTP/1.1 403 ");
        drain();

        open(LOOPBACK.withAllow(List.of("10.0.0.0/8", "127.0.0.0/8")));
        assertThat(get("/", "localhost")).startsWith("HTTP/1.1 200 ");
    }

    @Test
    void corsIsOffUnlessConfigured() throws IOException {
        open(LOOPBACK);

        assertThat(get("/", "localhost", "Origin: http://localhost:3000\r\n"))
                .startsWith("HTTP/1.1 200 ")
                .doesNotContain("access-control");
    }

    @Test
    void preflightOfAConfiguredOriginIsAnswered() throws IOException {
        open(LOOPBACK.withCorsOrigins(Set.of("https://desk.example")));

        String answer = exchange("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://desk.example\r\n"
                + "Access-Control-Request-Method: POST\r\n"
                + "Access-Control-Request-Headers: content-type, mcp-param-region, x-evil, mcp-param-a b\r\n" + END);

        assertThat(answer)
                .startsWith("HTTP/1.1 204 ")
                .contains("access-control-allow-origin: https://desk.example\r\n")
                .contains("vary: origin\r\n")
                .contains("access-control-allow-methods: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n");
        String allowed = answer.lines()
                .filter(line -> line.startsWith("access-control-allow-headers"))
                .findFirst()
                .orElseThrow()
                .toLowerCase(Locale.ROOT);
        assertThat(allowed)
                .contains("mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id")
                .contains("authorization", "content-type", "accept", "mcp-param-region")
                .doesNotContain("x-evil")
                .doesNotContain("a b");
    }

    @Test
    void answerToAConfiguredOriginExposesWhatClientsRead() throws IOException {
        open(LOOPBACK.withCorsOrigins(Set.of("https://desk.example")));

        assertThat(get("/", "localhost", "Origin: https://desk.example\r\n"))
                .startsWith("HTTP/1.1 200 ")
                .contains("access-control-allow-origin: https://desk.example\r\n")
                .contains("access-control-expose-headers: Mcp-Session-Id, WWW-Authenticate");
        assertThat(get("/published", "localhost", "Origin: https://desk.example\r\n"))
                .startsWith("HTTP/1.1 401 ")
                .contains("access-control-allow-origin: https://desk.example\r\n");
        assertThat(get("/", "localhost", "Origin: https://evil.example\r\n"))
                .startsWith("HTTP/1.1 403 ")
                .doesNotContain("access-control");
    }

    @Test
    void connectionsBeyondTheLimitAreClosed() throws IOException {
        open(LOOPBACK.withLimits(Limits.STANDARD.withMaxConnections(2)));
        try (RawClient one = new RawClient(port());
                RawClient two = new RawClient(port())) {
            one.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("got 0");
            two.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("got 0");

            try (RawClient three = new RawClient(port())) {
                assertThat(three.readToEnd()).isEmpty();
            }
            one.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("got 0");
        }
    }

    @Test
    void portInUseIsABindException() {
        open(LOOPBACK);

        assertThatThrownBy(() -> Listeners.start(ListenerSettings.of("127.0.0.1", port()), LOOPS, this::handle))
                .isInstanceOf(ChannelBindException.class);
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> ListenerSettings.of("", 80)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ListenerSettings.of("h", 65_536)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Limits.STANDARD.withMaxBodyBytes(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> open(LOOPBACK.withAllow(List.of("ten"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'ten'");
    }

    private void open(ListenerSettings settings) {
        listener = Listeners.start(settings, LOOPS, this::handle);
    }

    private int port() {
        return Objects.requireNonNull(listener).port();
    }

    private Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        return switch (request.uri()) {
            case "/thrown" -> throw new Rejection.Unavailable("no", Duration.ofSeconds(7));
            case "/published" -> Mono.error(new Rejection.Unauthenticated("no", "Bearer"));
            case "/broken" -> Mono.error(new IllegalStateException("a secret (this test provokes the error)"));
            case "/defect" -> throw new IllegalStateException("a secret (this test provokes the error)");
            case "/half" ->
                response.sendString(Flux.just("half").concatWith(Mono.error(new IOException("provoked by a test"))));
            default ->
                BodyReader.read(request, BODY_BYTES)
                        .flatMap(body -> response.sendString(Mono.just("got " + body.length))
                                .then());
        };
    }

    private String post(String body) throws IOException {
        return exchange("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length() + "\r\n" + END + body);
    }

    private String get(String path, String host, String... headers) throws IOException {
        return exchange("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + String.join("", headers) + END);
    }

    private String exchange(String request) throws IOException {
        try (RawClient client = new RawClient(port())) {
            return client.send(request).readToEnd();
        }
    }
}
