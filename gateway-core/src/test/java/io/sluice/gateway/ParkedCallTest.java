package io.sluice.gateway;

import static io.sluice.gateway.AskingBackend.FORM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** A modern client calls a tool of a legacy backend that asks back: the call waits, and goes on with the answer. */
class ParkedCallTest extends ParkedCalls {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "elicitation/create|'mode':'form','message':'who?','requestedSchema':{'type':'object'}"
                        + "|{'action':'accept','content':{'n':1.10}}",
                "elicitation/create|'message':'who?','requestedSchema':{'type':'object'}|{'action':'decline'}",
                "elicitation/create|'mode':'url','message':'open','url':'https://x.example/'|{'action':'accept'}",
                "sampling/createMessage|'messages':[],'maxTokens':5"
                        + "|{'role':'assistant','model':'m','content':{'type':'text','text':'hi'}}",
                "roots/list|'x':1|{'roots':[{'uri':'file:///a'}]}"
            })
    void questionComesAsAResultAndTheRetryGoesOnWithTheAnswer(String method, String params, String answer) {
        backend.asking(method, params);

        JsonNode result = asked(call("").id("'first'"));
        String key = keys(result).get(0);
        JsonNode question = result.path("inputRequests").path(key);
        RawExchange.Got got =
                call(back(result, "'" + key + "':" + answer)).id("'second'").send(gateway);

        assertThat(question.path("method").asString()).isEqualTo(method);
        assertThat(question.path("params").toString()).isEqualTo(AskingBackend.json("{" + params + "}"));
        assertThat(question.has("id")).isFalse();
        assertThat(last(got).path("id").asString()).isEqualTo("second");
        assertThat(result(got).path("resultType").asString()).isEqualTo("complete");
        assertThat(backend.fake().received())
                .anyMatch(received -> received.text().contains("\"result\":" + AskingBackend.json(answer)));
        assertThat(text(got)).startsWith("answered ");
        assertThat(backend.fake().count("tools/call")).isEqualTo(1);
        nothingIsLeft();
    }

    @Test
    void whatOnlyTheLegacyEraKnowsOfAPageIsTakenOff() {
        backend.asking(
                "elicitation/create", "'elicitationId':'e-1','mode':'url','message':'open','url':'https://x.example/'");

        JsonNode result = asked(call(""));

        assertThat(result.path("inputRequests")
                        .path("elicitation-1")
                        .path("params")
                        .toString())
                .isEqualTo("{\"mode\":\"url\",\"message\":\"open\",\"url\":\"https://x.example/\"}");
    }

    @Test
    void severalQuestionsComeTogetherAndWhatIsMissingIsAskedAgain() {
        backend.tool(talk -> {
            String name = talk.ask("elicitation/create", FORM);
            String roots = talk.ask("roots/list", "");
            talk.say(talk.answer(name).path("result") + " and "
                    + talk.answer(roots).path("result"));
        });

        JsonNode both = asked(call(""));
        JsonNode again = asked(call(back(both, "'unknown':{}")));
        JsonNode rest = asked(call(back(again, "'elicitation-1':{'action':'accept'}")));
        RawExchange.Got got = call(back(rest, "'roots-2':{'roots':[]}")).send(gateway);

        assertThat(keys(both)).containsExactly("elicitation-1", "roots-2");
        assertThat(keys(again)).containsExactly("elicitation-1", "roots-2");
        assertThat(again.path("requestState")).isEqualTo(both.path("requestState"));
        assertThat(keys(rest)).containsExactly("roots-2");
        assertThat(text(got)).isEqualTo("{\"action\":\"accept\"} and {\"roots\":[]}");
        nothingIsLeft();
    }

    @Test
    void callMayAskInManyRoundsUnderKeysOfTheirOwnWhileProgressGrows() {
        backend.tool(talk -> {
            StringBuilder heard = new StringBuilder();
            for (int i = 0; i < 5; i++) {
                talk.progress(10 * i + 1);
                heard.append(talk.answer(talk.ask("elicitation/create", FORM))
                        .path("result")
                        .path("content")
                        .path("n")
                        .asInt());
                talk.progress(10 * i + 2);
            }
            talk.say(heard.toString());
        });
        List<String> keys = new ArrayList<>();
        List<Integer> progress = new ArrayList<>();
        String more = "";
        RawExchange.Got got = call("").send(gateway);

        for (int i = 0; i < 6; i++) {
            int round = i;
            got = call(more)
                    .alsoMeta("'progressToken':'p-" + i + "'")
                    .id(Integer.toString(i))
                    .send(gateway);
            got.messages().stream()
                    .filter(message -> message.path("method").asString("").equals("notifications/progress"))
                    .forEach(message -> {
                        assertThat(message.path("params").path("progressToken").asString())
                                .isEqualTo("p-" + round);
                        progress.add(message.path("params").path("progress").asInt());
                    });
            JsonNode result = result(got);
            if (result.has("inputRequests")) {
                keys.addAll(keys(result));
                more = back(result, "'" + keys(result).get(0) + "':{'action':'accept','content':{'n':" + i + "}}");
            }
        }

        assertThat(text(got)).isEqualTo("01234");
        assertThat(keys).hasSize(5).doesNotHaveDuplicates();
        assertThat(progress).isSorted().doesNotHaveDuplicates().contains(1, 2, 11, 42);
    }

    @Test
    void logWhileSpeakingIsOfTheLevelThatTheRoundAskedFor() {
        String log = "{'jsonrpc':'2.0','method':'notifications/message','params':{'level':'%s','data':'%s'}}";
        backend.tool(talk -> {
            talk.message(log.formatted("info", "one"));
            talk.answer(talk.ask("roots/list", ""));
            talk.message(log.formatted("debug", "two")).message(log.formatted("error", "three"));
            talk.say("done");
        });

        RawExchange.Got first =
                call("").alsoMeta("'io.modelcontextprotocol/logLevel':'info'").send(gateway);
        RawExchange.Got second = call(back(result(first), "'roots-1':{'roots':[]}"))
                .alsoMeta("'io.modelcontextprotocol/logLevel':'error'")
                .send(gateway);

        assertThat(first.text()).contains("one");
        assertThat(second.text()).contains("three").doesNotContain("two");
        assertThat(backend.fake()
                        .received("logging/setLevel")
                        .get(0)
                        .params()
                        .path("level")
                        .asString())
                .isEqualTo("info");
    }

    @Test
    void questionOnTheSessionsOwnStreamBelongsToTheCall() {
        backend.fake().on("tools/call", (request, answer) -> {
            await().atMost(TestGateway.PATIENCE).until(() -> backend.fake().openFeeds() == 2);
            backend.fake().push(AskingBackend.json("{'jsonrpc':'2.0','id':'ask-g','method':'roots/list'}"));
            answer.result("{\"content\":[{\"type\":\"text\",\"text\":"
                    + AskingBackend.quoted(backend.result("ask-g").toString()) + "}]}");
        });

        JsonNode result = asked(call(""));
        RawExchange.Got got = call(back(result, "'roots-1':{'roots':[]}")).send(gateway);

        assertThat(result.path("inputRequests").path("roots-1").has("params")).isFalse();
        assertThat(text(got)).isEqualTo("{\"roots\":[]}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "'elicitation':{}|elicitation/create|'mode':'url','message':'m','url':'https://x.example'",
                "'elicitation':{'url':{}}|elicitation/create|'message':'m','requestedSchema':{}",
                "'elicitation':{}|sampling/createMessage|'messages':[],'maxTokens':1",
                "'sampling':{}|sampling/createMessage|'messages':[],'maxTokens':1,'tools':[]",
                "'sampling':{}|roots/list|'x':1"
            })
    void clientIsNotAskedForWhatItDidNotDeclare(String capabilities, String method, String params) {
        backend.asking(method, params);

        RawExchange.Got got = call(capabilities, "").send(gateway);

        assertThat(text(got)).contains("-32601");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "|elicitation/create|{'elicitation':{'form':{}}}",
                "'roots':{}|sampling/createMessage|{'sampling':{}}",
                "'sampling':{}|roots/list|{'roots':{}}"
            })
    void callThatFailsForWhatTheClientDidNotDeclareSaysWhatIsMissing(
            String capabilities, String method, String missing) {
        backend.tool(talk -> talk.fail(talk.answer(talk.ask(method, "")).toString()));

        RawExchange.Got got = call(capabilities == null ? "" : capabilities, "").send(gateway);

        assertThat(got.status()).as(got.toString()).isEqualTo(400);
        assertThat(got.code()).isEqualTo(-32021);
        assertThat(got.json()
                        .path("error")
                        .path("data")
                        .path("requiredCapabilities")
                        .toString())
                .isEqualTo(AskingBackend.json(missing));
    }

    @Test
    void keysThatABackendWishesForAreKeptAndNeverDoubled() {
        String named = FORM + ",'_meta':{'io.sluice/inputKey':'user_name','progressToken':0,'x':1}";
        backend.tool(talk -> {
            String one = talk.ask("elicitation/create", named);
            String two = talk.ask("elicitation/create", named);
            talk.ask("roots/list", "'_meta':{'io.sluice/inputKey':'not a key','progressToken':1}");
            talk.answer(one);
            talk.answer(two);
            talk.say("done");
        });

        JsonNode result = asked(call(""));

        assertThat(keys(result)).containsExactly("user_name", "user_name-2", "roots-3");
        assertThat(result.path("inputRequests")
                        .path("user_name")
                        .path("params")
                        .path("_meta")
                        .toString())
                .isEqualTo("{\"x\":1}");
        assertThat(result.path("inputRequests").path("roots-3").toString()).isEqualTo("{\"method\":\"roots/list\"}");
    }

    @Test
    void answersGivenBeforeTheQuestionAreUsedWhenItComes() {
        backend.asking("elicitation/create", FORM + ",'_meta':{'io.sluice/inputKey':'user_name'}");

        RawExchange.Got got = call(",'inputResponses':{'user_name':{'action':'accept'},'other':{}}")
                .send(gateway);

        assertThat(text(got)).contains("accept");
        assertThat(backend.fake().received("tools/call").get(0).params().has("inputResponses"))
                .isFalse();
    }

    @Test
    void backendIsToldExactlyWhatTheClientDeclares() {
        backend.asking("roots/list", "");

        asked(call("'roots':{},'elicitation':{}", ""));

        List<JsonNode> declared = backend.fake().received("initialize").stream()
                .map(request -> request.params().path("capabilities"))
                .filter(capabilities -> !capabilities.isEmpty())
                .toList();
        assertThat(declared).hasSize(1);
        assertThat(declared.get(0).toString()).isEqualTo("{\"roots\":{},\"elicitation\":{\"form\":{}}}");
    }

    @Test
    void clientThatTakesNoStreamsConversesInJson() {
        backend.tool(talk -> {
            talk.progress(1);
            talk.answer(talk.ask("elicitation/create", FORM));
            talk.progress(2);
            talk.say("done");
        });
        RawExchange.Got first = call("").alsoMeta("'progressToken':1")
                .accept("application/json")
                .send(gateway);
        RawExchange.Got second = call(back(first.json().path("result"), "'elicitation-1':{'action':'accept'}"))
                .accept("application/json")
                .send(gateway);

        assertThat(first.header("Content-Type")).isEqualTo("application/json");
        assertThat(second.header("Content-Type")).isEqualTo("application/json");
        assertThat(text(second)).isEqualTo("done");
    }

    @Test
    void promptsAndResourcesMayAskAsWell() {
        gateway.close();
        backend = new AskingBackend();
        backend.fake()
                .list("prompts", "[{\"name\":\"greet\"}]")
                .list("resources", "[{\"uri\":\"test://one\",\"name\":\"one\"}]")
                .on("prompts/get", (request, answer) -> askRootsFirst(request, answer, "{\"messages\":[]}"))
                .on("resources/read", (request, answer) -> askRootsFirst(request, answer, "{\"contents\":[]}"));
        gateway = TestGateway.start().with("old", backend.fake()).listeningTo(backend.fake());
        String meta = ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':{'roots':{}}";

        JsonNode prompt = asked(ModernRequest.prompt("greet").meta(meta));
        JsonNode read = asked(ModernRequest.read("test://one").meta(meta));
        JsonNode messages =
                result(ModernRequest.of("prompts/get", "'name':'greet'" + back(prompt, "'roots-1':{'roots':[]}"))
                        .header("Mcp-Name", "greet")
                        .send(gateway));
        JsonNode contents =
                result(ModernRequest.of("resources/read", "'uri':'test://one'" + back(read, "'roots-1':{'roots':[]}"))
                        .header("Mcp-Name", "test://one")
                        .send(gateway));

        assertThat(messages.has("messages")).isTrue();
        assertThat(contents.path("ttlMs").asInt(-1)).isZero();
        assertThat(StreamSupport.stream(contents.propertyNames().spliterator(), false))
                .contains("contents", "cacheScope");
    }

    private void askRootsFirst(FakeBackend.Received request, FakeBackend.Answer answer, String result)
            throws Exception {
        String id = "ask-" + request.method();
        FakeBackend.Stream stream = answer.events();
        stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"" + id + "\",\"method\":\"roots/list\"}");
        backend.answer(id);
        stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + result + "}");
        stream.end();
    }
}
