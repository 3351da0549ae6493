package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A legacy client before a modern backend that asks back. */
class InputRoundsTest {
    private static final String CALL =
            "{'jsonrpc':'2.0','id':'c-1','method':'tools/call','params':{'name':'purge','arguments':{'n':1.10}}}";
    private static final String ASK_NAME =
            "{\"resultType\":\"input_required\",\"inputRequests\":{\"who\":{\"method\":\"elicitation/create\","
                    + "\"params\":{\"mode\":\"form\",\"message\":\"Your name?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{}}}}},"
                    + "\"requestState\":\"s-\\u00e9-1\"}";

    @Test
    void questionBecomesARequestOnTheCallsStreamAndItsAnswerGoesBackWithTheExactState() throws Exception {
        FakeBackend backend = FakeBackend.modern()
                .tool("purge", arguments -> "")
                .on("tools/call", (request, answer) -> {
                    JsonNode responses = request.params().path("inputResponses");
                    if (responses.isMissingNode()) {
                        answer.result(ASK_NAME);
                    } else {
                        answer.result("{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"hello "
                                + responses
                                        .path("who")
                                        .path("content")
                                        .path("name")
                                        .asString() + "\"}]}");
                    }
                });
        try (TestGateway gateway = TestGateway.start().with("shop", backend)) {
            WireClient client = gateway.client("/mcp/shop").initialize("2025-11-25", "{'elicitation':{}}");
            try (WireClient.Stream stream = client.stream(CALL)) {
                JsonNode question = stream.message();
                assertThat(question.path("method").asString()).isEqualTo("elicitation/create");
                assertThat(question.path("params").path("message").asString()).isEqualTo("Your name?");

                assertThat(client.post("{'jsonrpc':'2.0','id':" + question.get("id")
                                        + ",'result':{'action':'accept','content':{'name':'Ada'}}}")
                                .status())
                        .isEqualTo(202);

                JsonNode response = stream.message();
                assertThat(response.path("id").asString()).isEqualTo("c-1");
                assertThat(response.path("result")
                                .path("content")
                                .path(0)
                                .path("text")
                                .asString())
                        .isEqualTo("hello Ada");
                assertThat(response.path("result").has("resultType")).isFalse();
            }
            FakeBackend.Received first = backend.received("tools/call").get(0);
            FakeBackend.Received second = backend.received("tools/call").get(1);
            assertThat(first.text()).contains("\"elicitation\":{\"form\":{}}", "{\"n\":1.10}");
            assertThat(second.text()).contains("\"requestState\":\"s-\\u00e9-1\"", "{\"n\":1.10}");
            assertThat(second.id()).isNotEqualTo(first.id());
        }
    }

    @Test
    void declinedElicitationIsACancelAndDeclinedSamplingEndsTheCall() throws Exception {
        FakeBackend backend = FakeBackend.modern()
                .tool("purge", arguments -> "")
                .on("tools/call", (request, answer) -> {
                    JsonNode responses = request.params().path("inputResponses");
                    if (responses.isMissingNode()) {
                        answer.result(ASK_NAME);
                    } else if (responses.has("who")) {
                        assertThat(responses.path("who").path("action").asString())
                                .isEqualTo("cancel");
                        answer.result(
                                "{\"resultType\":\"input_required\",\"inputRequests\":{\"poem\":{\"method\":\"sampling/createMessage\",\"params\":{}}}}");
                    }
                });
        try (TestGateway gateway = TestGateway.start().with("shop", backend)) {
            WireClient client =
                    gateway.client("/mcp/shop").initialize("2025-06-18", "{'elicitation':{},'sampling':{}}");
            try (WireClient.Stream stream = client.stream(CALL)) {
                for (int i = 0; i < 2; i++) {
                    JsonNode question = stream.message();
                    client.post("{'jsonrpc':'2.0','id':" + question.get("id")
                            + ",'error':{'code':-1,'message':'User rejected'}}");
                }

                JsonNode response = stream.message();
                assertThat(response.path("result").path("isError").asBoolean()).isTrue();
                assertThat(response.toString())
                        .contains("'shop' asked for sampling/createMessage, which the client declined");
            }
        }
    }

