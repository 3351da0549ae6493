package io.sluice.listener;

import static io.sluice.listener.HttpCase.END;
import static io.sluice.listener.HttpCase.H;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * Bytes in, answers out: what a listener must make of requests that are wrong, odd, or meant to be read differently by
 * somebody else on the way. Each case is sent on a connection of its own; the answers must be exactly those expected, the
 * connection must end, and the handler must have seen exactly what was answered with 200.
 */
class HttpSemanticsTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("semantics-test", 2);
    private static final Limits LIMITS = Limits.STANDARD.withMaxBodyBytes(65_536);
    private static final Queue<String> SEEN = new ConcurrentLinkedQueue<>();
    private static HttpListener listener;

    @BeforeAll
    static void start() {
        Duration soon = Duration.ofMillis(800);
        ListenerSettings settings = ListenerSettings.of("127.0.0.1", 0)
                .withLimits(LIMITS)
                .withTimeouts(new Timeouts(soon, soon, soon, soon, soon));
        listener = Listeners.start(
                settings,
                LOOPS,
                (request, response) -> BodyReader.read(request, LIMITS.maxBodyBytes())
                        .flatMap(body -> {
                            SEEN.add(request.method() + " " + request.uri() + " " + body.length);
                            return response.sendString(Mono.just("ok")).then();
                        }));
    }

    @AfterAll
    static void stop() {
        listener.drain(Duration.ofSeconds(2)).then(listener.close()).block();
    }

    @BeforeEach
    void forget() {
        SEEN.clear();
    }

    static List<HttpCase> cases() {
        return Stream.concat(HeadCases.all().stream(), BodyCases.all().stream()).toList();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void answerIsTheOneExpected(HttpCase c) throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send(c.bytes());
            String answers = client.readToEnd();

            assertThat(String.join(" ", statuses(answers))).as(answers).isEqualTo(c.answers());
            long served = statuses(answers).stream().filter("200"::equals).count();
            assertThat(SEEN).hasSize((int) served).noneMatch(seen -> seen.contains("smuggled"));
        }
    }

    @Test
    void corpusIsLargeEnough() {
        assertThat(cases()).hasSizeGreaterThanOrEqualTo(150);
    }

    @Test
    void answerToHeadHasNoBody() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("HEAD /a HTTP/1.1\r\n" + H + "\r\nGET /b HTTP/1.1\r\n" + H + END);

            String[] answers = client.readToEnd().split("\r\n\r\n", -1);

            assertThat(answers).hasSize(3);
            assertThat(answers[0]).startsWith("HTTP/1.1 200 ");
            assertThat(answers[1]).startsWith("HTTP/1.1 200 ");
            assertThat(SEEN).containsExactly("HEAD /a 0", "GET /b 0");
        }
    }

    @Test
    void refusedHeadHasNoBodyEither() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("HEAD /../a HTTP/1.1\r\n" + H + "\r\n");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 400 ").endsWith("\r\n\r\n");
        }
    }

    /** The statuses of a connection's answers, read strictly one after the other: nothing may stand between them. */
    private static List<String> statuses(String answers) {
        List<String> statuses = new ArrayList<>();
        String rest = answers;
        while (!rest.isEmpty()) {
            assertThat(rest).matches("(?s)HTTP/1\\.[01] .*");
            String status = rest.substring(9, 12);
            statuses.add(status);
            int headEnd = rest.indexOf("\r\n\r\n");
            assertThat(headEnd).as(rest).isPositive();
            String head = rest.substring(0, headEnd + 2).toLowerCase(Locale.ROOT);
            rest = rest.substring(headEnd + 4);
            int length = head.indexOf("content-length: ");
            if (length >= 0) {
                int bytes = Integer.parseInt(head.substring(length + 16, head.indexOf("\r\n", length)));
                rest = rest.substring(bytes);
            } else if (head.contains("transfer-encoding: chunked")) {
                rest = rest.substring(rest.indexOf("0\r\n\r\n") + 5);
            } else {
                assertThat(status).isEqualTo("100");
            }
        }
        return statuses;
    }
}
