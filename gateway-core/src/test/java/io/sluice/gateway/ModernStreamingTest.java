package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.Backend;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Answers of modern backends on their way to modern clients: the bytes stay, the framing does not matter, failures are
 * said in-band.
 */
class ModernStreamingTest {
    /** Everything that a parser and printer would change. */
    private static final String ODD = "{ \"id\":7,\n\t\"result\":{\"z\":1.10,\"a\":1e400,\"big\":"
            + "1234567890123456789012345678901234567890,\"small\":0.1234567890123456789012345678901234567890,"
            + "\"neg\":-0.0,\"x-unknown\":{\"b\":[ 1 ,2 ],\"a\":null},\"content\":[],\"resultType\":\"complete\","
            + "\"s\":\"\\ud83d\\ude00 \\ud800 \\/ \\u00e9 é 😀\",\"structuredContent\":[1.0]},\"jsonrpc\":\"2.0\" }";

    private static FakeBackend backend;
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        backend = FakeBackend.modern().list("resources", "[{\"uri\":\"test://one\",\"name\":\"one\"}]");
        gateway = TestGateway.start().with("up", backend).listeningTo(backend);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    private static ModernRequest echo() {
        return ModernRequest.call("echo", "{}");
    }

    private static ModernRequest read() {
        return ModernRequest.read("test://one");
    }

    // ---- bytes

    @Test
    void jsonArrivesByteForByteHoweverItWasSent() {
        List<FakeBackend.Script> ways = List.of(
                (request, answer) -> answer.json(ODD),
                (request, answer) -> answer.drip(ODD, 3),
                (request, answer) -> answer.status(200, "Application/JSON; charset=utf-8", ODD),
                (request, answer) -> {
                    answer.header("Content-Type", "application/json")
                            .header("Transfer-Encoding", "chunked")
                            .head(200);
                    byte[] bytes = ODD.getBytes(UTF_8);
                    answer.raw(Integer.toHexString(bytes.length) + "\r\n" + ODD + "\r\n0\r\n\r\n");
                },
                (request, answer) -> {
                    answer.header("Content-Type", "application/json").head(200);
                    answer.raw(ODD);
                    answer.close();
                });
        for (FakeBackend.Script way : ways) {
            backend.on("tools/call", way);

            RawExchange.Got got = echo().send(gateway);

            assertThat(got.status()).isEqualTo(200);
            assertThat(got.header("Content-Type")).isEqualTo("application/json");
            assertThat(got.text()).isEqualTo(ODD);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {60_000, 64_900, 65_000, 66_000, 700_000})
    void largeJsonArrivesByteForByte(int size) {
        String json =
                ODD.replace("\"content\":[]", "\"content\":[{\"type\":\"text\",\"text\":\"" + noise(size) + "\"}]");
        backend.on("tools/call", (request, answer) -> answer.json(json));

        RawExchange.Got got = echo().send(gateway);

        assertThat(got.text().equals(json)).as("equal").isTrue();
    }

    private static String noise(int size) {
        String some = "abc é \\n \\u00e9 {[\\\"id\\\":";
        return some.repeat(size / some.length());
    }

    @Test
    void eventDataArrivesByteForByteAndIdsAndRetryHintsDoNot() {
        String progress =
                "{\"method\":\"notifications/progress\",\"jsonrpc\":\"2.0\",\"params\":{\"progressToken\":\"p\","
                        + "\"progress\":1.10,\"x\":1e400}}";
        String response = ODD.replace("\n\t", "");
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.raw("retry: 10\nid: 1\ndata: " + progress + "\n\n");
            stream.raw("id: 2\nevent: message\ndata: " + response + "\n\n");
            stream.end();
        });

        RawExchange.Got got = echo().send(gateway);

        assertThat(got.header("Content-Type")).isEqualTo("text/event-stream");
        assertThat(got.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(got.header("X-Accel-Buffering")).isEqualTo("no");
        assertThat(got.text())
                .isEqualTo("event: message\ndata: " + progress + "\n\nevent: message\ndata: " + response + "\n\n");
    }