    @Test
    void severalQuestionsGoOutTogetherAndStateWithoutQuestionsIsSentBackAtOnce() throws Exception {
        AtomicInteger rounds = new AtomicInteger();
        FakeBackend backend = FakeBackend.modern()
                .tool("purge", arguments -> "")
                .on("tools/call", (request, answer) -> {
                    switch (rounds.incrementAndGet()) {
                        case 1 -> answer.result("{\"resultType\":\"input_required\",\"requestState\":\"again\"}");
                        case 2 -> {
                            assertThat(request.params().path("requestState").asString())
                                    .isEqualTo("again");
                            answer.result(
                                    "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":\"roots/list\"},"
                                            + "\"b\":{\"method\":\"roots/list\",\"params\":{}}}}");
                        }
                        default -> {
                            assertThat(request.params()
                                            .path("inputResponses")
                                            .path("a")
                                            .path("roots")
                                            .size())
                                    .isEqualTo(1);
                            assertThat(request.params()
                                            .path("inputResponses")
                                            .path("b")
                                            .path("roots")
                                            .size())
                                    .isEqualTo(2);
                            answer.result("{\"resultType\":\"complete\",\"content\":[]}");
                        }
                    }
                });
        try (TestGateway gateway = TestGateway.start().with("shop", backend)) {
            WireClient client = gateway.client("/mcp/shop").initialize("2025-11-25", "{'roots':{}}");
            try (WireClient.Stream stream = client.stream(CALL)) {
                JsonNode first = stream.message();
                JsonNode second = stream.message();
                client.post("{'jsonrpc':'2.0','id':" + second.get("id")
                        + ",'result':{'roots':[{'uri':'file:///b'},{'uri':'file:///c'}]}}");
                client.post("{'jsonrpc':'2.0','id':" + first.get("id") + ",'result':{'roots':[{'uri':'file:///a'}]}}");

                assertThat(stream.message().path("result").path("content").isArray())
                        .isTrue();
            }
            assertThat(rounds).hasValue(3);
        }
    }

    @Test
    void endlessQuestionsAreCutOff() throws Exception {
        FakeBackend backend = FakeBackend.modern()
                .tool("purge", arguments -> "")
                .on("tools/call", (request, answer) -> answer.result(ASK_NAME));
        try (TestGateway gateway = TestGateway.start().with("shop", backend)) {
            WireClient client = gateway.client("/mcp/shop").initialize("2025-11-25", "{'elicitation':{}}");
            try (WireClient.Stream stream = client.stream(CALL)) {
                JsonNode message = stream.message();
                int questions = 0;
                while (message.has("method")) {
                    questions++;
                    client.post("{'jsonrpc':'2.0','id':" + message.get("id") + ",'result':{'action':'decline'}}");
                    message = stream.message();
                }

                assertThat(questions).isEqualTo(InputRounds.MAX_ROUNDS);
                assertThat(message.toString()).contains("more than " + InputRounds.MAX_ROUNDS + " rounds");
            }
        }
    }

    @Test
    void clientThatCannotBeAskedGetsASentence() throws Exception {
        FakeBackend backend = FakeBackend.modern()
                .tool("purge", arguments -> "")
                .on("tools/call", (request, answer) -> answer.result(ASK_NAME));
        try (TestGateway gateway = TestGateway.start().with("shop", backend)) {
            WireClient client = gateway.client("/mcp/shop").initialize("2025-11-25", "{}");

            WireClient.Got got = client.post(CALL);

            assertThat(got.body()).contains("\"isError\":true", "'shop' needs to ask the client");
            assertThat(backend.received("tools/call").get(0).text())
                    .contains("\"io.modelcontextprotocol/clientCapabilities\":{}");
        }
    }
}
