package io.sluice.gateway;

import static io.sluice.gateway.AskingBackend.FORM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.guard.Gate;
import io.sluice.guard.GateSettings;
import io.sluice.parking.ParkingSettings;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What calls that wait for their clients hold, how many there may be, and how they end when somebody is gone. */
class ParkedPlacesTest extends ParkedCalls {
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
}
