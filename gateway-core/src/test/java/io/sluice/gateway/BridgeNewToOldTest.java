package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A modern client before a legacy backend: what either side sees is entirely of its own era. */
class BridgeNewToOldTest {
    private static FakeBackend backend;
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        backend = FakeBackend.legacy()
                .list("resources", "[{\"uri\":\"test://one\",\"name\":\"one\"}]")
                .list("resourceTemplates", "[{\"uriTemplate\":\"test://{id}/data\",\"name\":\"data\"}]")
                .list("prompts", "[{\"name\":\"greet\",\"arguments\":[{\"name\":\"who\"}]}]")
                .on(
                        "prompts/get",
                        (request, answer) -> answer.result(
                                "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"1.10\"}}],\"n\":1.10}"))
                .on("completion/complete", (request, answer) -> answer.result("{\"completion\":{\"values\":[\"a\"]}}"));
        gateway = TestGateway.start().with("old", backend).listeningTo(backend);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    private static ModernRequest echo() {
        return ModernRequest.call("echo", "{'n':1.10}");
    }

    private static FakeBackend.Received last(String method) {
        List<FakeBackend.Received> all = backend.received(method);
        return all.get(all.size() - 1);
    }

    @Test
    void backendSeesALegacyRequestOnASessionOfTheGateways() {
        backend.usual("tools/call");

        RawExchange.Got got = echo().id("'a-17'")
                .alsoMeta("'io.modelcontextprotocol/clientInfo':{'name':'x'},'io.modelcontextprotocol/logLevel':'info',"
                        + "'progressToken':'p','traceparent':'00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',"
                        + "'x/own':{'n':1.10}")
                .header("Mcp-Param-Region", "x")
                .send(gateway);

        assertThat(got.json().path("id").asString()).isEqualTo("a-17");
        FakeBackend.Received received = last("tools/call");
        assertThat(received.header("mcp-session-id")).startsWith("session-");
        assertThat(received.header("mcp-protocol-version")).isEqualTo("2025-11-25");
        assertThat(received.headers()).doesNotContainKeys("mcp-method", "mcp-name", "mcp-param-region");
        assertThat(received.id().isIntegralNumber()).isTrue();
        assertThat(received.text())
                .contains("\"arguments\":{\"n\":1.10}", "\"x/own\":{\"n\":1.10}", "\"traceparent\":");
        assertThat(List.copyOf(received.params().path("_meta").propertyNames()))
                .containsExactlyInAnyOrder("progressToken", "traceparent", "x/own");
    }

    @Test
    void resultsGetWhatTheModernEraRequiresAndKeepTheRest() {
        backend.on(
                "tools/call",
                (request, answer) -> answer.result(
                        "{\"content\":[],\"structuredContent\":{\"n\":1.10,\"m\":1e400},\"isError\":false,\"x\":[ 1 ]}"));
        backend.on(
                "resources/read",
                (request, answer) -> answer.result("{\"contents\":[{\"uri\":\"test://one\",\"text\":\"\"}]}"));

        String call = echo().send(gateway).text();
        JsonNode read = ModernRequest.read("test://one").send(gateway).json().path("result");
        JsonNode prompt = ModernRequest.prompt("greet").send(gateway).json().path("result");
        JsonNode complete = ModernRequest.of(
                        "completion/complete",
                        "'ref':{'type':'ref/prompt','name':'greet'},'argument':{'name':'who','value':''}")
                .send(gateway)
                .json()
                .path("result");

        assertThat(call)
                .contains("\"resultType\":\"complete\"")
                .contains(
                        "\"content\":[],\"structuredContent\":{\"n\":1.10,\"m\":1e400},\"isError\":false,\"x\":[ 1 ]}");
        assertThat(read.path("resultType").asString()).isEqualTo("complete");
        assertThat(read.path("ttlMs").asInt(-1)).isZero();
        assertThat(read.path("cacheScope").asString()).isEqualTo("private");
        assertThat(prompt.path("resultType").asString()).isEqualTo("complete");
        assertThat(prompt.path("messages").size()).isEqualTo(1);
        assertThat(complete.path("resultType").asString()).isEqualTo("complete");
        assertThat(complete.path("completion").path("values").toString()).isEqualTo("[\"a\"]");
        assertThat(last("completion/complete").params().path("ref").path("name").asString())
                .isEqualTo("greet");
    }

