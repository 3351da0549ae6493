package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.listener.RawHttp2.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** The same rules over h2, and what only h2 can be abused for. */
@Timeout(60)
class Http2Test {
    private static final String[] REQUEST = {
        ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "localhost"
    };
    private static final Queue<String> SEEN = new ConcurrentLinkedQueue<>();
    private static final AtomicInteger CANCELLED = new AtomicInteger();

    @TempDir
    static Path files;

    private static LoopResources loops;
    private static SSLContext trust;
    private static ListenerSettings settings;
    private static HttpListener listener;

    @BeforeAll
    static void start() throws Exception {
        TestPki pki = new TestPki(files);
        trust = pki.client(null);
        Timeouts timeouts = new Timeouts(
                Duration.ofSeconds(2),
                Duration.ofSeconds(1),
                Duration.ofMillis(400),
                Duration.ofMillis(800),
                Duration.ofMillis(600));
        settings = ListenerSettings.of("127.0.0.1", 0)
                .withTls(pki.listenerTls("localhost"))
                .withTimeouts(timeouts);
        loops = HttpListener.newLoops("http2-test", 2);
        listener = open();
    }

    @AfterAll
    static void stop() {
        listener.close().block();
    }

    @BeforeEach
    void forget() {
        SEEN.clear();
        CANCELLED.set(0);
    }

    private static HttpListener open() {
        return Listeners.start(settings, loops, (request, response) -> switch (request.uri()) {
            case "/flood" -> response.send(blocks().doOnCancel(CANCELLED::incrementAndGet));
            case "/events" ->
                response.sse()
                        .sendString(Flux.range(1, 10)
                                .delayElements(Duration.ofMillis(50))
                                .map(i -> "data: " + i + "\n\n"));
            default ->
                BodyReader.read(request, 1000).flatMap(body -> {
                    SEEN.add(request.method() + " " + request.uri() + " " + body.length);
                    return response.sendString(Mono.just("ok")).then();
                });
        });
    }

    @Test
    void requestIsServed() throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            assertThat(client.protocol()).isEqualTo("h2");
            List<Frame> answer = client.get(1, REQUEST).answer(1);

