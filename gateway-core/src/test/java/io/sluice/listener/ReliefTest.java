package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
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

    private static final String[] GET = {":method", "GET", ":scheme", "https", ":authority", "localhost", ":path"};
    private static final Sinks.One<String> HELD = Sinks.one();

    private static final AtomicInteger ENDED = new AtomicInteger();

    @TempDir
    static Path files;

    private static HttpListener listener;
    private static HttpListener secure;
    private static SSLContext trust;

    @BeforeAll
    static void start() throws Exception {
        listener = Objects.requireNonNull(HttpListener.start(
                        ListenerSettings.of("127.0.0.1", 0), LOOPS, ReliefTest::answer, (request, body, turn) -> {
                            turn.answer(
                                    200,
                                    Map.of(),
                                    "text/plain",
                                    "lane".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                            return NONE;
                        })
                .block());
        TestPki pki = new TestPki(files);
        trust = pki.client(null);
        secure = Objects.requireNonNull(HttpListener.start(
                        ListenerSettings.of("127.0.0.1", 0).withTls(pki.listenerTls("localhost")),
                        LOOPS,
                        ReliefTest::answer)
                .block());
    }

    private static Publisher<Void> answer(HttpServerRequest request, HttpServerResponse response) {
        return switch (request.uri()) {
            case "/flood" ->
                response.send(Flux.<ByteBuf>generate(sink -> sink.next(Unpooled.wrappedBuffer(new byte[16 * 1024])))
                        .doFinally(end -> ENDED.incrementAndGet()));
            case "/held" -> response.sendString(HELD.asMono());
            default ->
                BodyReader.read(request, 100)
                        .then(response.sendString(Mono.just("general")).then());
        };
    }

    private static String[] get(String path) {
        String[] request = Arrays.copyOf(GET, GET.length + 1);
        request[GET.length] = path;
        return request;
    }

    private static String body(List<RawHttp2.Frame> frames) {
        return frames.stream()
                .filter(frame -> frame.type() == RawHttp2.DATA)
                .map(RawHttp2.Frame::text)
                .collect(Collectors.joining());
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(4).putInt(value).array();
    }

    @AfterEach
    void calm() {
        listener.closeAfterAnswers(false);
        secure.closeAfterAnswers(false);
    }

    @AfterAll
    static void stop() {
        secure.drain(Duration.ZERO)
                .then(listener.drain(Duration.ZERO))
                .then(listener.close())
                .block();
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

    @Test
    void connectionOfH2TakesNoFurtherRequestsAndFinishesWhatIsUnderWay() throws IOException {
        try (RawHttp2 client = new RawHttp2(secure.port(), trust)) {
            client.get(1, get("/held"));
            client.get(3, get("/"));
            assertThat(body(client.answer(3))).isEqualTo("general");

            secure.closeAfterAnswers(true);
            client.get(5, get("/"));
            List<RawHttp2.Frame> told = client.readUntil(frame -> frame.stream() == 5 && frame.ends());
            client.get(7, get("/"));
            HELD.tryEmitValue("to the end");
            List<RawHttp2.Frame> rest = client.readUntil(frame -> false);

            RawHttp2.Frame goAway = told.stream()
                    .filter(frame -> frame.type() == RawHttp2.GOAWAY)
                    .findFirst()
                    .orElseThrow();
            assertThat(goAway.errorCode()).isZero();
            assertThat(ByteBuffer.wrap(goAway.payload()).getInt()).isEqualTo(5);
            assertThat(body(told)).isEqualTo("general");
            assertThat(body(rest)).isEqualTo("to the end");
            // not served: passed over, or refused so that the client knows that it may ask again elsewhere
            assertThat(rest)
                    .filteredOn(frame -> frame.stream() == 7)
                    .allMatch(frame ->
                            frame.type() == RawHttp2.RST_STREAM && frame.errorCode() == RawHttp2.REFUSED_STREAM);
        }
    }

    @Test
    void streamOfH2WhoseClientIsBehindIsResetAndItsConnectionStays() throws IOException {
        try (RawHttp2 client = new RawHttp2(secure.port(), trust)) {
            assertThat(secure.cutFurthestBehind()).isZero();
            client.get(1, get("/flood"));

            await().until(() -> secure.cutFurthestBehind() == 1);

            List<RawHttp2.Frame> flood = client.answer(1);
            RawHttp2.Frame last = flood.get(flood.size() - 1);
            assertThat(last.type()).isEqualTo(RawHttp2.RST_STREAM);
            assertThat(last.errorCode()).isEqualTo(RawHttp2.ENHANCE_YOUR_CALM);
            client.send(RawHttp2.WINDOW_UPDATE, 0, 0, number(1 << 20)).get(3, get("/"));
            assertThat(body(client.answer(3))).isEqualTo("general");
        }
    }

    @Test
    void floodForAClientOfH2ThatReadsNothingEnds() throws IOException {
        int before = ENDED.get();
        try (RawHttp2 client = new RawHttp2(secure.port(), trust, 1 << 30)) {
            client.send(RawHttp2.WINDOW_UPDATE, 0, 0, number(1 << 30)).get(1, get("/flood"));

            await().untilAsserted(() -> {
                secure.cutFurthestBehind();
                assertThat(ENDED).hasValue(before + 1);
            });
        }
    }
}
