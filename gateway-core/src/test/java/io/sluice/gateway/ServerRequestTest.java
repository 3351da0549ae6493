package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ServerRequestTest {
    private static final String ALL = "{'elicitation':{},'sampling':{},'roots':{'listChanged':true}}";
    private static final String CALL =
            "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo','arguments':{}}}";

    private final FakeBackend backend = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.start().with("weather", backend);
    private final WireClient client = gateway.client().initialize("2025-11-25", ALL);

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    /** Asks under this id in the course of a call, waits for the answer, and gives it as the result of the call. */
    private static void asking(FakeBackend asker, String method, String id, String params) {
        asker.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(
                    "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":" + params + "}");
            String session = Objects.requireNonNull(request.header("mcp-session-id"));
            await().until(() -> !answers(asker, session).isEmpty());
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"heard\":"
                    + answers(asker, session).get(0).text() + "}}");
            stream.end();
        });
    }

    /** The responses that came on one of a backend's sessions. */
    private static List<FakeBackend.Received> answers(FakeBackend asked, String session) {
        return asked.received().stream()
                .filter(request -> request.httpMethod().equals("POST")
                        && request.method().isEmpty()
                        && session.equals(request.header("mcp-session-id")))
                .toList();
    }

    private static String answer(JsonNode question, String outcome) {
        return "{'jsonrpc':'2.0','id':" + question.path("id") + "," + outcome + "}";
    }

    @ParameterizedTest
    @CsvSource({
        "sampling/createMessage, 7",
        "sampling/createMessage, '\"7\"'",
        "elicitation/create, 0",
        "elicitation/create, '\"täg \\\"1\\\" ~\"'",
        "roots/list, -1",
        "roots/list, 9007199254740993"
    })
    void questionInTheCourseOfACallIsAnswered(String method, String id) {
        asking(backend, method, id, "{\"odd\":[true]}");

        try (WireClient.Stream stream = client.stream(CALL)) {
            JsonNode question = stream.message();
            assertThat(question.path("method").asString()).isEqualTo(method);
            assertThat(question.path("params").toString()).isEqualTo("{\"odd\":[true]}");
            WireClient.Got got = client.post(answer(question, "'result':{'answer':[1.10]}"));

            assertThat(got.status()).isEqualTo(202);
            assertThat(stream.message().has("result")).isTrue();
        }
        String session =
                Objects.requireNonNull(backend.received("tools/call").get(0).header("mcp-session-id"));
        assertThat(answers(backend, session))
                .singleElement()
                .extracting(FakeBackend.Received::text)
                .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"answer\":[1.10]}}");
    }

    @Test
    void refusalOfTheClientReachesTheBackend() {
        asking(backend, "sampling/createMessage", "3", "{}");

        try (WireClient.Stream stream = client.stream(CALL)) {
            client.post(answer(stream.message(), "'error':{'code':-1,'message':'User rejected'}"));

            JsonNode heard = stream.message().at("/result/heard");
            assertThat(heard.path("id").asInt()).isEqualTo(3);
            assertThat(heard.at("/error/code").asInt()).isEqualTo(-1);
        }
    }

    @Test
    void questionOutsideOfACallComesOnTheStandingStream() {
        client.post(CALL);
        String session =
                Objects.requireNonNull(backend.received("tools/call").get(0).header("mcp-session-id"));
        await().until(() -> backend.openFeeds() >= 2);

        try (WireClient.Stream stream = client.listen()) {
            backend.push("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}");
            JsonNode question = stream.message();
            client.post(answer(question, "'result':{'roots':[]}"));

            assertThat(question.path("method").asString()).isEqualTo("roots/list");
            await().untilAsserted(() -> assertThat(answers(backend, session))
                    .singleElement()
                    .extracting(FakeBackend.Received::text)
                    .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"roots\":[]}}"));
        }
    }

    @Test
    void backendsThatChooseTheSameIdAreToldApart() throws Exception {
        FakeBackend other = FakeBackend.legacy().withoutTool("echo").tool("other", arguments -> "");
        gateway.with("other", other);
        asking(backend, "elicitation/create", "1", "{\"from\":\"weather\"}");
        asking(other, "elicitation/create", "1", "{\"from\":\"other\"}");

        try (WireClient.Stream first = client.stream(CALL);
                WireClient.Stream second =
                        client.stream(CALL.replace("echo", "other").replace("'id':1", "'id':2"))) {
            JsonNode ofWeather = first.message();
            JsonNode ofOther = second.message();
            assertThat(ofWeather.path("id")).isNotEqualTo(ofOther.path("id"));
            client.post(answer(ofOther, "'result':{'to':'other'}"));
            client.post(answer(ofWeather, "'result':{'to':'weather'}"));

            assertThat(first.message().at("/result/heard/result/to").asString()).isEqualTo("weather");
            assertThat(second.message().at("/result/heard/result/to").asString())
                    .isEqualTo("other");
        }
    }

    @Test
    void answerCountsOnlyInTheSessionThatWasAsked() {
        asking(backend, "elicitation/create", "1", "{}");
        WireClient stranger = gateway.client().initialize("2025-11-25", ALL);

        try (WireClient.Stream stream = client.stream(CALL)) {
            JsonNode question = stream.message();
            assertThat(stranger.post(answer(question, "'result':{'by':'stranger'}"))
                            .status())
                    .isEqualTo(202);
            client.post(answer(question, "'result':{'by':'client'}"));

            assertThat(stream.message().at("/result/heard/result/by").asString())
                    .isEqualTo("client");
        }
        assertThat(backend.received().stream().map(FakeBackend.Received::text))
                .noneMatch(text -> text.contains("stranger"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"17", "'nobody~MQ'", "'weather~not base64!'", "'~'", "null"})
    void answerToNothingIsHarmless(String id) {
        WireClient.Got got = client.post("{'jsonrpc':'2.0','id':" + id + ",'result':{}}");

        assertThat(got.status()).isIn(202, 400);
        assertThat(client.post(CALL).json().has("result")).isTrue();
    }

    @Test
    void progressOfTheClientReachesTheBackendUnderItsOwnToken() {
        asking(backend, "sampling/createMessage", "4", "{\"_meta\":{\"progressToken\":\"tok\"}}");

        try (WireClient.Stream stream = client.stream(CALL)) {
            JsonNode question = stream.message();
            String token = question.at("/params/_meta/progressToken").toString();
            client.post("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':" + token
                    + ",'progress':0.50}}");
            await().until(() -> backend.count("notifications/progress") == 1);
            client.post(answer(question, "'result':{}"));
            stream.message();
        }
        assertThat(backend.received("notifications/progress").get(0).text())
                .contains("\"params\":{\"progressToken\":\"tok\",\"progress\":0.50}");
    }

    @Test
    void changedRootsAreToldToTheBackendsThatKnowTheClient() {
        client.post(CALL);

        client.post("{'jsonrpc':'2.0','method':'notifications/roots/list_changed'}");

        await().until(() -> backend.count("notifications/roots/list_changed") == 1);
        assertThat(backend.received("notifications/roots/list_changed").get(0).header("mcp-session-id"))
                .isEqualTo(backend.received("tools/call").get(0).header("mcp-session-id"));
    }

    @Test
    void pingOfABackendIsAnsweredByTheGateway() {
        asking(backend, "ping", "6", "{}");

        List<JsonNode> events = client.post(CALL).events();

        assertThat(events).hasSize(1);
        assertThat(events.get(0).at("/result/heard").toString())
                .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":6,\"result\":{}}");
    }

    @Test
    void whoCannotAnswerIsNotAsked() {
        asking(backend, "elicitation/create", "1", "{}");

        List<JsonNode> withoutSession = gateway.client().post(CALL).events();
        JsonNode withoutStream = client.post(CALL, "Accept", "application/json").json();

        assertThat(withoutSession).hasSize(1);
        assertThat(withoutSession.get(0).at("/result/heard/error/code").asInt()).isEqualTo(-32601);
        assertThat(withoutStream.at("/result/heard/error/code").asInt()).isEqualTo(-32601);
    }

    @Test
    void questionOnASingleMountIsAnsweredToo() {
        asking(backend, "elicitation/create", "1", "{\"_meta\":{\"progressToken\":9}}");
        WireClient single = gateway.client("/mcp/weather").initialize("2025-06-18", ALL);

        try (WireClient.Stream stream = single.stream(CALL)) {
            JsonNode question = stream.message();
            single.post("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':"
                    + question.at("/params/_meta/progressToken") + ",'progress':1}}");
            await().until(() -> backend.count("notifications/progress") == 1);
            single.post(answer(question, "'result':{'ok':true}"));

            assertThat(stream.message().at("/result/heard/result/ok").asBoolean())
                    .isTrue();
        }
        assertThat(backend.received("notifications/progress")
                        .get(0)
                        .params()
                        .path("progressToken")
                        .asInt())
                .isEqualTo(9);
    }
}
