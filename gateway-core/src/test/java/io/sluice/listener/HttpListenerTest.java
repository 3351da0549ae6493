package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

class HttpListenerTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("listener-test", 2);

    private static final long MAX_BODY_BYTES = 1 << 20;
    private static final AtomicInteger HANDLED = new AtomicInteger();
    private static HttpListener listener;

    @BeforeAll
    static void start() {
        ListenerSettings settings =
                ListenerSettings.of("127.0.0.1", 0).withLimits(Limits.STANDARD.withMaxBodyBytes(MAX_BODY_BYTES));
        listener = HttpListener.start(settings, LOOPS, (request, response) -> {
                    HANDLED.incrementAndGet();
                    return BodyReader.read(request, MAX_BODY_BYTES)
                            .flatMap(body -> response.sendString(Mono.just("got " + body.length)).then());
                })
                .block();
    }

    @AfterAll
    static void stop() {
        listener.drain(Duration.ofSeconds(2)).then(listener.close()).block();
    }

    @Test
    void bodyIsRead() throws IOException {
        String answer = exchange("POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Content-Length: 5\r\n\r\nhello");

        assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("got 5");
    }

    @Test
    void missingHostIsRefused() throws IOException {
        assertThat(exchange("GET / HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 400 ").contains("Host header is missing");
    }

    @Test
    void chunkedBodyBeyondTheLimitIsRefused() throws IOException {
        String chunk = "10000\r\n" + "x".repeat(0x10000) + "\r\n";
        try (RawClient client = new RawClient(listener.port())) {
            client.send("POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 17; i++) {
                client.send(chunk);
            }

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 413 ").contains("exceeds 1048576 bytes");
        }
    }

    private static String exchange(String request) throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            return client.send(request).readToEnd();
        }
    }
}
