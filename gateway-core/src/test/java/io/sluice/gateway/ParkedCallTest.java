package io.sluice.gateway;

import static io.sluice.gateway.AskingBackend.FORM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.guard.Gate;
import io.sluice.guard.GateSettings;
import io.sluice.parking.ParkingSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A modern client calls a tool of a legacy backend that asks back: the call waits, and goes on with the answer. */
class ParkedCallTest {
    private static final String ALL = "'elicitation':{'form':{},'url':{}},'sampling':{'tools':{}},'roots':{}";
    private static final String ANN = "ann-0123456789-abcdefgh";
    private static final String BOB = "bob-9876543210-hgfedcba";

    private AskingBackend backend;
    private TestGateway gateway;

    @BeforeEach
    void start() {
        backend = new AskingBackend();
        gateway = TestGateway.start().with("old", backend.fake()).listeningTo(backend.fake());
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private void restart(ParkingSettings parking) {
        gateway.close();
        backend = new AskingBackend();
        gateway = TestGateway.setUp()
                .settings(settings -> settings.withParking(parking))
                .start()
                .with("old", backend.fake())
                .listeningTo(backend.fake());
    }

    @Test
    void callThatWaitsForItsClientLeavesItsPlaceToOthers() {
        gateway.close();
        backend = new AskingBackend();
        BackendPolicy two = BackendPolicy.STANDARD.withGate(GateSettings.STANDARD.withConcurrent(2, false));
        gateway = TestGateway.setUp()
                .upstream(settings -> settings.withPolicies(any -> two))
                .start()
                .with("old", backend.fake());
        backend.asking("elicitation/create", FORM);
        Gate gate = java.util.Objects.requireNonNull(
                        gateway.discovery().state().upstreams().get("old"))
                .gate();

        List<JsonNode> parked = List.of(asked(call("")), asked(call("")), asked(call("")));

        assertThat(gateway.gateway().parkedCalls()).isEqualTo(3);
        await().atMost(TestGateway.PATIENCE).until(() -> gate.inFlight() == 0);
        for (JsonNode each : parked) {
            assertThat(text(call(back(each, "'elicitation-1':{'action':'decline'}"))
                            .send(gateway)))
                    .contains("decline");
        }
        nothingIsLeft();
        await().atMost(TestGateway.PATIENCE).until(() -> gate.inFlight() == 0);
    }

    private static ModernRequest call(String more) {
        return call(ALL, more);
    }

    private static ModernRequest call(String capabilities, String more) {
        return ModernRequest.of("tools/call", "'name':'echo','arguments':{'n':1.10,'m':[1,{'x':'y'}]}" + more)
                .header("Mcp-Name", "echo")
                .meta(ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':{" + capabilities + "}");
    }

    private static String back(JsonNode result, String answers) {
        return ",'inputResponses':{" + answers + "},'requestState':'"
                + result.path("requestState").asString() + "'";
    }

    private JsonNode asked(ModernRequest request) {
        RawExchange.Got got = request.send(gateway);
        JsonNode result = result(got);
        assertThat(got.status()).isEqualTo(200);
        assertThat(result.path("resultType").asString()).as(got.toString()).isEqualTo("input_required");
        return result;
    }

    private static JsonNode result(RawExchange.Got got) {
        return last(got).path("result");
    }

    private static JsonNode last(RawExchange.Got got) {
        List<JsonNode> all = messages(got);
        return all.get(all.size() - 1);
    }

    private static List<JsonNode> messages(RawExchange.Got got) {
        if (!got.header("Content-Type").startsWith("text/event-stream")) {
            return List.of(got.json());
        }
        return got.text()
                .lines()
                .filter(line -> line.startsWith("data: "))
                .map(line -> JsonMapper.shared().readTree(line.substring(6)))
                .toList();
    }

    private static String text(RawExchange.Got got) {
        return result(got).path("content").path(0).path("text").asString("");
    }

    private static List<String> keys(JsonNode result) {
        return List.copyOf(result.path("inputRequests").propertyNames());
    }

    private void nothingIsLeft() {
        await().atMost(TestGateway.PATIENCE).untilAsserted(() -> {
            assertThat(gateway.gateway().parkedCalls()).isZero();
            assertThat(gateway.gateway().conversations()).isZero();
        });
    }

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
            messages(got).stream()
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
    void callsThatAreOpenAtOnceHaveSessionsOfTheirOwnAndLaterOnesUseThemAgain() {
        backend.asking("elicitation/create", FORM);
        JsonNode first = asked(call(""));
        JsonNode second = asked(call(""));

        call(back(first, "'elicitation-1':{'action':'accept'}")).send(gateway);
        call(back(second, "'elicitation-1':{'action':'accept'}")).send(gateway);
        JsonNode third = asked(call(""));
        call(back(third, "'elicitation-1':{'action':'accept'}")).send(gateway);

        assertThat(backend.fake().received("tools/call").stream()
                        .map(request -> request.header("mcp-session-id"))
                        .distinct())
                .hasSize(2);
        nothingIsLeft();
    }

    @Test
    void leavingAfterTheAnswersCancelsTheCallAndItsSession() throws Exception {
        CountDownLatch working = new CountDownLatch(1);
        backend.tool(talk -> {
            talk.answer(talk.ask("elicitation/create", FORM));
            talk.progress(1);
            working.await(10, TimeUnit.SECONDS);
        });
        JsonNode result = asked(call("").alsoMeta("'progressToken':1"));
        int sessions = backend.fake().sessions().size();

        try (RawExchange open = call(back(result, "'elicitation-1':{'action':'accept'}"))
                .alsoMeta("'progressToken':2")
                .open(gateway)) {
            open.until("\"progress\":1");
        }

        JsonNode cancelled = backend.cancelled();
        working.countDown();
        assertThat(cancelled.path("requestId"))
                .isEqualTo(backend.fake().received("tools/call").get(0).id());
        await().atMost(TestGateway.PATIENCE)
                .until(() -> backend.fake().sessions().size() == sessions - 1);
        nothingIsLeft();
    }

    @Test
    void stateOfACallThatIsOverAndStateUsedBeforeAreRefused() {
        backend.asking("elicitation/create", FORM);
        JsonNode result = asked(call(""));
        call(back(result, "'elicitation-1':{'action':'accept'}")).send(gateway);

        RawExchange.Got again =
                call(back(result, "'elicitation-1':{'action':'accept'}")).send(gateway);

        assertThat(again.status()).isEqualTo(200);
        assertThat(again.code()).isEqualTo(-32602);
        assertThat(again.text()).contains("request state expired, call again");
    }

    @Test
    void stateOfAnEarlierRoundIsRefusedAndHarmsNothing() {
        backend.tool(talk -> {
            talk.answer(talk.ask("roots/list", ""));
            talk.answer(talk.ask("roots/list", ""));
            talk.say("done");
        });
        JsonNode first = asked(call(""));
        JsonNode second = asked(call(back(first, "'roots-1':{'roots':[]}")));

        RawExchange.Got old = call(back(first, "'roots-1':{'roots':[]}")).send(gateway);
        RawExchange.Got got = call(back(second, "'roots-2':{'roots':[]}")).send(gateway);

        assertThat(old.code()).isEqualTo(-32602);
        assertThat(text(got)).isEqualTo("done");
    }

    @Test
    void stateOpensForItsCallAndNothingElse() {
        backend.asking("elicitation/create", FORM);
        JsonNode result = asked(call(""));
        String state = result.path("requestState").asString();
        String tampered = state.substring(0, state.length() - 2)
                + (state.charAt(state.length() - 2) == 'A' ? 'B' : 'A')
                + state.charAt(state.length() - 1);
        String answer = ",'inputResponses':{'elicitation-1':{'action':'accept'}},'requestState':'";

        List<RawExchange.Got> refused = List.of(
                call(answer + tampered + "'").send(gateway),
                call(answer + "v1.nonsense'").send(gateway),
                ModernRequest.of("tools/call", "'name':'echo','arguments':{'n':1.1}" + answer + state + "'")
                        .header("Mcp-Name", "echo")
                        .send(gateway),
                call(answer + state + "'").send(gateway, "/mcp/old"));
        RawExchange.Got got = ModernRequest.of(
                        "tools/call", // spelled another way, and of the same meaning
                        "'arguments':{ 'm': [1, {'x':'\\u0079'}], 'n':1.10},'name':'echo'" + answer + state + "'")
                .header("Mcp-Name", "echo")
                .send(gateway);

        for (RawExchange.Got each : refused) {
            assertThat(each.status()).as(each.toString()).isEqualTo(200);
            assertThat(each.code()).as(each.toString()).isEqualTo(-32602);
        }
        assertThat(text(got)).contains("accept");
    }

    @Test
    void stateOfAnotherCallerIsRefused() {
        gateway.close();
        backend = new AskingBackend().asking("elicitation/create", FORM);
        gateway = TestGateway.setUp()
                .token("ann", ANN)
                .token("bob", BOB)
                .start()
                .with("old", backend.fake())
                .listeningTo(backend.fake());
        JsonNode result = asked(call("").header("Authorization", "Bearer " + ANN));

        RawExchange.Got bobs = call(back(result, "'elicitation-1':{'action':'accept'}"))
                .header("Authorization", "Bearer " + BOB)
                .send(gateway);
        RawExchange.Got anns = call(back(result, "'elicitation-1':{'action':'accept'}"))
                .header("Authorization", "Bearer " + ANN)
                .send(gateway);

        assertThat(bobs.status()).isEqualTo(200);
        assertThat(bobs.code()).isEqualTo(-32602);
        assertThat(text(anns)).contains("accept");
    }

    @Test
    void callThatNobodyComesBackToIsCancelledAndItsQuestionsAnswered() throws Exception {
        restart(ParkingSettings.DEFAULT.withPatience(Duration.ofMillis(1500)));
        List<String> ids = new ArrayList<>();
        CountDownLatch over = new CountDownLatch(1);
        backend.tool(talk -> {
            ids.add(talk.ask("elicitation/create", FORM));
            ids.add(talk.ask("sampling/createMessage", "'messages':[],'maxTokens':1"));
            over.await(10, TimeUnit.SECONDS);
        });
        JsonNode result = asked(call(""));

        JsonNode cancelled = backend.cancelled();
        RawExchange.Got late =
                call(back(result, "'elicitation-1':{'action':'accept'}")).send(gateway);

        assertThat(cancelled.path("requestId"))
                .isEqualTo(backend.fake().received("tools/call").get(0).id());
        assertThat(backend.answer(ids.get(0)).path("result").path("action").asString())
                .isEqualTo("cancel");
        assertThat(backend.answer(ids.get(1)).path("error").path("code").asInt())
                .isEqualTo(-1);
        assertThat(late.status()).isEqualTo(200);
        assertThat(late.code()).isEqualTo(-32602);
        assertThat(late.text()).contains("request state expired, call again");
        over.countDown();
        nothingIsLeft();
    }

    @ParameterizedTest
    @CsvSource({"2,100,this caller already has 2 calls", "100,2,this gateway already has 2 calls"})
    void callsBeyondTheLimitAreEndedWithASentence(int ofCaller, int ofAll, String why) throws Exception {
        restart(ParkingSettings.DEFAULT.withLimits(ofCaller, ofAll));
        backend.asking("elicitation/create", FORM);
        JsonNode first = asked(call(""));
        asked(call(""));

        RawExchange.Got third = call("").send(gateway);
        backend.cancelled();
        RawExchange.Got got =
                call(back(first, "'elicitation-1':{'action':'accept'}")).send(gateway);
        JsonNode next = asked(call(""));

        assertThat(result(third).path("isError").asBoolean()).isTrue();
        assertThat(text(third)).contains(why);
        assertThat(text(got)).contains("accept");
        assertThat(keys(next)).hasSize(1);
    }

    @Test
    void backendThatWithdrawsItsQuestionGoesOnWhenTheClientComesBack() {
        CountDownLatch withdrawn = new CountDownLatch(1);
        backend.tool(talk -> {
            String id = talk.ask("elicitation/create", FORM);
            withdrawn.await(10, TimeUnit.SECONDS);
            talk.message("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':'" + id + "'}}");
            talk.say("without it");
        });
        JsonNode result = asked(call(""));
        withdrawn.countDown();

        RawExchange.Got got = call(back(result, "")).send(gateway);
        JsonNode outcome = result(got);
        if (outcome.has("inputRequests")) { // came back before the withdrawal did
            outcome = result(
                    call(back(outcome, "'elicitation-1':{'action':'accept'}")).send(gateway));
        }

        assertThat(outcome.path("content").path(0).path("text").asString()).isEqualTo("without it");
        nothingIsLeft();
    }

    @Test
    void backendThatDiesWhileACallWaitsIsReportedToWhoComesBack() {
        backend.asking("elicitation/create", FORM);
        JsonNode result = asked(call(""));
        backend.fake().down();

        RawExchange.Got got =
                call(back(result, "'elicitation-1':{'action':'accept'}")).send(gateway);

        assertThat(result(got).path("isError").asBoolean()).as(got.toString()).isTrue();
        assertThat(text(got)).contains("'old'");
        nothingIsLeft();
    }

    @Test
    void answersThatAreNoObjectsAreRefusedAndTheCallStillWaits() {
        backend.asking("elicitation/create", FORM);
        JsonNode result = asked(call(""));

        RawExchange.Got wrong = call(back(result, "'elicitation-1':7")).send(gateway);
        RawExchange.Got got =
                call(back(result, "'elicitation-1':{'action':'accept'}")).send(gateway);

        assertThat(wrong.code()).isEqualTo(-32602);
        assertThat(text(got)).contains("accept");
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
    void pageThatABackendWantsOpenedFirstIsPutToTheClientAndTheRetryCallsAgain() {
        int[] calls = new int[1];
        backend.fake().on("tools/call", (request, answer) -> {
            if (calls[0]++ == 0) {
                answer.error(
                        200,
                        -32042,
                        "log in",
                        "{\"elicitations\":[{\"mode\":\"url\",\"elicitationId\":\"e\",\"message\":\"log in\","
                                + "\"url\":\"https://x.example\"}]}");
            } else {
                answer.result("{\"content\":[{\"type\":\"text\",\"text\":\"in\"}]}");
            }
        });

        JsonNode result = asked(call(""));
        RawExchange.Got got = call(back(result, "'page-1':{'action':'accept'}")).send(gateway);

        assertThat(result.path("inputRequests").path("page-1").toString())
                .isEqualTo("{\"method\":\"elicitation/create\",\"params\":{\"mode\":\"url\",\"message\":\"log in\","
                        + "\"url\":\"https://x.example\"}}");
        assertThat(text(got)).isEqualTo("in");
        assertThat(backend.fake().received("tools/call").get(1).params().has("requestState"))
                .isFalse();
        assertThat(gateway.gateway().parkedCalls()).isZero();
    }

    @Test
    void pageThatThePersonWillNotOpenEndsTheCall() {
        backend.fake()
                .on(
                        "tools/call",
                        (request, answer) -> answer.error(
                                200, -32042, "log in", "{\"elicitations\":[{\"url\":\"https://x.example\"}]}"));

        JsonNode result = asked(call(""));
        RawExchange.Got got =
                call(back(result, "'page-1':{'action':'decline'}")).send(gateway);

        assertThat(result(got).path("isError").asBoolean()).isTrue();
        assertThat(backend.fake().count("tools/call")).isEqualTo(1);
    }

    @Test
    void clientThatCannotOpenPagesIsToldWhatItLacks() {
        backend.fake()
                .on(
                        "tools/call",
                        (request, answer) -> answer.error(
                                200, -32042, "log in", "{\"elicitations\":[{\"url\":\"https://x.example\"}]}"));

        for (String capabilities : List.of("", "'elicitation':{}")) {
            RawExchange.Got got = call(capabilities, "").send(gateway);

            assertThat(got.status()).isEqualTo(400);
            assertThat(got.code()).isEqualTo(-32021);
            assertThat(got.json()
                            .path("error")
                            .path("data")
                            .path("requiredCapabilities")
                            .toString())
                    .isEqualTo("{\"elicitation\":{\"url\":{}}}");
        }
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
