package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.LoopResources;

@Timeout(30)
class DrainTest {
    private static final String H = "Host: localhost\r\n\r\n";

    private final LoopResources loops = HttpListener.newLoops("drain-test", 2);
    private final Sinks.One<String> parked = Sinks.one();
    private final AtomicInteger begun = new AtomicInteger();
    private HttpListener listener;

    @BeforeEach
    void start() {
        listener = Listeners.start(ListenerSettings.of("127.0.0.1", 0), loops, this::handle);
    }

    @AfterEach
    void stop() {
        listener.close().block();
    }

    @Test
    void everyEventOfAStreamInFlightIsDelivered() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET /events HTTP/1.1\r\n" + H).readUntil("data: 1\n\n");

            Mono<Void> drain = listener.drain(Duration.ofSeconds(10)).cache();
            Disposable draining = drain.subscribe();
            String rest = client.readToEnd();

            for (int i = 2; i <= 10; i++) {
                assertThat(rest).contains("data: " + i + "\n\n");
            }
            assertThat(rest).endsWith("0\r\n\r\n");
            drain.block(Duration.ofSeconds(2));
            draining.dispose();
        }
    }

    @Test
    void requestInFlightIsAnsweredAndItsConnectionClosed() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET /parked HTTP/1.1\r\n" + H);
            await().until(() -> begun.get() == 1);

            Disposable draining = listener.drain(Duration.ofSeconds(10)).subscribe();
            parked.tryEmitValue("at last");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 200 ").endsWith("at last");
            await().until(draining::isDisposed);
        }
    }

    @Test
    void idleConnectionsAreClosedAtOnce() throws IOException {
        try (RawClient used = new RawClient(listener.port());
                RawClient fresh = new RawClient(listener.port())) {
            used.send("GET / HTTP/1.1\r\n" + H).readUntil("ok");

            listener.drain(Duration.ofSeconds(10)).block(Duration.ofSeconds(2));

            assertThat(used.readToEnd()).isEmpty();
            assertThat(fresh.readToEnd()).isEmpty();
        }
    }

    @Test
    void nobodyNewIsAccepted() {
        int port = listener.port();
        listener.drain(Duration.ofSeconds(10)).block();

        assertThatThrownBy(() -> new RawClient(port).close()).isInstanceOf(ConnectException.class);
    }

    @Test
    void streamThatDoesNotEndIsCutAfterTheGrace() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET /endless HTTP/1.1\r\n" + H).readUntil("data: 0\n\n");

            listener.drain(Duration.ofMillis(300)).block(Duration.ofSeconds(3));

            assertThat(client.readToEnd()).doesNotEndWith("0\r\n\r\n");
        }
    }

    private Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        begun.incrementAndGet();
        return switch (request.uri()) {
            case "/events" ->
                response.sse()
                        .sendString(Flux.range(1, 10)
                                .delayElements(Duration.ofMillis(50))
                                .map(i -> "data: " + i + "\n\n"));
            case "/endless" ->
                response.sse().sendString(Flux.interval(Duration.ofMillis(20)).map(i -> "data: " + i + "\n\n"));
            case "/parked" -> response.sendString(parked.asMono());
            default -> response.sendString(Mono.just("ok"));
        };
    }
}