            assertThat(answer.get(0).status()).isEqualTo(200);
            assertThat(answer.get(1).text()).isEqualTo("ok");
            assertThat(SEEN).containsExactly("GET / 0");
        }
    }

    @Test
    void bodyIsReadAndBounded() throws IOException {
        String[] post = {":method", "POST", ":scheme", "https", ":path", "/", ":authority", "localhost"};
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            client.send(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, RawHttp2.block(post))
                    .send(RawHttp2.DATA, 0, 1, new byte[600])
                    .send(RawHttp2.DATA, RawHttp2.END_STREAM, 1, new byte[400]);
            assertThat(client.answer(1).get(0).status()).isEqualTo(200);

            client.send(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 3, RawHttp2.block(post))
                    .send(RawHttp2.DATA, 0, 3, new byte[600])
                    .send(RawHttp2.DATA, RawHttp2.END_STREAM, 3, new byte[401]);
            assertThat(client.answer(3).get(0).status()).isEqualTo(413);

            assertThat(SEEN).containsExactly("POST / 1000");
        }
    }

    @Test
    void streamResetAmidItsBodyIsNotServed() throws IOException {
        String[] post = {":method", "POST", ":scheme", "https", ":path", "/", ":authority", "localhost"};
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            client.send(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, RawHttp2.block(post))
                    .send(RawHttp2.DATA, 0, 1, new byte[600])
                    .send(RawHttp2.RST_STREAM, 0, 1, new byte[] {0, 0, 0, 8});
            client.get(3, REQUEST).answer(3);

            assertThat(SEEN).containsExactly("GET / 0");
        }
    }

    static Stream<Arguments> refusals() {
        String many = "x".repeat(5000);
        String[] headers101 = new String[2 * 100];
        Arrays.fill(headers101, "a");
        return Stream.of(
                refusal("foreign authority", 403, "GET", "/", "evil.example"),
                refusal("foreign origin", 403, "GET", "/", "localhost", "origin", "http://evil.example"),
                refusal("address for a probe", 200, "GET", "/livez", "10.1.2.3"),
                refusal("authority with user info", 400, "GET", "/", "a@localhost"),
                refusal("TRACE", 405, "TRACE", "/", "localhost"),
                refusal("PATCH", 405, "PATCH", "/", "localhost"),
                refusal("path with dots", 400, "GET", "/a/../b", "localhost"),
                refusal("path that is none", 400, "GET", "a", "localhost"),
                refusal("path of 5000 bytes", 414, "GET", "/" + many, "localhost"),
                refusal("value of 5000 bytes", 431, "GET", "/", "localhost", "a", many),
                refusal("underscore in a name", 400, "GET", "/", "localhost", "a_b", "c"),
                refusal("content encoding", 415, "GET", "/", "localhost", "content-encoding", "gzip"),
                refusal("length beyond the limit", 413, "GET", "/", "localhost", "content-length", "99999999"),
                refusal("101 headers", 431, "GET", "/", "localhost", headers101));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void refusalIsTheSameAsOverHttp1(String name, int status, List<String> headers) throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            List<Frame> answer = client.get(1, headers.toArray(String[]::new)).answer(1);

            if (name.startsWith("length")) {
                // announces what does not come: the codec may be first
                assertThat(answer.get(0).type() == RawHttp2.RST_STREAM
                                || answer.get(0).status() == status)
                        .isTrue();
            } else {
                assertThat(answer.get(0).type()).isEqualTo(RawHttp2.HEADERS);
                assertThat(answer.get(0).status()).isEqualTo(status);
            }
            assertThat(SEEN).hasSize(status == 200 ? 1 : 0);
        }
    }

    static Stream<Arguments> malformed() {
        return Stream.of(
                Arguments.of("no method", List.of(":scheme", "https", ":path", "/", ":authority", "localhost")),
                Arguments.of("no scheme", List.of(":method", "GET", ":path", "/", ":authority", "localhost")),
                Arguments.of("no path", List.of(":method", "GET", ":scheme", "https", ":authority", "localhost")),
                Arguments.of(
                        "empty path",
                        List.of(":method", "GET", ":scheme", "https", ":path", "", ":authority", "localhost")),
                Arguments.of("path with a fragment", path("/a#b")),
                Arguments.of("path with a space", path("/a b")),
                Arguments.of("path with a high byte", path("/\u00e9")),
                Arguments.of("path with a brace", path("/{")),
                Arguments.of("absolute path", path("https://localhost/")),
                Arguments.of("asterisk", path("*")),
                Arguments.of("method with a space", method("GET /")),
                Arguments.of("method with a high byte", method("G\u00c9T")),
                Arguments.of("empty method", method("")),
                Arguments.of("authority and another host", with("host", "evil.example")),
                Arguments.of("CONNECT", List.of(":method", "CONNECT", ":authority", "localhost")),
                Arguments.of("no pseudo-header at all", List.of("a", "b")),
                Arguments.of("unknown pseudo-header", with(":a", "b")),
                Arguments.of("two methods", with(":method", "GET")),
                Arguments.of("status in a request", with(":status", "200")),
                Arguments.of("connection", with("connection", "close")),
                Arguments.of("transfer-encoding", with("transfer-encoding", "chunked")),
                Arguments.of("te other than trailers", with("te", "gzip")),
                Arguments.of("capital letter in a name", with("A", "b")),
                Arguments.of("line feed in a value", with("a", "b\nc: d")),
                Arguments.of("carriage return in a value", with("a", "b\rc")),
                Arguments.of("NUL in a value", with("a", "b\0c")),
                Arguments.of("space in a name", with("a b", "c")),
                Arguments.of("colon in a name", with("a:b", "c")),
                Arguments.of("empty name", with("", "c")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void malformedRequestIsResetOrRefused(String name, List<String> headers) throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            List<Frame> answer = client.get(1, headers.toArray(String[]::new)).answer(1);

            assertThat(answer).isNotEmpty();
            Frame first = answer.get(0);
            assertThat(first.type() == RawHttp2.HEADERS ? first.status() == 400 : first.errorCode() != 0)
                    .as(first.toString())
                    .isTrue();
            assertThat(SEEN).isEmpty();
        }
    }

    @Test
    void missingPseudoHeaderIsAProtocolErrorOfItsStreamAlone() throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            client.get(1, ":method", "GET", ":scheme", "https", ":authority", "localhost");
            Frame reset = client.answer(1).get(0);
            assertThat(reset.type()).isEqualTo(RawHttp2.RST_STREAM);
            assertThat(reset.errorCode()).isEqualTo(RawHttp2.PROTOCOL_ERROR);

            assertThat(client.get(3, REQUEST).answer(3).get(0).status()).isEqualTo(200);
        }
    }

    @Test
    void trailersAreNoRequest() throws IOException {
        String[] post = {":method", "POST", ":scheme", "https", ":path", "/", ":authority", "localhost"};
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            client.send(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, RawHttp2.block(post))
                    .send(RawHttp2.DATA, 0, 1, new byte[5])
                    .get(1, "a", "b");

            assertThat(client.answer(1).get(0).status()).isEqualTo(200);
            assertThat(SEEN).containsExactly("POST / 5");
        }
    }

    interface Abuse {
        void round(RawHttp2 client, int stream) throws IOException;
    }

    private static final Duration FLOOD = Duration.ofSeconds(Integer.getInteger("sluice.flood.seconds", 0));
    private static final byte[] PING_DATA = new byte[8];
    private static final byte[] CANCEL = {0, 0, 0, 8};
    private static final byte[] NOTHING = {};

    static Stream<Arguments> abuses() {
        Abuse ping = (client, stream) -> client.send(RawHttp2.PING, 0, 0, PING_DATA);
        Abuse settings = (client, stream) -> client.send(RawHttp2.SETTINGS, 0, 0, NOTHING);
        Abuse rapidReset = (client, stream) -> client.get(stream, REQUEST).send(RawHttp2.RST_STREAM, 0, stream, CANCEL);
        // a window update of nothing makes the server reset the stream itself
        Abuse madeYouReset =
                (client, stream) -> client.send(RawHttp2.HEADERS, RawHttp2.END_HEADERS, stream, RawHttp2.block(REQUEST))
                        .send(RawHttp2.WINDOW_UPDATE, 0, stream, new byte[4]);
        Abuse emptyData = (client, stream) -> {
            if (stream == 1) {
                client.send(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, RawHttp2.block(REQUEST));
            }
            client.send(RawHttp2.DATA, 0, 1, NOTHING);
        };
        Abuse continuation = (client, stream) -> {
            if (stream == 1) {
                client.send(RawHttp2.HEADERS, 0, 1, RawHttp2.block(REQUEST));
            }
            client.send(RawHttp2.CONTINUATION, 0, 1, NOTHING);
        };
        Abuse largeContinuation = (client, stream) -> {
            if (stream == 1) {
                client.send(RawHttp2.HEADERS, 0, 1, RawHttp2.block(REQUEST));
            }
            client.send(RawHttp2.CONTINUATION, 0, 1, RawHttp2.block("a", "x".repeat(4000)));
        };
        return Stream.of(
                Arguments.of("PING", ping),
                Arguments.of("SETTINGS", settings),
                Arguments.of("rapid reset", rapidReset),
                Arguments.of("made you reset", madeYouReset),
                Arguments.of("empty DATA", emptyData),
                Arguments.of("empty CONTINUATION", continuation),
                Arguments.of("large CONTINUATION", largeContinuation));
    }

    /** One connection of each kind here; {@code -Dsluice.flood.seconds=10} for as many as fit into that time, each. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("abuses")
    void floodEndsItsConnectionAndNobodyElses(String name, Abuse abuse) throws IOException {
        long begun = System.nanoTime();
        int floods = 0;
        do {
            flood(abuse);
            floods++;
        } while (System.nanoTime() - begun < FLOOD.toNanos());
        if (!FLOOD.isZero()) {
            System.out.println("Http2Test: " + name + ", " + floods + " connections cut in " + FLOOD.toSeconds()
                    + " s, every honest request beside them answered");
        }
    }

    /** Whether writing on fails before long. */
    private static boolean isClosed(Abuse abuse, RawHttp2 client, int rounds) {
        long end = System.nanoTime() + 10_000_000_000L;
        try {
            for (int round = rounds; System.nanoTime() < end; round++) {
                abuse.round(client, 2 * round + 1);
            }
            return false;
        } catch (IOException closed) {
            return true;
        }
    }

    private static void flood(Abuse abuse) throws IOException {
        try (RawHttp2 honest = new RawHttp2(listener.port(), trust);
                RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            assertThat(honest.get(1, REQUEST).answer(1).get(0).status()).isEqualTo(200);
            int rounds = 0;
            List<Frame> frames = new ArrayList<>();
            try {
                while (rounds < 5000) {
                    abuse.round(client, 2 * rounds + 1);
                    rounds++;
                }
            } catch (IOException closed) {
                // as it should be
            }
            frames.addAll(client.readUntil(frame -> frame.type() == RawHttp2.GOAWAY));

            // either the reason was still to be read, or the connection was gone before it was
            if (!frames.isEmpty() && frames.get(frames.size() - 1).type() == RawHttp2.GOAWAY) {
                assertThat(frames.get(frames.size() - 1).errorCode()).isNotZero();
            } else {
                assertThat(isClosed(abuse, client, rounds)).isTrue();
            }
            assertThat(client.readUntil(frame -> false)).hasSizeLessThan(5000);
            assertThat(honest.get(3, REQUEST).answer(3).get(0).status()).isEqualTo(200);
        }
    }

    @Test
    void pingFloodIsToldToCalmDown() throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            for (int i = 0; i < Limits.STANDARD.maxControlFrames() + 1; i++) {
                client.send(RawHttp2.PING, 0, 0, PING_DATA);
            }
            List<Frame> frames = client.readUntil(frame -> frame.type() == RawHttp2.GOAWAY);

            assertThat(frames.get(frames.size() - 1).errorCode()).isEqualTo(RawHttp2.ENHANCE_YOUR_CALM);
        }
    }

    @Test
    void pingsWithinTheBudgetAreAnswered() throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            for (int i = 0; i < 100; i++) {
                client.send(
                        RawHttp2.PING, 0, 0, ByteBuffer.allocate(8).putLong(i).array());
            }
            List<Frame> frames = client.readUntil(frame -> frame.type() == RawHttp2.PING
                    && ByteBuffer.wrap(frame.payload()).getLong() == 99);

            assertThat(frames)
                    .filteredOn(frame -> frame.type() == RawHttp2.PING)
                    .hasSize(100);
            assertThat(client.get(1, REQUEST).answer(1).get(0).status()).isEqualTo(200);
        }
    }

    @Test
    void streamWhoseWindowStaysShutIsReset() throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust, 1000)) {
            client.get(1, ":method", "GET", ":scheme", "https", ":path", "/flood", ":authority", "localhost");
            List<Frame> answer = client.answer(1);

            Frame last = answer.get(answer.size() - 1);
            assertThat(last.type()).isEqualTo(RawHttp2.RST_STREAM);
            assertThat(last.errorCode()).isEqualTo(RawHttp2.ENHANCE_YOUR_CALM);
            await().until(() -> CANCELLED.get() == 1);
            assertThat(client.get(3, REQUEST).answer(3).get(0).status()).isEqualTo(200);
        }
    }

    @Test
    void idleConnectionIsClosed() throws IOException {
        try (RawHttp2 client = new RawHttp2(listener.port(), trust)) {
            // answers no PING either
            assertThat(client.readUntil(frame -> false)).hasSizeLessThan(10);
        }
    }

    @Test
    void streamInFlightFinishesOnADrain() throws IOException {
        HttpListener own = open();
        try (RawHttp2 client = new RawHttp2(own.port(), trust)) {
            client.get(1, ":method", "GET", ":scheme", "https", ":path", "/events", ":authority", "localhost");
            client.readUntil(frame -> frame.type() == RawHttp2.DATA);

            Mono<Void> drain = own.drain(Duration.ofSeconds(10)).cache();
            Disposable draining = drain.subscribe();
            List<Frame> rest = client.readUntil(frame -> false);

            assertThat(rest).anyMatch(frame -> frame.type() == RawHttp2.GOAWAY && frame.errorCode() == 0);
            assertThat(rest.stream().filter(frame -> frame.stream() == 1).map(Frame::text))
                    .anyMatch(text -> text.contains("data: 10"));
            assertThat(rest).anyMatch(frame -> frame.stream() == 1 && frame.ends());
            drain.block(Duration.ofSeconds(2));
            draining.dispose();
        }
    }

    private static Arguments refusal(
            String name, int status, String method, String path, String authority, String... more) {
        List<String> headers =
                new ArrayList<>(List.of(":method", method, ":scheme", "https", ":path", path, ":authority", authority));
        headers.addAll(List.of(more));
        return Arguments.of(name, status, headers);
    }

    private static List<String> with(String name, String value) {
        List<String> headers = new ArrayList<>(List.of(REQUEST));
        headers.add(name);
        headers.add(value);
        return headers;
    }

    private static List<String> path(String path) {
        return List.of(":method", "GET", ":scheme", "https", ":path", path, ":authority", "localhost");
    }

    private static List<String> method(String method) {
        return List.of(":method", method, ":scheme", "https", ":path", "/", ":authority", "localhost");
    }

    private static Flux<ByteBuf> blocks() {
        byte[] block = new byte[16 * 1024];
        return Flux.<ByteBuf>generate(sink -> sink.next(Unpooled.wrappedBuffer(block)));
    }
}