    @Test
    void eventOfTenMebibytesArrivesWhole() {
        String json = ODD.replace("\n\t", "").replace("\"content\":[]", "\"content\":\"" + noise(10 << 20) + "\"");
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.raw("data: " + json + "\n\n");
            stream.end();
        });

        RawExchange.Got got = echo().send(gateway);

        assertThat(got.text().equals("event: message\ndata: " + json + "\n\n"))
                .as("equal")
                .isTrue();
    }

    static Stream<String> framings() {
        String response = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"content\":[]}}";
        return Stream.of(
                "data: " + response + "\n\n",
                "data: " + response + "\r\n\r\n",
                "data: " + response + "\r\r",
                "data:" + response + "\n\n",
                "\uFEFFdata: " + response + "\n\n",
                ": hello\r\ndata: " + response + "\r\r\n",
                "event:message\rdata: " + response + "\r\r",
                "event: other\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"wrong\":true}}\n\ndata: " + response
                        + "\n\n",
                "data\n\ndata: \n\ndata: " + response + "\n\n",
                "foo: bar\nid: 9\nretry: x\ndata: " + response + "\n\n",
                "data: not JSON\n\ndata: " + response + "\n\n",
                "data: {\"jsonrpc\":\"2.0\",\"id\":7,\r\ndata: \"result\":{\"resultType\":\"complete\",\r\ndata: \"content\":[]}}\r\n\r\n");
    }

    @ParameterizedTest
    @MethodSource("framings")
    void everyFramingOfTheStandardIsUnderstood(String stream) {
        for (int size : List.of(Integer.MAX_VALUE, 1)) {
            backend.on("tools/call", (request, answer) -> {
                FakeBackend.Stream events = answer.events();
                for (int at = 0; at < stream.length(); at += Math.min(size, stream.length())) {
                    events.raw(stream.substring(at, Math.min(stream.length(), at + Math.min(size, stream.length()))));
                }
                events.end();
            });

            RawExchange.Got got = echo().send(gateway);

            assertThat(got.text().replace(":\n\n", "").replaceAll(", ", ","))
                    .isEqualTo("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":"
                            + "\"complete\",\"content\":[]}}\n\n");
        }
    }

    @Test
    void firstEventIsRelayedBeforeTheLastIsWritten() throws Exception {
        CountDownLatch seen = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1}}");
            assertThat(seen.await(10, TimeUnit.SECONDS)).isTrue();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"content\":[]}}");
            stream.end();
        });

        try (RawExchange exchange = echo().open(gateway)) {
            assertThat(exchange.until("\n\n")).contains("\"progress\":1");
            seen.countDown();
            assertThat(exchange.until("\n\n")).contains("\"resultType\":\"complete\"");
            assertThat(exchange.rest()).isEmpty();
        }
    }

    @Test
    void keepAliveCommentsReachTheClient() throws Exception {
        CountDownLatch seen = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.comment();
            assertThat(seen.await(10, TimeUnit.SECONDS)).isTrue();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"content\":[]}}");
            stream.end();
        });

        try (RawExchange exchange = echo().open(gateway)) {
            exchange.until(":");
            seen.countDown();
            exchange.until("complete");
        }
    }

    @Test
    void clientThatTakesOnlyJsonGetsTheResponseOfAStream() {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1}}");
            stream.message(ODD.replace("\n\t", ""));
            stream.end();
        });

        RawExchange.Got got = echo().accept("application/json").send(gateway);

        assertThat(got.header("Content-Type")).isEqualTo("application/json");
        assertThat(got.text()).isEqualTo(ODD.replace("\n\t", ""));
    }

    @Test
    void requestOfAModernBackendIsNotPassedOn() {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"roots/list\"}");
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"content\":[]}}");
            stream.end();
        });

        RawExchange.Got got = echo().send(gateway);

        assertThat(got.text()).doesNotContain("roots/list").contains("\"resultType\":\"complete\"");
    }

    @Test
    void answerGetsTheClientsIdWhereTheBackendSpeltItDifferentlyOrNotAtAll() {
        for (String id : List.of("\"id\":\"7\",", "", "\"id\":null,")) {
            String json = "{\"jsonrpc\":\"2.0\"," + id + "\"error\":{\"code\":-32603,\"message\":\"own\"}}";
            backend.on("tools/call", (request, answer) -> answer.json(json));
            assertThat(echo().send(gateway).json().path("id").toString()).isEqualTo("7");

            backend.on("tools/call", (request, answer) -> {
                FakeBackend.Stream stream = answer.events();
                stream.message(json);
                stream.end();
            });
            assertThat(echo().accept("application/json")
                            .send(gateway)
                            .json()
                            .path("id")
                            .toString())
                    .isEqualTo("7");

            backend.on(
                    "tools/call",
                    (request, answer) -> answer.status(400, "application/json", json.replace("-32603", "-32602")));
            RawExchange.Got refused = echo().send(gateway);
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.json().path("id").toString()).isEqualTo("7");
        }
    }

    @Test
    void extensionsAreDeclaredAsTheClientDeclaresThem() {
        backend.on("tools/call", (request, answer) -> answer.json(ODD));

        echo().meta(
                        ModernRequest.VERSION
                                + ",'io.modelcontextprotocol/clientCapabilities':{'elicitation':{'form':{}},"
                                + "'extensions':{'io.modelcontextprotocol/ui':{'mimeTypes':[1.10]},'io.modelcontextprotocol/tasks':{}}}")
                .send(gateway);

        List<FakeBackend.Received> calls = backend.received("tools/call");
        assertThat(calls.get(calls.size() - 1).text())
                .contains("{\"elicitation\":{\"form\":{}},\"extensions\":{\"io.modelcontextprotocol/ui\":"
                        + "{\"mimeTypes\":[1.10]},\"io.modelcontextprotocol/tasks\":{}}}");
    }

    @Test
    void traceContextOfTheBodyOrElseOfTheHeadReachesTheBackendsHead() {
        backend.on("tools/call", (request, answer) -> answer.json(ODD));
        String body = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        String head = "00-aaf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

        echo().alsoMeta("'traceparent':'" + body + "'")
                .header("traceparent", head)
                .send(gateway);
        echo().header("traceparent", head).send(gateway);
        echo().header("traceparent", "made up").send(gateway);

        List<FakeBackend.Received> calls = backend.received("tools/call");
        List<String> seen = calls.subList(calls.size() - 3, calls.size()).stream()
                .map(call -> String.valueOf(call.header("traceparent")))
                .toList();
        assertThat(seen).containsExactly(body, head, "null");
    }

    // ---- failures

    private static Arguments failure(String name, FakeBackend.Script script, String says) {
        return Arguments.of(name, script, says);
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                failure(
                        "401",
                        (q, a) -> a.header("WWW-Authenticate", "Bearer x").status(401, "text/plain", ""),
                        "401"),
                failure("403", (q, a) -> a.status(403, "application/json", "{}"), "403"),
                failure("429", (q, a) -> a.header("Retry-After", "2").status(429, "text/plain", ""), "429"),
                failure("500", (q, a) -> a.error(500, -32603, "stack overflow"), "500"),
                failure("502", (q, a) -> a.status(502, "text/html", "<html>"), "502"),
                failure("503", (q, a) -> a.status(503, "text/plain", "later"), "503"),
                failure(
                        "302",
                        (q, a) -> a.header("Location", "http://evil.example/").status(302, "text/plain", ""),
                        "redirect"),
                failure("400 without JSON-RPC", (q, a) -> a.status(400, "text/html", "<p>Bad</p>"), "400"),
                failure("400 of another code", (q, a) -> a.error(400, -32600, "no"), "400"),
                failure("404 without JSON-RPC", (q, a) -> a.status(404, "text/html", "<p>Gone</p>"), "404"),
                failure("405", (q, a) -> a.status(405, "text/plain", ""), "405"),
                failure("closed before the answer", (q, a) -> a.close(), "closed"),
                failure("reset before the answer", (q, a) -> a.reset(), "reset|closed"),
                failure("HTML", (q, a) -> a.status(200, "text/html", "<p>Hi</p>"), "text/html"),
                failure("202", (q, a) -> a.accepted(), "no answer"),
                failure("an empty 200", (q, a) -> a.status(200, "application/json", ""), "no answer"),
                failure("garbage", (q, a) -> a.json("{\"jsonrpc\":"), "not a JSON-RPC message"),
                failure("large garbage", (q, a) -> a.json("<" + "x".repeat(100_000)), "no JSON-RPC response"),
                failure("an array", (q, a) -> a.json("[]"), "not a JSON-RPC message"),
                failure("a notification", (q, a) -> a.json("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}"), "no response"),
                failure(
                        "another's answer",
                        (q, a) -> a.json("{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}"),
                        "not asked"),
                failure("-32022 in-band", (q, a) -> a.error(200, -32022, "no"), "-32022"),
                failure(
                        "broken off",
                        (q, a) -> {
                            a.header("Content-Type", "application/json")
                                    .header("Content-Length", "500")
                                    .head(200);
                            a.raw("{\"jsonrpc\":\"2.0\",");
                            a.close();
                        },
                        "broke off"),
                failure(
                        "reset within the body",
                        (q, a) -> {
                            a.header("Content-Type", "application/json")
                                    .header("Content-Length", "500")
                                    .head(200);
                            a.raw("{\"jsonrpc\":\"2.0\",");
                            a.reset();
                        },
                        "broke off"),
                failure("an empty stream", (q, a) -> a.events().end(), "ended the stream"),
                failure(
                        "a stream without a response",
                        (q, a) -> a.events()
                                .message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}")
                                .end(),
                        "ended the stream"),
                failure(
                        "a stream cut within an event",
                        (q, a) -> {
                            a.events().raw("data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
                            a.close();
                        },
                        "broke off"),
                failure(
                        "a stream that is reset",
                        (q, a) -> {
                            a.events().comment();
                            a.reset();
                        },
                        "broke off"),
                failure(
                        "another's answer on a stream",
                        (q, a) -> a.events()
                                .message("{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}")
                                .end(),
                        "not asked"),
                failure(
                        "-32020 on a stream",
                        (q, a) -> a.events()
                                .message("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32020,\"message\":\"\"}}")
                                .end(),
                        "-32020"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("failures")
    void failureOfABackendIsToldInBandWithItsNameAndReason(String name, FakeBackend.Script script, String says) {
        backend.on("tools/call", script).on("resources/read", script);

        for (String accept : List.of("application/json, text/event-stream", "application/json")) {
            RawExchange.Got call = echo().accept(accept).send(gateway);
            RawExchange.Got read = read().accept(accept).send(gateway);

            assertThat(call.status()).as(call.toString()).isEqualTo(200);
            assertThat(call.header("WWW-Authenticate")).isEmpty();
            var result = last(call);
            assertThat(result.path("id").toString()).as(call.toString()).isEqualTo("7");
            assertThat(result.path("result").path("isError").asBoolean())
                    .as(call.toString())
                    .isTrue();
            assertThat(result.path("result").path("resultType").asString()).isEqualTo("complete");
            assertThat(result.path("result")
                            .path("content")
                            .path(0)
                            .path("text")
                            .asString())
                    .contains("'up'")
                    .containsPattern(says);

            assertThat(read.status()).as(read.toString()).isEqualTo(200);
            var error = last(read);
            assertThat(error.path("id").toString()).isEqualTo("7");
            assertThat(error.path("error").path("code").asInt())
                    .as(read.toString())
                    .isIn(-31001, -31002, -31003);
            assertThat(error.path("error").path("message").asString())
                    .contains("'up'")
                    .containsPattern(says);
        }
    }

    private static tools.jackson.databind.JsonNode last(RawExchange.Got got) {
        if (!got.header("Content-Type").equals("text/event-stream")) {
            return got.json();
        }
        List<String> data =
                got.text().lines().filter(line -> line.startsWith("data: ")).toList();
        return tools.jackson.databind.json.JsonMapper.shared()
                .readTree(data.get(data.size() - 1).substring(6));
    }

    @Test
    void silentBackendIsGivenUpBeforeAndWithinItsAnswer() throws Exception {
        FakeBackend silent = FakeBackend.modern();
        Backend usual = silent.backend("up");
        Backend impatient = new Backend(
                "up",
                usual.endpoints(),
                Map.of(),
                Optional.empty(),
                Duration.ofMillis(400),
                List.of(),
                List.of(),
                List.of(),
                true,
                usual.source());
        try (TestGateway own = TestGateway.start().with(impatient)) {
            own.closing(silent);
            silent.on("tools/call", (request, answer) -> answer.untilClosed());
            RawExchange.Got before = echo().send(own);
            silent.on("tools/call", (request, answer) -> {
                answer.header("Content-Type", "application/json")
                        .header("Content-Length", "500")
                        .head(200);
                answer.raw("{\"jsonrpc\":\"2.0\",");
                answer.untilClosed();
            });
            RawExchange.Got within = echo().send(own);

            assertThat(before.text()).contains("\"isError\":true", "'up' did not answer within 400 ms", "\"timeout\"");
            assertThat(within.text()).contains("\"isError\":true", "'up' fell silent for 400 ms", "\"timeout\"");
        }
    }

    @Test
    void eventBeyondTheLimitEndsTheCall() throws Exception {
        FakeBackend verbose = FakeBackend.modern()
                .on(
                        "tools/call",
                        (request, answer) -> answer.events()
                                .raw("data: " + "x".repeat(200_000) + "\n\n")
                                .end());
        try (TestGateway own = TestGateway.setUp()
                .upstream(settings -> settings.withLimits(1 << 20, 100_000))
                .start()
                .with("verbose", verbose)) {
            assertThat(echo().send(own).text()).contains("\"isError\":true", "'verbose'", "longer than 100000 bytes");
        }
    }

    @Test
    void smallAnswerBearsItsLength() throws Exception {
        backend.on("tools/call", (request, answer) -> answer.json(ODD));
        try (TestGateway own = TestGateway.start().with("old", FakeBackend.legacy())) {
            for (RawExchange.Got got : List.of(echo().send(gateway), echo().send(own))) {
                assertThat(got.header("Content-Length")).isEqualTo(Integer.toString(got.body().length));
                assertThat(got.header("Transfer-Encoding")).isEmpty();
                assertThat(got.header("Content-Type")).isEqualTo("application/json");
            }
        }
    }

    @Test
    void deadBackendIsNamedAtOnce() throws Exception {
        FakeBackend dying = FakeBackend.modern();
        try (TestGateway own = TestGateway.start().with("dying", dying)) {
            dying.down();

            RawExchange.Got got = echo().send(own);

            assertThat(got.status()).isEqualTo(200);
            assertThat(got.text()).contains("\"isError\":true").contains("Backend 'dying'");
        }
    }

    /** It has begun for the client by then: a reset takes what the gateway has not read yet. */
    @Test
    void largeAnswerThatBreaksOffIsCutOffAndNotCompleted() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "500000")
                    .head(200);
            answer.raw("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"" + "x".repeat(200_000));
            begun.await(10, TimeUnit.SECONDS);
            answer.reset();
        });

        try (RawExchange client = echo().open(gateway)) {
            begun.countDown();

            org.assertj.core.api.Assertions.assertThatThrownBy(client::rest).isInstanceOf(IOException.class);
        }
    }

    // ---- refusals that are about the request, and those that are not

    @Test
    void missingCapabilityIsRelayedWithItsStatusAndData() {
        String json = "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32021,\"message\":\"m\",\"data\":"
                + "{\"requiredCapabilities\":{\"elicitation\":{\"form\":{}}},\"x\":1.10}}}";
        backend.on("tools/call", (request, answer) -> answer.status(400, "application/json", json));

        RawExchange.Got got = echo().send(gateway);

        assertThat(got.status()).isEqualTo(400);
        assertThat(got.header("Content-Type")).isEqualTo("application/json");
        assertThat(got.text()).isEqualTo(json);
    }

    @Test
    void invalidParamsAndUnknownMethodAreRelayedWithTheirStatus() {
        backend.on("tools/call", (request, answer) -> answer.error(400, -32602, "bad"));
        RawExchange.Got params = echo().send(gateway);
        backend.on("tools/call", (request, answer) -> answer.error(404, -32601, "unknown"));
        RawExchange.Got method = echo().send(gateway);

        assertThat(params.status()).isEqualTo(400);
        assertThat(params.code()).isEqualTo(-32602);
        assertThat(method.status()).isEqualTo(404);
        assertThat(method.code()).isEqualTo(-32601);
    }

    @ParameterizedTest
    @ValueSource(ints = {-32020, -32022})
    void errorsAboutTheGatewaysOwnRequestAreNotRelayedAndTheBackendIsProbedAgain(int code) {
        backend.on(
                "tools/call",
                (request, answer) -> answer.error(
                        400, code, "Unsupported", "{\"supported\":[\"2025-11-25\"],\"requested\":\"2026-07-28\"}"));
        int probes = backend.count("server/discover");

        RawExchange.Got got = echo().send(gateway);
        backend.usual("tools/call");
        RawExchange.Got next = echo().send(gateway);

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().path("result").path("isError").asBoolean()).isTrue();
        assertThat(got.text()).doesNotContain("supported");
        assertThat(backend.count("server/discover")).isGreaterThan(probes);
        assertThat(next.json().path("result").path("isError").asBoolean(false)).isFalse();
    }

    @Test
    void mismatchOfAParamHeaderIsTheClientsToKnowAndTheDefinitionIsReadAgain() throws Exception {
        FakeBackend changing = FakeBackend.modern()
                .on("tools/call", (request, answer) -> answer.error(400, -32020, "Missing header Mcp-Param-Region"));
        try (TestGateway own = TestGateway.start().with("changing", changing).listeningTo(changing)) {
            int lists = changing.count("tools/list");

            RawExchange.Got got = echo().header("Mcp-Param-Area", "x").send(own);

            assertThat(got.status()).isEqualTo(400);
            assertThat(got.code()).isEqualTo(-32020);
            await().atMost(TestGateway.PATIENCE).until(() -> changing.count("tools/list") > lists);
        }
    }
}
