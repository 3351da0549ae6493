package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class LegacyStreamingTest {
    private static final String CALL = "{'jsonrpc':'2.0','id':'mine','method':'tools/call','params':{'name':'echo',"
            + "'arguments':{},'_meta':{'progressToken':'my-token'}}}";

    /** Numbers, key order and escapes that no parser keeps. */
    private static final String ODD = "{\"structuredContent\":{\"zulu\":1.10,\"alpha\":1e400,"
            + "\"digits\":1234567890123456789012345678901234567890,\"half\":\"\\ud83d\",\"slash\":\"\\/\\u00e9é\","
            + "\"zero\":-0,\"space\" : [ 1 , 2 ]},\"x-unknown\":null,\"content\":[]}";

    private final FakeBackend backend = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.start().with("weather", backend);

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    private WireClient session(String version) {
        return gateway.client().initialize(version, "{}");
    }

    /** Progress 1 and 2 with a log message between them, then the result. */
    private static void threeWords(FakeBackend.Received request, FakeBackend.Answer answer) throws Exception {
        FakeBackend.Stream stream = answer.events();
        String token = request.params().at("/_meta/progressToken").toString();
        stream.message(progress(token, 1));
        stream.message(
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"half\"}}");
        stream.message(progress(token, 2));
        stream.message(result(request, "{\"content\":[]}"));
        stream.end();
    }

    private static String progress(String token, int value) {
        return "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" + token
                + ",\"progress\":" + value + "}}";
    }

    private static String result(FakeBackend.Received request, String result) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + result + "}";
    }

    @Test
    void jsonStaysJson() {
        WireClient.Got got = session("2025-11-25").post(CALL);

        assertThat(got.header("Content-Type")).isEqualTo("application/json");
        assertThat(got.json().at("/id").asString()).isEqualTo("mine");
        assertThat(got.json().at("/result/content/0/text").asString()).isEqualTo("{}");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void progressAndLogComeInOrderBeforeTheResult(boolean stateful) throws Exception {
        FakeBackend other =
                stateful ? FakeBackend.legacy() : FakeBackend.legacy().stateless();
        gateway.with("other", other.withoutTool("echo").tool("count", arguments -> ""));
        other.on("tools/call", LegacyStreamingTest::threeWords);

        WireClient.Got got = session("2025-06-18").post(CALL.replace("echo", "count"));

        assertThat(got.header("Content-Type")).isEqualTo("text/event-stream");
        assertThat(got.events()).hasSize(4);
        assertThat(got.events().get(0).at("/params/progressToken").asString()).isEqualTo("my-token");
        assertThat(got.events().get(0).at("/params/progress").asInt()).isEqualTo(1);
        assertThat(got.events().get(1).at("/params/data").asString()).isEqualTo("half");
        assertThat(got.events().get(2).at("/params/progress").asInt()).isEqualTo(2);
        assertThat(got.events().get(3).at("/id").asString()).isEqualTo("mine");
    }

    @Test
    void clientWithoutSessionGetsTheStreamToo() {
        backend.on("tools/call", LegacyStreamingTest::threeWords);

        WireClient.Got got = gateway.client().post(CALL);

        assertThat(got.events()).hasSize(4);
        assertThat(got.events().get(2).at("/params/progressToken").asString()).isEqualTo("my-token");
        assertThat(got.body()).doesNotContain("id: ");
    }

    @Test
    void clientThatTakesOnlyJsonGetsTheResultAlone() {
        backend.on("tools/call", LegacyStreamingTest::threeWords);

        WireClient.Got got = session("2025-11-25").post(CALL, "Accept", "application/json");

        assertThat(got.header("Content-Type")).isEqualTo("application/json");
        assertThat(got.body()).isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":{\"content\":[]}}");
    }

    @Test
    void clientThatTakesNeitherIsRefused() {
        assertThat(session("2025-11-25").post(CALL, "Accept", "text/html").status())
                .isEqualTo(406);
    }

    @ParameterizedTest
    @CsvSource({"JSON, true", "JSON, false", "drip, true", "drip, false", "events, true", "events, false"})
    void resultIsTheBackendsOwnBytes(String way, boolean idLast) {
        backend.on("tools/call", (request, answer) -> {
            String message = idLast
                    ? "{ \"result\" :" + ODD + ", \"id\" : " + request.id() + " ,\"jsonrpc\":\"2.0\"}"
                    : "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + ODD + "}";
            switch (way) {
                case "JSON" -> answer.json(message);
                case "drip" -> answer.drip(message, 3);
                default -> {
                    FakeBackend.Stream stream = answer.events();
                    stream.message(message);
                    stream.end();
                }
            }
        });

        WireClient.Got got = session("2025-11-25").post(CALL);

        assertThat(got.body())
                .contains(
                        idLast
                                ? "{ \"result\" :" + ODD + ", \"id\" : \"mine\" ,\"jsonrpc\":\"2.0\"}"
                                : "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":" + ODD + "}");
    }

    @Test
    void argumentsAreTheClientsOwnBytes() {
        String body = "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"arguments\":" + ODD
                + ",\"x-more\":1e-7,\"name\":\"echo\"},\"id\":\"mine\"}";

        session("2025-11-25").raw(body.getBytes(StandardCharsets.UTF_8));

        List<FakeBackend.Received> calls = backend.received("tools/call");
        assertThat(calls.get(calls.size() - 1).text()).contains("\"arguments\":" + ODD + ",\"x-more\":1e-7,");
    }

    @Test
    void largeResultIsPassedThrough() {
        String text = "0123456789abcdef".repeat(200_000);
        backend.tool("echo", arguments -> text);

        WireClient.Got got = session("2025-11-25").post(CALL);

        assertThat(got.json().at("/result/content/0/text").asString()).isEqualTo(text);
    }

    @Test
    void firstEventArrivesBeforeTheLastIsSent() throws Exception {
        CountDownLatch seen = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(progress(request.params().at("/_meta/progressToken").toString(), 1));
            if (seen.await(10, TimeUnit.SECONDS)) {
                stream.message(result(request, "{\"content\":[]}"));
            }
            stream.end();
        });

        try (WireClient.Stream stream = session("2025-11-25").stream(CALL)) {
            JsonNode first = stream.message();
            seen.countDown();
            JsonNode last = stream.message();

            assertThat(first.at("/params/progress").asInt()).isEqualTo(1);
            assertThat(last.at("/result").isObject()).isTrue();
            assertThat(stream.line()).isNull();
        }
    }

    @ParameterizedTest
    @CsvSource({"2025-03-26, false", "2025-06-18, false", "2025-11-25, true"})
    void streamBeginsWithAnEmptyEventForThoseWhoKnowIt(String version, boolean primed) {
        backend.on("tools/call", LegacyStreamingTest::threeWords);

        List<String> lines = session(version).post(CALL).body().lines().toList();

        int firstData = 0;
        while (!lines.get(firstData).startsWith("data:")) {
            firstData++;
        }
        assertThat(lines.get(firstData).strip().equals("data:")).isEqualTo(primed);
        assertThat(lines.stream().filter(line -> line.startsWith("id: "))).hasSize(primed ? 5 : 4);
    }

    @Test
    void eventIdsAreUniqueWithinTheSession() {
        backend.on("tools/call", LegacyStreamingTest::threeWords);
        WireClient client = session("2025-11-25");
        List<String> ids = new ArrayList<>();

        for (int i = 0; i < 3; i++) {
            client.post(CALL)
                    .body()
                    .lines()
                    .filter(line -> line.startsWith("id: "))
                    .forEach(ids::add);
        }

        Set<String> different = new HashSet<>(ids);
        assertThat(ids).hasSize(15);
        assertThat(different).hasSameSizeAs(ids);
    }

    @Test
    void streamThatEndsWithoutAResultIsAnsweredAnyway() {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(progress(request.params().at("/_meta/progressToken").toString(), 1));
            stream.end();
        });

        WireClient.Got got = session("2025-11-25").post(CALL);

        JsonNode last = got.events().get(got.events().size() - 1);
        assertThat(last.at("/id").asString()).isEqualTo("mine");
        assertThat(last.at("/result/isError").asBoolean()).isTrue();
        assertThat(last.at("/result/content/0/text").asString()).contains("Backend 'weather'");
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 400, 422})
    void errorsOfTheBackendAreItsAnswer(int status) {
        backend.on("tools/call", (request, answer) -> answer.error(status, -32077, "no rain today", "{\"in\":[1.50]}"));

        WireClient.Got got = session("2025-11-25").post(CALL);

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.body())
                .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"error\":{\"code\":-32077,"
                        + "\"message\":\"no rain today\",\"data\":{\"in\":[1.50]}}}");
    }
}
