package io.sluice.gateway;

import static io.sluice.gateway.AskingBackend.FORM;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What a client that was asked something comes back with opens one call, for one caller, once. */
class ParkedStateTest extends ParkedCalls {
    private static final String ANN = "ann-0123456789-abcdefgh";
    private static final String BOB = "bob-9876543210-hgfedcba";

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
    void answersThatAreNoObjectsAreRefusedAndTheCallStillWaits() {
        backend.asking("elicitation/create", FORM);
        JsonNode result = asked(call(""));

        RawExchange.Got wrong = call(back(result, "'elicitation-1':7")).send(gateway);
        RawExchange.Got got =
                call(back(result, "'elicitation-1':{'action':'accept'}")).send(gateway);

        assertThat(wrong.code()).isEqualTo(-32602);
        assertThat(text(got)).contains("accept");
    }
}
