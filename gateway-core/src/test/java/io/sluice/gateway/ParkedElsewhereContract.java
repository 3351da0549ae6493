package io.sluice.gateway;

import static io.sluice.gateway.AskingBackend.FORM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.seal.Keyring;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A call waits at one replica, and its client comes back to another. Whatever carries messages between replicas must pass. */
public abstract class ParkedElsewhereContract {
    private final Keyring keys = Keyring.random();

    @SuppressWarnings("NullAway.Init")
    private AskingBackend backend;

    @SuppressWarnings("NullAway.Init")
    private TestGateway a;

    @SuppressWarnings("NullAway.Init")
    private TestGateway b;

    /** Of another replica. */
    protected abstract ReplicasContract.Shared share();

    /** Lets go of what was shared, after the replicas have gone. */
    protected void unshare() {}

    @BeforeEach
    void start() {
        backend = new AskingBackend();
        a = replica();
        b = replica();
    }

    private TestGateway replica() {
        ReplicasContract.Shared shared = share();
        return TestGateway.setUp()
                .sharing(keys, shared.store(), shared.messages())
                .start()
                .with(backend.fake().backend("old"));
    }

    @AfterEach
    void stop() {
        a.close();
        b.close();
        backend.close();
        unshare();
    }

    private static ModernRequest call(String more) {
        return ModernRequest.of("tools/call", "'name':'echo','arguments':{}" + more)
                .header("Mcp-Name", "echo")
                .meta(ModernRequest.VERSION
                        + ",'io.modelcontextprotocol/clientCapabilities':{'elicitation':{}},'progressToken':'p'");
    }

    private static JsonNode last(String body) {
        List<String> lines = body.lines()
                .filter(line -> line.startsWith("data: ") || line.startsWith("{"))
                .toList();
        return JsonMapper.shared().readTree(lines.get(lines.size() - 1).replaceFirst("data: ", ""));
    }

    private String parkedAtA() {
        JsonNode result = last(call("").send(a).text()).path("result");
        assertThat(result.path("resultType").asString()).isEqualTo("input_required");
        return ",'inputResponses':{'elicitation-1':{'action':'accept'}},'requestState':'"
                + result.path("requestState").asString() + "'";
    }

    private void nothingIsLeft(TestGateway gateway) {
        await().atMost(TestGateway.PATIENCE).until(() -> gateway.gateway().conversations() == 0);
    }

    @Test
    void answerThatArrivesAtAnotherReplicaGoesOnWithTheCall() {
        backend.tool(talk -> {
            talk.answer(talk.ask("elicitation/create", FORM));
            talk.progress(1).progress(2).say("done");
        });

        RawExchange.Got got = call(parkedAtA()).id("'second'").send(b);

        assertThat(got.text()).contains("\"progress\":1", "\"progress\":2");
        assertThat(last(got.text()).path("id").asString()).isEqualTo("second");
        assertThat(last(got.text()).at("/result/content/0/text").asString()).isEqualTo("done");
        assertThat(backend.fake().count("tools/call")).isEqualTo(1);
        nothingIsLeft(a);
    }

    @Test
    void roundsMayGoBackAndForthBetweenReplicas() {
        backend.tool(talk -> {
            for (int i = 0; i < 4; i++) {
                talk.answer(talk.ask("elicitation/create", FORM));
            }
            talk.say("done");
        });
        String more = parkedAtA();
        JsonNode result = null;

        for (int i = 0; i < 4; i++) {
            result = last(call(more).send(i % 2 == 0 ? b : a).text()).path("result");
            if (result.has("inputRequests")) {
                String key = List.copyOf(result.path("inputRequests").propertyNames())
                        .get(0);
                more = ",'inputResponses':{'" + key + "':{'action':'accept'}},'requestState':'"
                        + result.path("requestState").asString() + "'";
            }
        }

        assertThat(String.valueOf(result)).contains("done");
    }

    @Test
    void resultOfManyBytesArrivesWhole() {
        String large = "0123456789abcdef".repeat(200_000);
        backend.tool(talk -> {
            talk.answer(talk.ask("elicitation/create", FORM));
            talk.say(large);
        });

        RawExchange.Got got = call(parkedAtA()).send(b);

        String text = last(got.text()).at("/result/content/0/text").asString();
        assertThat(text.length()).isEqualTo(large.length());
        assertThat(text.equals(large)).isTrue();
    }

    @Test
    void leavingTheOtherReplicaCancelsTheCall() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        backend.tool(talk -> {
            talk.answer(talk.ask("elicitation/create", FORM));
            talk.progress(1);
            over.await(10, TimeUnit.SECONDS);
        });
        String more = parkedAtA();

        try (RawExchange open = call(more).open(b)) {
            open.until("\"progress\":1");
        }

        assertThat(backend.cancelled().path("requestId"))
                .isEqualTo(backend.fake().received("tools/call").get(0).id());
        over.countDown();
        nothingIsLeft(a);
    }

    @Test
    void stateUsedBeforeIsRefusedThereAsWell() {
        backend.asking("elicitation/create", FORM);
        String more = parkedAtA();
        call(more).send(b);

        RawExchange.Got again = call(more).send(b);

        assertThat(again.status()).isEqualTo(200);
        assertThat(again.code()).isEqualTo(-32602);
        assertThat(again.text()).contains("request state expired, call again");
    }

    @Test
    void callWhoseReplicaHasGoneIsOver() {
        backend.asking("elicitation/create", FORM);
        String more = parkedAtA();
        a.close();

        RawExchange.Got got = call(more).send(b);

        assertThat(got.status()).as(got.toString()).isEqualTo(200);
        assertThat(got.code()).isEqualTo(-32602);
        assertThat(got.text()).contains("request state expired, call again");
    }

    @Test
    void clientThatWaitsWhenTheReplicaGoesIsTold() throws IOException {
        CountDownLatch over = new CountDownLatch(1);
        backend.tool(talk -> {
            talk.answer(talk.ask("elicitation/create", FORM));
            talk.progress(1);
            over.await(10, TimeUnit.SECONDS);
        });
        String more = parkedAtA();

        try (RawExchange open = call(more).open(b)) {
            open.until("\"progress\":1");
            a.close();

            assertThat(new String(open.rest(), java.nio.charset.StandardCharsets.UTF_8))
                    .contains("\"id\":7", "\"error\"");
        }
        over.countDown();
    }
}
