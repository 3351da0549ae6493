package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.listener.Timeouts;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every kind of request and every fault of a backend goes the short way and the general one: nobody can tell from the
 * answer which it was, nor the backend from what it receives.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DirectCallsTest {
    private static final String RESULT =
            "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"21 C\"}]}";
    private static final Duration IDLE = Duration.ofMillis(300);

    private final FakeBackend backend = FakeBackend.modern();
    private final TestGateway direct = TestGateway.start();
    private final TestGateway general = TestGateway.setUp().withoutLane().start();

    @BeforeAll
    void start() {
        backend.tool("echo", arguments -> arguments.toString());
        direct.with(backend.backend("weather"));
        general.with(backend.backend("weather"));
    }

    @AfterAll
    void stop() throws Exception {
        direct.close();
        general.close();
        backend.close();
    }

    private static String response(String id) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":" + RESULT + "}";
    }

    /** What a backend may do with a call. */
    static Map<String, FakeBackend.Script> behaviours() {
        Map<String, FakeBackend.Script> all = new TreeMap<>();
        all.put("result", (request, answer) -> answer.result(RESULT));
        all.put("result after spaces", (request, answer) -> answer.json("  \n" + response("" + request.id())));
        all.put("error", (request, answer) -> answer.error(200, -32000, "no"));
        all.put("invalid params, 400", (request, answer) -> answer.error(400, -32602, "no"));
        all.put("invalid params, 200", (request, answer) -> answer.error(200, -32602, "no"));
        all.put("method not found", (request, answer) -> answer.error(404, -32601, "no"));
        all.put("header mismatch", (request, answer) -> answer.error(400, -32020, "no"));
        all.put("header mismatch as a success", (request, answer) -> answer.error(200, -32020, "no"));
        all.put(
                "limited",
                (request, answer) -> answer.header("Retry-After", "3").error(429, -32000, "slow down"));
        all.put("unauthorized", (request, answer) -> answer.error(401, -32000, "who are you"));
        all.put("server error", (request, answer) -> answer.error(500, -32603, "oh"));
        all.put("unavailable", (request, answer) -> answer.status(503, "text/plain", "later"));
        all.put(
                "redirect",
                (request, answer) -> answer.header("Location", "/elsewhere").status(302, null, ""));
        all.put("accepted", (request, answer) -> answer.accepted());
        all.put("no content", (request, answer) -> answer.status(204, null, ""));
        all.put("a page", (request, answer) -> answer.status(200, "text/html", "<html>"));
        all.put("no type", (request, answer) -> answer.status(200, null, response("" + request.id())));
        all.put(
                "charset",
                (request, answer) ->
                        answer.status(200, "application/json; charset=utf-8", response("" + request.id())));
        all.put("not json", (request, answer) -> answer.json("{\"jsonrpc\":"));
        all.put("no message", (request, answer) -> answer.json("[1,2,3]"));
        all.put("no response", (request, answer) -> answer.json("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}"));
        all.put(
                "id as text",
                (request, answer) -> answer.json(response("\"" + request.id().asString() + "\"")));
        all.put("null id", (request, answer) -> answer.json(response("null")));
        all.put("id of another", (request, answer) -> answer.json(response("\"another\"")));
        all.put("compressed", (request, answer) -> {
            answer.header("Content-Encoding", "br");
            answer.json(response("" + request.id()));
        });
        all.put("in drips", (request, answer) -> answer.drip(response("" + request.id()), 7));
        all.put("large", (request, answer) -> answer.json(large(request)));
        all.put(
                "medium",
                (request, answer) -> answer.json(response("" + request.id()).replace("21 C", "x".repeat(60_000))));
        all.put(
                "events",
                (request, answer) -> answer.events()
                        .message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":1}}")
                        .message(response("" + request.id()))
                        .end());
        all.put(
                "events without a response",
                (request, answer) -> answer.events()
                        .message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":1}}")
                        .end());
        all.put("closed without an answer", (request, answer) -> answer.close());
        all.put("reset without an answer", (request, answer) -> answer.reset());
        all.put("closed within a small body", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "400")
                    .head(200);
            answer.raw("{\"jsonrpc\"");
            answer.close();
        });
        all.put("no http", (request, answer) -> {
            answer.raw("SSH-2.0-OpenSSH_9.2\r\n\r\n");
            answer.close();
        });
        all.put("without a length", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Connection", "close")
                    .head(200);
            answer.raw(response("" + request.id()));
            answer.close();
        });
        return all;
    }

    /** What one may do besides with a call of a modern client, whose large answers pass on the lane. */
    private static Map<String, FakeBackend.Script> largeAnswers() {
        Map<String, FakeBackend.Script> all = behaviours();
        all.put("large, id as text", (request, answer) -> answer.json(large("\"one\"")));
        all.put("large, id of another", (request, answer) -> answer.json(large("17")));
        all.put(
                "large, id last",
                (request, answer) -> answer.json(
                        "{\"result\":{\"content\":[],\"x\":\"" + "x".repeat(300_000) + "\"},\"id\":\"two\"}"));
        all.put("large, after spaces", (request, answer) -> answer.json(" ".repeat(70_000) + large("1")));
        all.put("large, no object", (request, answer) -> answer.json("x".repeat(300_000)));
        all.put("large, in drips", (request, answer) -> answer.drip(large("1"), 50_000));
        all.put("large, closed before it begins", (request, answer) -> breakOff(answer, 300_000, 20_000));
        return all;
    }

    private static String large(FakeBackend.Received request) {
        return large("" + request.id());
    }

    private static String large(String id) {
        return response(id).replace("21 C", "x".repeat(300_000));
    }

    private static void breakOff(FakeBackend.Answer answer, int announced, int sent) throws IOException {
        answer.header("Content-Type", "application/json")
                .header("Content-Length", "" + announced)
                .head(200);
        answer.raw(large("1").substring(0, sent));
        answer.close();
    }

    /** Of which something has passed already. */
    private static List<FakeBackend.Script> brokenLargeAnswers() {
        return List.of(
                (request, answer) -> breakOff(answer, 300_000, 200_000),
                (request, answer) -> answer.json(large(request) + large(request)),
                (request, answer) -> answer.json(large(request).replace("}]}}", "}]}")),
                (request, answer) -> answer.json(large(request).replace("}]}}", "}}}}")));
    }

    @Test
    void largeAnswerThatIsNoneInTheEndIsCut() {
        for (FakeBackend.Script broken : brokenLargeAnswers()) {
            backend.on("tools/call", broken);
            for (TestGateway gateway : List.of(direct, general)) {
                assertThatThrownBy(() -> ModernRequest.call("echo", "{}").send(gateway))
                        .isInstanceOf(UncheckedIOException.class);
            }
        }
    }

    /** Its client reads nothing until the backend is stopped by that, and then everything. */
    @Test
    void largeAnswerWaitsForItsReader() throws Exception {
        String text = "x".repeat(1_000_000);
        int pieces = 40;
        AtomicInteger sent = new AtomicInteger();
        backend.on("tools/call", (request, answer) -> {
            String begin = "{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"resultType\":\"complete\",\"content\":[],\"x\":\"";
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "" + (begin.length() + (long) pieces * text.length() + 3))
                    .head(200);
            answer.raw(begin);
            for (int i = 0; i < pieces; i++) {
                answer.raw(text);
                sent.incrementAndGet();
            }
            answer.raw("\"}}");
        });

        try (RawExchange client = ModernRequest.call("echo", "{}").sent(direct)) {
            AtomicInteger before = new AtomicInteger(-1);
            await().pollInterval(Duration.ofMillis(300))
                    .until(() -> sent.get() > 0 && before.getAndSet(sent.get()) == sent.get());
            assertThat(sent.get()).isLessThan(pieces);
            RawExchange.Got got = client.got();

            assertThat(got.body()).hasSizeGreaterThan(pieces * text.length());
            assertThat(got.text()).startsWith("{\"jsonrpc\"").endsWith("x\"}}");
        }
    }

    /** A drain lets an answer that has begun end, and closes the connection with it. */
    @Test
    void largeAnswerThatHasBegunOutlivesADrain() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            String whole = large(request);
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "" + whole.length())
                    .head(200);
            answer.raw(whole.substring(0, 100_000));
            goOn.await(10, TimeUnit.SECONDS);
            answer.raw(whole.substring(100_000));
        });
        try (TestGateway draining = TestGateway.start().with(backend.backend("weather"));
                RawExchange client = ModernRequest.call("echo", "{}").open(draining)) {
            CompletableFuture<?> drained =
                    draining.drain(Duration.ofSeconds(10)).toFuture();
            assertThat(drained).isNotDone();
            goOn.countDown();

            assertThat(client.rest()).hasSizeGreaterThan(300_000);
            drained.get(10, TimeUnit.SECONDS);
        }
    }

    static Stream<String> behaviourNames() {
        return largeAnswers().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("behaviourNames")
    void whateverTheBackendDoesTheAnswerIsTheSame(String behaviour) {
        backend.on("tools/call", Objects.requireNonNull(largeAnswers().get(behaviour)));
        ModernRequest call = ModernRequest.call("echo", "{'a':1}").id("'one'");

        assertSame(call, "/mcp");
        assertSame(call.accept("application/json"), "/mcp/weather");
    }

    /** Requests, right and wrong. */
    private static Map<String, ModernRequest> requests() {
        Map<String, ModernRequest> all = new TreeMap<>();
        all.put("call", ModernRequest.call("echo", "{'a':1}"));
        all.put("call by its long name", ModernRequest.call("weather__echo", "{'a':1}"));
        all.put("call of nothing", ModernRequest.call("nothing", "{}"));
        all.put("list", ModernRequest.of("tools/list", ""));
        all.put("list with a cursor", ModernRequest.of("tools/list", "'cursor':'x'"));
        all.put("resources", ModernRequest.of("resources/list", ""));
        all.put("discover", ModernRequest.of("server/discover", ""));
        all.put("read", ModernRequest.read("mem://nothing"));
        all.put("prompt", ModernRequest.prompt("nothing"));
        all.put("unknown method", ModernRequest.of("tools/burn", ""));
        all.put("legacy method", ModernRequest.of("ping", ""));
        all.put("no name", ModernRequest.of("tools/call", "'arguments':{}").header("Mcp-Name", "echo"));
        all.put("other name", ModernRequest.call("echo", "{}").header("Mcp-Name", "other"));
        all.put("other method", ModernRequest.call("echo", "{}").header("Mcp-Method", "tools/list"));
        all.put("no version", ModernRequest.call("echo", "{}").without("MCP-Protocol-Version"));
        all.put("other version", ModernRequest.call("echo", "{}").header("MCP-Protocol-Version", "2099-01-01"));
        all.put("twice", ModernRequest.call("echo", "{}").also("Mcp-Name", "echo"));
        all.put("no meta", ModernRequest.call("echo", "{}").meta("'x':1"));
        all.put("no type", ModernRequest.call("echo", "{}").without("Content-Type"));
        all.put("a form", ModernRequest.call("echo", "{}").header("Content-Type", "text/plain"));
        all.put("no json", ModernRequest.call("echo", "{}").body("{'jsonrpc':"));
        all.put("nothing", ModernRequest.call("echo", "{}").body(" "));
        all.put("twice a key", ModernRequest.call("echo", "{'a':1,'a':2},'name':'echo'"));
        all.put("a batch", ModernRequest.call("echo", "{}").body("[]"));
        all.put(
                "a notification",
                ModernRequest.call("echo", "{}")
                        .body("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{}}"));
        all.put("a response", ModernRequest.call("echo", "{}").body("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"));
        all.put("a long argument", ModernRequest.call("echo", "{'a':'" + "y".repeat(90_000) + "'}"));
        all.put("an origin", ModernRequest.call("echo", "{}").header("Origin", "https://elsewhere.example"));
        all.put("kept alive", ModernRequest.call("echo", "{}").header("Expect", "100-continue"));
        return all;
    }

    static Stream<String> requestNames() {
        return requests().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("requestNames")
    void whateverTheClientSaysTheAnswerIsTheSame(String name) {
        backend.usual("tools/call");

        for (String path : List.of("/mcp", "/mcp/weather", "/mcp/nowhere", "/mcpx")) {
            assertSame(Objects.requireNonNull(requests().get(name)), path);
        }
    }

    private void assertSame(ModernRequest request, String path) {
        int before = backend.received().size();
        RawExchange.Got one = request.send(direct, path);
        List<FakeBackend.Received> seenOnce = List.copyOf(
                backend.received().subList(before, backend.received().size()));
        RawExchange.Got other = request.send(general, path);
        List<FakeBackend.Received> seenAgain = List.copyOf(backend.received()
                .subList(before + seenOnce.size(), backend.received().size()));

        assertThat(one.status()).as(() -> one + " or " + other).isEqualTo(other.status());
        assertThat(timeless(one.text())).isEqualTo(timeless(other.text()));
        assertThat(headers(one)).isEqualTo(headers(other));
        assertThat(calls(seenOnce)).isEqualTo(calls(seenAgain));
    }

    /** The same text with whatever belongs to one gateway or one moment left out. */
    static String timeless(String text) {
        return text.replaceAll("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ", "(a moment)")
                .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "(a gateway)");
    }

    static List<String> headers(RawExchange.Got got) {
        return got.headers().stream()
                .map(line -> line.toLowerCase(Locale.ROOT))
                .sorted()
                .toList();
    }

    /** What the backend was asked, without what it was asked of its state. */
    private static List<String> calls(List<FakeBackend.Received> received) {
        return received.stream()
                .filter(request -> request.text().contains("tools/call"))
                .map(request -> request.path() + " "
                        + new TreeMap<>(request.headers())
                                .entrySet().stream()
                                        .filter(header -> !header.getKey().equalsIgnoreCase("connection"))
                                        .map(Object::toString)
                                        .collect(Collectors.joining(", "))
                        + " " + request.text())
                .toList();
    }

    @Test
    void clientThatLeavesClosesTheExchangeOfADirectCall() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            arrived.countDown();
            answer.untilClosed();
            closed.countDown();
        });

        try (RawExchange client = ModernRequest.call("echo", "{}").sent(direct)) {
            assertThat(client).isNotNull();
            assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void callsOneAfterTheOtherShareConnectionsOnBothSides() throws IOException {
        backend.usual("tools/call");
        int before = backend.connections();
        try (RawHttp client = new RawHttp(direct.port())) {
            for (int i = 0; i < 50; i++) {
                ModernRequest call =
                        ModernRequest.call("echo", "{'n':" + i + "}").id("" + i);
                client.send(
                        "POST",
                        "/mcp",
                        new String(call.bytes(), StandardCharsets.UTF_8),
                        List.of("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "echo"));
                RawHttp.Got got = client.receive();
                assertThat(got.status()).isEqualTo(200);
                assertThat(got.body()).contains("\"id\":" + i + ",").contains("\\\"n\\\":" + i + "}");
            }
        }
        assertThat(backend.connections() - before).isLessThanOrEqualTo(2);
    }

    @Test
    void clientThatSendsAheadIsAnsweredInOrder() throws IOException {
        backend.usual("tools/call");
        try (RawHttp client = new RawHttp(direct.port())) {
            for (int i = 0; i < 20; i++) {
                // now and then a longer one
                ModernRequest call =
                        ModernRequest.call("echo", i % 5 == 3 ? "{'n':'" + "y".repeat(20_000) + "'}" : "{'n':1}");
                client.send(
                        "POST",
                        "/mcp",
                        new String(call.id("" + i).bytes(), StandardCharsets.UTF_8),
                        List.of("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "echo"));
                if (i % 4 == 3) {
                    for (int k = i - 3; k <= i; k++) {
                        RawHttp.Got got = client.receive();
                        assertThat(got.status()).isEqualTo(200);
                        assertThat(got.body()).contains("\"id\":" + k + ",");
                    }
                }
            }
        }
    }

    /** Closes a connection on which nothing happens after {@link #IDLE}. */
    private TestGateway impatient() {
        Duration patient = Duration.ofSeconds(10);
        return TestGateway.setUp()
                .listener(listener -> listener.withTimeouts(new Timeouts(patient, IDLE, patient, patient, patient)))
                .start()
                .with(backend.backend("weather"));
    }

    private static void outlastIdleness() {
        long since = System.nanoTime();
        await().until(() -> System.nanoTime() - since > 3 * IDLE.toNanos());
    }

    @Test
    void longCallIsHandedOverAndOutlivesTheIdleTimeout() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            goOn.await(10, TimeUnit.SECONDS);
            answer.result(RESULT);
        });
        try (TestGateway impatient = impatient()) {
            CompletableFuture<RawExchange.Got> got = CompletableFuture.supplyAsync(
                    () -> ModernRequest.call("echo", "{}").send(impatient));
            outlastIdleness();
            goOn.countDown();

            assertThat(got.get(10, TimeUnit.SECONDS).status()).isEqualTo(200);
        }
    }

    /** Once its backend rests in the midst of it, once its client does. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void largeAnswerOutlivesTheIdleTimeout(boolean backendRests) throws Exception {
        CountDownLatch goOn = new CountDownLatch(backendRests ? 1 : 0);
        AtomicInteger length = new AtomicInteger();
        backend.on("tools/call", (request, answer) -> {
            String whole = large(request);
            length.set(whole.length());
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "" + whole.length())
                    .head(200);
            answer.raw(whole.substring(0, 100_000));
            goOn.await(10, TimeUnit.SECONDS);
            answer.raw(whole.substring(100_000));
        });
        try (TestGateway impatient = impatient();
                RawExchange client = ModernRequest.call("echo", "{}").sent(impatient)) {
            await().until(() -> length.get() > 0);
            outlastIdleness();
            goOn.countDown();

            assertThat(client.got().body()).hasSizeGreaterThanOrEqualTo(length.get());
        }
    }

    @Test
    void largeResultThatSpeaksOfItsTypeElsewhereIsCompleted() throws Exception {
        backend.on("tools/call", (request, answer) -> {
            String whole = "{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"content\":[],\"structuredContent\":{\"resultType\":\"" + "x".repeat(200_000)
                    + "\"}}}";
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "" + whole.length())
                    .head(200);
            answer.raw(whole);
        });
        for (TestGateway gateway : List.of(direct, general)) {
            assertThat(ModernRequest.call("echo", "{}").send(gateway).text())
                    .endsWith("x\"},\"resultType\":\"complete\"}}");
        }
    }
}
