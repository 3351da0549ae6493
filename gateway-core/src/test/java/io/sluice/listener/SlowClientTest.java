package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** Clients that take their time, with every wait of the listener shortened to less than a second. */
@Timeout(60)
class SlowClientTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("slow-test", 2);
    private static final ScheduledExecutorService DRIPS = Executors.newScheduledThreadPool(1);
    private static final AtomicInteger HANDLED = new AtomicInteger();
    private static final AtomicInteger CANCELLED = new AtomicInteger();
    private static final String H = "Host: localhost\r\n";
    private static HttpListener listener;

    @BeforeAll
    static void start() {
        Timeouts timeouts = new Timeouts(
                Duration.ofMillis(500),
                Duration.ofMillis(500),
                Duration.ofMillis(400),
                Duration.ofMillis(800),
                Duration.ofMillis(600));
        listener = Listeners.start(
                ListenerSettings.of("127.0.0.1", 0).withTimeouts(timeouts), LOOPS, (request, response) -> {
                    if (request.uri().equals("/flood")) {
                        return response.send(blocks().doOnCancel(CANCELLED::incrementAndGet));
                    }
                    if (request.uri().equals("/never")) {
                        return Mono.<Void>never().doOnCancel(CANCELLED::incrementAndGet);
                    }
                    return BodyReader.read(request, 1 << 20).flatMap(body -> {
                        HANDLED.incrementAndGet();
                        return response.sendString(Mono.just("ok")).then();
                    });
                });
    }

    @AfterAll
    static void stop() {
        DRIPS.shutdownNow();
        listener.drain(Duration.ofSeconds(2)).then(listener.close()).block();
    }

    @BeforeEach
    void forget() {
        HANDLED.set(0);
        CANCELLED.set(0);
    }

    @Test
    void silentConnectionIsClosed() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            assertThat(client.readToEnd()).isEmpty();
        }
    }

    @Test
    void idleConnectionIsClosed() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET / HTTP/1.1\r\n" + H + "\r\n");

            assertThat(client.readToEnd()).endsWith("ok");
            assertThat(HANDLED).hasValue(1);
        }
    }

    @Test
    void trickledHeadIsCutOff() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET / HTTP/1.1\r\n" + H);
            Future<?> drip = drip(client, "X-A: b\r\n");

            assertThat(client.readToEnd()).isEmpty();
            drip.cancel(true);
            assertThat(HANDLED).hasValue(0);
        }
    }

    @Test
    void trickledBodyIsCutOff() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("POST / HTTP/1.1\r\n" + H + "Content-Length: 1000\r\n\r\n");
            Future<?> drip = drip(client, "x");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 408 ");
            drip.cancel(true);
            assertThat(HANDLED).hasValue(0);
        }
    }

    @Test
    void trickledChunksAreCutOff() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("POST / HTTP/1.1\r\n" + H + "Transfer-Encoding: chunked\r\n\r\n");
            Future<?> drip = drip(client, "1\r\nx\r\n");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 408 ");
            drip.cancel(true);
            assertThat(HANDLED).hasValue(0);
        }
    }

    @Test
    void stoppedBodyIsCutOff() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("POST / HTTP/1.1\r\n" + H + "Content-Length: 10\r\n\r\nhello");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 408 ");
            assertThat(HANDLED).hasValue(0);
        }
    }

    @Test
    void bodyThatTricklesAfterItsRefusalIsCutOff() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("POST / HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 1000\r\n\r\n");
            Future<?> drip = drip(client, "x");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 403 ");
            drip.cancel(true);
        }
    }

    @Test
    void clientThatLeavesAmidItsBodyIsNotServed() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("POST / HTTP/1.1\r\n" + H + "Content-Length: 10\r\n\r\nhello");
        }
        try (RawClient next = new RawClient(listener.port())) {
            next.send("POST / HTTP/1.1\r\n" + H + "Connection: close\r\nContent-Length: 5\r\n\r\nhello");
            assertThat(next.readToEnd()).endsWith("ok");
        }

        assertThat(HANDLED).hasValue(1);
    }

    @Test
    void clientThatReadsNothingIsCutOff() throws IOException {
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(4096);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), listener.port()));
            new RawClient(socket).send("GET /flood HTTP/1.1\r\n" + H + "\r\n");

            await().atMost(Duration.ofSeconds(5)).until(() -> CANCELLED.get() == 1);
        }
    }

    @Test
    void clientThatReadsSlowlyButSteadilyIsServed() throws IOException {
        try (Socket socket = new Socket()) {
            socket.setReceiveBufferSize(4096);
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), listener.port()));
            RawClient client = new RawClient(socket).send("GET /flood HTTP/1.1\r\n" + H + "\r\n");
            AtomicInteger reads = new AtomicInteger();
            Future<?> reading = DRIPS.scheduleAtFixedRate(
                    () -> {
                        try {
                            if (client.socket().getInputStream().readNBytes(64 * 1024).length > 0) {
                                reads.incrementAndGet();
                            }
                        } catch (IOException e) {
                            throw new IllegalStateException(e);
                        }
                    },
                    0,
                    50,
                    TimeUnit.MILLISECONDS);

            // four times the wait after which a stalled client is cut off
            await().atMost(Duration.ofSeconds(10)).until(() -> reads.get() >= 48);

            assertThat(CANCELLED).hasValue(0);
            reading.cancel(true);
        }
    }

    @Test
    void requestsSentAheadOfAnEndlessAnswerAreBounded() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET /flood HTTP/1.1\r\n" + H + "\r\n");
            client.readUntil("\r\n\r\n");
            String ahead = "GET / HTTP/1.1\r\n" + H + "\r\n";
            for (int i = 0; i < 10_000; i++) {
                client.send(ahead);
            }

            assertThat(HANDLED).hasValue(0);
        }
        await().until(() -> CANCELLED.get() == 1);
        assertThat(HANDLED).hasValue(0);
    }

    @Test
    void disconnectCancelsTheHandler() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("GET /never HTTP/1.1\r\n" + H + "\r\n");
        }

        await().atMost(Duration.ofSeconds(2)).until(() -> CANCELLED.get() == 1);
    }

    @Test
    void threeHundredSlowClientsAreAllCutOffWhileOthersAreServed() throws IOException {
        List<RawClient> slow = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            slow.add(new RawClient(listener.port()).send("GET / HTTP/1.1\r\n" + H));
            slow.add(new RawClient(listener.port()).send("POST / HTTP/1.1\r\n" + H + "Content-Length: 9\r\n\r\nx"));
            slow.add(new RawClient(listener.port()).send("GE"));
        }

        for (int i = 0; i < 20; i++) {
            try (RawClient honest = new RawClient(listener.port())) {
                honest.send("GET / HTTP/1.1\r\n" + H + "Connection: close\r\n\r\n");
                assertThat(honest.readToEnd()).endsWith("ok");
            }
        }
        for (RawClient client : slow) {
            String answer = client.readToEnd();
            assertThat(answer.isEmpty() || answer.startsWith("HTTP/1.1 408 "))
                    .as(answer)
                    .isTrue();
            client.close();
        }
        assertThat(HANDLED).hasValue(20);
    }

    private static Future<?> drip(RawClient client, String drop) {
        return DRIPS.scheduleAtFixedRate(
                () -> {
                    try {
                        client.send(drop);
                    } catch (IOException closed) {
                        throw new IllegalStateException(closed); // ends the dripping
                    }
                },
                50,
                50,
                TimeUnit.MILLISECONDS);
    }

    private static Flux<ByteBuf> blocks() {
        byte[] block = "x".repeat(16 * 1024).getBytes(StandardCharsets.ISO_8859_1);
        return Flux.<ByteBuf>generate(sink -> sink.next(Unpooled.wrappedBuffer(block)));
    }
}