    @Test
    void completionOfATemplateFindsItsBackend() {
        RawExchange.Got got = ModernRequest.of(
                        "completion/complete",
                        "'ref':{'type':'ref/resource','uri':'test://{id}/data'},'argument':{'name':'id','value':''}")
                .send(gateway);
        RawExchange.Got unknown = ModernRequest.of(
                        "completion/complete",
                        "'ref':{'type':'ref/prompt','name':'nobody'},'argument':{'name':'id','value':''}")
                .send(gateway);

        assertThat(got.json().path("result").path("resultType").asString()).isEqualTo("complete");
        assertThat(unknown.status()).isEqualTo(200);
        assertThat(unknown.code()).isEqualTo(-32602);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tools/list", "prompts/list", "resources/list", "resources/templates/list"})
    void listsBearTypeTimeAndScope(String method) {
        JsonNode result = ModernRequest.of(method, "").send(gateway).json().path("result");

        assertThat(result.path("resultType").asString()).isEqualTo("complete");
        assertThat(result.path("ttlMs").isIntegralNumber()).isTrue();
        assertThat(result.path("cacheScope").asString()).isEqualTo("private");
    }

    @Test
    void missingResourceIsInvalidParamsWithTheUri() {
        backend.on("resources/read", (request, answer) -> answer.error(200, -32002, "Resource not found"));
        RawExchange.Got inBand = ModernRequest.read("test://one").send(gateway);
        backend.on("resources/read", (request, answer) -> answer.error(404, -32002, "Resource not found"));
        backend.on("resources/read", (request, answer) -> answer.error(400, -32002, "Resource not found"));
        RawExchange.Got asRefusal = ModernRequest.read("test://one").send(gateway);

        for (RawExchange.Got got : List.of(inBand, asRefusal)) {
            assertThat(got.status()).as(got.toString()).isEqualTo(200);
            assertThat(got.code()).isEqualTo(-32602);
            assertThat(got.json().path("error").path("data").path("uri").asString())
                    .isEqualTo("test://one");
            assertThat(got.json().path("id").asInt()).isEqualTo(7);
        }
    }

    @Test
    void errorsOfABackendKeepTheirCodeAndData() {
        backend.on("tools/call", (request, answer) -> answer.error(200, -32603, "own", "{\"n\":1.10}"));

        assertThat(echo().send(gateway).text())
                .isEqualTo(
                        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"own\",\"data\":{\"n\":1.10}}}");
    }

    @Test
    void progressBearsTheClientsOwnTokenAndNothingElseOfTheStreamIsShown() {
        backend.on("tools/call", (request, answer) -> {
            String token = request.params().path("_meta").path("progressToken").toString();
            FakeBackend.Stream stream = answer.events();
            stream.message(
                    "1",
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" + token
                            + ",\"progress\":1.10}}");
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
            stream.message(
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"error\",\"data\":1}}");
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unknown\",\"params\":{}}");
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[]}}");
            stream.end();
        });

        RawExchange.Got got = echo().alsoMeta("'progressToken':'p-7'").send(gateway);
        RawExchange.Got without = echo().send(gateway);

        assertThat(got.text()).contains("\"progressToken\":\"p-7\",\"progress\":1.10");
        assertThat(got.messages()).hasSize(2);
        assertThat(got.messages().get(1).path("id").asInt()).isEqualTo(7);
        assertThat(got.messages().get(1).path("result").path("resultType").asString())
                .isEqualTo("complete");
        assertThat(without.messages()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({"debug,8", "warning,5", "emergency,1"})
    void logMessagesComeFromTheWantedLevelUpwards(String level, int count) {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            for (String each :
                    List.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")) {
                stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\""
                        + each + "\",\"data\":1.10}}");
            }
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[]}}");
            stream.end();
        });

        RawExchange.Got got = echo().alsoMeta("'io.modelcontextprotocol/logLevel':'" + level + "'")
                .send(gateway);

        assertThat(got.messages()).hasSize(count + 1);
        assertThat(got.text()).contains("\"level\":\"" + level + "\",\"data\":1.10");
    }

    @Test
    void unknownLogLevelIsRefused() {
        RawExchange.Got got =
                echo().alsoMeta("'io.modelcontextprotocol/logLevel':'loud'").send(gateway);

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.code()).isEqualTo(-32602);
    }

    @ParameterizedTest
    @ValueSource(strings = {"elicitation/create", "sampling/createMessage", "roots/list"})
    void toolThatAsksBackIsToldThatNobodyAnswersAndTheCallEnds(String method) throws Exception {
        CountDownLatch refused = new CountDownLatch(1);
        backend.on("", (request, answer) -> {
            assertThat(request.json().path("error").path("code").asInt()).isEqualTo(-32601);
            assertThat(request.id().asString()).isEqualTo("ask-1");
            answer.accepted();
            refused.countDown();
        });
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"ask-1\",\"method\":\"" + method + "\",\"params\":{}}");
            String text = refused.await(10, TimeUnit.SECONDS) ? "refused" : "never answered";
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"isError\":true,\"content\":"
                    + "[{\"type\":\"text\",\"text\":\"" + text + "\"}]}}");
            stream.end();
        });

        RawExchange.Got got = echo().send(gateway);
        backend.usual("");

        assertThat(refused.getCount()).isZero();
        assertThat(got.status()).isEqualTo(400);
        assertThat(got.code()).isEqualTo(-32021);
    }

    @Test
    void pingOfTheBackendIsAnsweredHere() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        backend.on("", (request, answer) -> {
            answer.accepted();
            answered.countDown();
        });
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"ping-1\",\"method\":\"ping\"}");
            answered.await(10, TimeUnit.SECONDS);
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[]}}");
            stream.end();
        });

        RawExchange.Got got = echo().send(gateway);
        backend.usual("");

        assertThat(answered.getCount()).isZero();
        assertThat(got.messages()).hasSize(1);
    }

    @Test
    void forgottenSessionIsOpenedAnewAndTheCallRepeatedUnseen() {
        backend.usual("tools/call");
        assertThat(echo().send(gateway).status()).isEqualTo(200);
        int opened = backend.count("initialize");
        backend.forgetSessions();

        RawExchange.Got got = echo().send(gateway);

        assertThat(got.json().path("result").path("isError").asBoolean(false))
                .as(got.toString())
                .isFalse();
        assertThat(backend.count("initialize")).isGreaterThan(opened);
    }

    @Test
    void manyClientsWithTheSameIdsShareASessionAndGetTheirOwnAnswers() throws Exception {
        backend.usual("tools/call");
        await().atMost(TestGateway.PATIENCE).until(() -> backend.sessions().size() >= 1);
        var answers = java.util.stream.IntStream.range(0, 40)
                .mapToObj(i -> java.util.concurrent.CompletableFuture.supplyAsync(
                        () -> ModernRequest.call("echo", "{'mine':" + i + "}")
                                .send(gateway)
                                .text()))
                .toList();

        for (int i = 0; i < answers.size(); i++) {
            assertThat(answers.get(i).get(10, TimeUnit.SECONDS)).contains("\"id\":7", "{\\\"mine\\\":" + i + "}");
        }
    }

    @Test
    void streamOfABackendThatEndsTooEarlyIsAnswered() {
        backend.on("tools/call", (request, answer) -> answer.events().comment().end());

        RawExchange.Got got = echo().send(gateway);

        JsonNode last = got.messages().get(got.messages().size() - 1);
        assertThat(last.path("id").asInt()).isEqualTo(7);
        assertThat(last.path("result").path("isError").asBoolean()).isTrue();
        assertThat(got.text()).contains("'old'");
    }
}
