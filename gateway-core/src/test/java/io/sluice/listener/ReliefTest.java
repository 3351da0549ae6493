package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** What a listener does about its connections when it is told that memory is short. */
@Timeout(60)
class ReliefTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("relief-test", 1);
    private static final String CALL =
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    private static final Lane.Ride NONE = new Lane.Ride() {
        @Override
        public void left() {}

        @Override
        public void handOver() {}
    };

    private static HttpListener listener;

    @BeforeAll
    static void start() {
        listener = Objects.requireNonNull(HttpListener.start(
                        ListenerSettings.of("127.0.0.1", 0),
                        LOOPS,
                        (request, response) -> request.uri().equals("/flood")
                                ? response.send(
                                        Flux.generate(sink -> sink.next(Unpooled.wrappedBuffer(new byte[16 * 1024]))))
                                : BodyReader.read(request, 100)
                                        .then(response.sendString(Mono.just("general"))
                                                .then()),
                        (request, body, turn) -> {
                            turn.answer(
                                    200,
                                    Map.of(),
                                    "text/plain",
                                    "lane".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                            return NONE;
                        })
                .block());
    }

    @AfterEach
    void calm() {
        listener.closeAfterAnswers(false);
    }

    @AfterAll
    static void stop() {
        listener.drain(Duration.ZERO).then(listener.close()).block();
    }

    @Test
    void connectionIsClosedAfterItsAnswerAndSaysSo() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send(CALL);
            assertThat(client.readUntil("lane")).doesNotContain("close");

            listener.closeAfterAnswers(true);
            client.send(CALL);

            assertThat(client.readToEnd())
                    .containsIgnoringCase("connection: close")
                    .endsWith("general");
        }
    }

    @Test
    void connectionOnWhichNothingHappensIsClosed() throws Exception {
        try (RawClient idle = new RawClient(listener.port());
                RawClient busy = new RawClient(listener.port())) {
            idle.send(CALL).readUntil("lane");
            busy.send(CALL).readUntil("lane");
            listener.closeIdle();
            LOOPS.onServer(true).submit(() -> {}).sync(); // until it has looked
            busy.send(CALL).readUntil("lane");
            listener.closeIdle();

            assertThat(idle.readToEnd()).isEmpty();
            assertThat(busy.send(CALL).readUntil("lane")).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void clientThatIsFurthestBehindIsCut() throws IOException {
        try (RawClient reader = new RawClient(listener.port());
                RawClient behind = new RawClient(listener.port())) {
            assertThat(listener.cutFurthestBehind()).isZero();
            reader.send(CALL).readUntil("lane");
            behind.send("GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");

            await().until(() -> listener.cutFurthestBehind() == 1);

            behind.readToEnd();
            assertThat(reader.send(CALL).readUntil("lane")).startsWith("HTTP/1.1 200");
        }
    }
}
