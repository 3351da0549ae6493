package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class CancellationTest {
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);
    private final FakeBackend backend = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.start().with("weather", backend);
    private final WireClient client = gateway.client().initialize("2025-11-25", "{}");

    @AfterEach
    void close() throws Exception {
        goOn.countDown();
        gateway.close();
    }

    private static String call(String id) {
        return "{'jsonrpc':'2.0','id':" + id + ",'method':'tools/call','params':{'name':'echo','arguments':{}}}";
    }

    private static String cancelled(String id) {
        return "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':" + id
                + ",'reason':'changed my mind'}}";
    }

    private static final String LOG =
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"begun\"}}";

    /** Says something, waits for the test, and answers. */
    private void waiting(FakeBackend.Received request, FakeBackend.Answer answer) throws Exception {
        FakeBackend.Stream stream = answer.events();
        stream.message(LOG);
        if (goOn.await(20, TimeUnit.SECONDS)) {
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[]}}");
            stream.end();
        }
    }

    private JsonNode idSeenByBackend() {
        List<FakeBackend.Received> calls = backend.received("tools/call");
        return calls.get(calls.size() - 1).id();
    }

    @Test
    void cancellationReachesTheBackendUnderItsOwnIdAndEndsTheStream() {
        backend.on("tools/call", this::waiting);

        try (WireClient.Stream stream = client.stream(call("'my own id'"))) {
            assertThat(stream.message().at("/params/data").asString()).isEqualTo("begun");
            WireClient.Got got = client.post(cancelled("'my own id'"));

            assertThat(got.status()).isEqualTo(202);
            assertThat(stream.line()).isNull();
        }
        await().until(() -> backend.count("notifications/cancelled") == 1);
        JsonNode params = backend.received("notifications/cancelled").get(0).params();
        assertThat(params.path("requestId")).isEqualTo(idSeenByBackend());
        assertThat(params.path("reason").asString()).isEqualTo("changed my mind");
    }

    @Test
    void cancelledCallThatHasNotBegunToAnswerEndsWithoutAResponse() throws Exception {
        backend.on("tools/call", (request, answer) -> {
            if (goOn.await(20, TimeUnit.SECONDS)) {
                answer.result("{\"content\":[]}");
            }
        });
        CompletableFuture<WireClient.Got> got = CompletableFuture.supplyAsync(() -> client.post(call("4")));
        await().until(() -> backend.count("tools/call") == 1);

        client.post(cancelled("4"));

        assertThat(got.get(10, TimeUnit.SECONDS).status()).isEqualTo(202);
        await().until(() -> backend.count("notifications/cancelled") == 1);
    }

    /** The backend's session is still being opened when the client loses interest. */
    @Test
    void callThatStillWaitsForItsSessionIsNotSentOnceCancelled() throws Exception {
        backend.on("initialize", (request, answer) -> {
            if (goOn.await(20, TimeUnit.SECONDS)) {
                backend.usual(request, answer);
            }
        });
        int handshakes = backend.count("initialize");
        CompletableFuture<WireClient.Got> got = CompletableFuture.supplyAsync(() -> client.post(call("4")));
        await().until(() -> backend.count("initialize") == handshakes + 1);

        client.post(cancelled("4"));

        assertThat(got.get(10, TimeUnit.SECONDS).status()).isEqualTo(202);
        goOn.countDown();
        backend.usual("initialize");
        assertThat(client.post(call("5")).json().at("/id").asInt()).isEqualTo(5);
        assertThat(backend.count("tools/call")).isEqualTo(1);
    }

    @Test
    void cancellationOfNothingIsHarmless() {
        backend.on("tools/call", this::waiting);

        try (WireClient.Stream stream = client.stream(call("1"))) {
            stream.message();
            assertThat(client.post(cancelled("'1'")).status()).isEqualTo(202);
            assertThat(client.post(cancelled("2")).status()).isEqualTo(202);
            assertThat(client.post("{'jsonrpc':'2.0','method':'notifications/cancelled'}")
                            .status())
                    .isEqualTo(202);
            assertThat(client.post("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':{}}}")
                            .status())
                    .isEqualTo(202);
            goOn.countDown();

            assertThat(stream.message().at("/id").asInt()).isEqualTo(1);
        }
        assertThat(backend.count("notifications/cancelled")).isZero();
    }

    @Test
    void cancellationConcernsOnlyTheSessionItCameIn() {
        backend.on("tools/call", this::waiting);
        WireClient other = gateway.client().initialize("2025-11-25", "{}");

        try (WireClient.Stream mine = client.stream(call("1"));
                WireClient.Stream theirs = other.stream(call("1"))) {
            mine.message();
            theirs.message();
            other.post(cancelled("1"));
            assertThat(theirs.line()).isNull();
            goOn.countDown();

            assertThat(mine.message().has("result")).isTrue();
        }
    }

    @Test
    void clientThatDisconnectsHasNotCancelled() throws Exception {
        backend.on("tools/call", this::waiting);
        String last;
        try (WireClient.Stream stream = client.stream(call("1"))) {
            stream.field("id: ");
            last = stream.field("id: ");
            stream.message();
        }
        assertThat(client.post("{'jsonrpc':'2.0','id':2,'method':'ping'}").status())
                .isEqualTo(200);
        goOn.countDown();

        try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
            assertThat(stream.message().at("/result").isObject()).isTrue();
        }
        assertThat(backend.count("notifications/cancelled")).isZero();
    }

    @Test
    void clientThatDisconnectsBeforeTheAnswerBeginsHasNotCancelledEither() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            Thread watch = new Thread(() -> {
                try {
                    answer.untilClosed();
                } catch (java.io.IOException e) {
                    // closed, too
                }
                left.countDown();
            });
            watch.setDaemon(true);
            watch.start();
            if (goOn.await(20, TimeUnit.SECONDS)) {
                answered.countDown();
                answer.result("{\"content\":[]}");
            }
        });
        try (RawHttp raw = new RawHttp(gateway.port())) {
            raw.send("POST", "/mcp", call("1").replace('\'', '"'), client.headers());
            await().until(() -> backend.count("tools/call") == 1);
        }
        try (RawHttp raw = new RawHttp(gateway.port())) {
            // a whole exchange after the end of the other connection, which the gateway has seen by now
            raw.send("POST", "/mcp", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}", client.headers());
            assertThat(raw.receive().status()).isEqualTo(200);
        }

        assertThat(left.await(200, TimeUnit.MILLISECONDS)).isFalse();
        goOn.countDown();
        assertThat(answered.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(backend.count("notifications/cancelled")).isZero();
    }

    @Test
    void endOfTheSessionCancelsItsCalls() {
        backend.on("tools/call", this::waiting);

        try (WireClient.Stream stream = client.stream(call("1"))) {
            stream.message();
            assertThat(client.delete().status()).isEqualTo(204);

            await().until(() -> backend.count("notifications/cancelled") == 1);
            assertThat(stream.line()).isNull();
        }
        assertThat(backend.received("notifications/cancelled").get(0).params().path("requestId"))
                .isEqualTo(idSeenByBackend());
    }

    @Test
    void backendThatTakesBackItsQuestionNamesItAsTheClientKnowsIt() {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(
                    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"elicitation/create\",\"params\":{\"message\":\"?\"}}");
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}");
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[]}}");
            stream.end();
        });

        List<JsonNode> events = gateway.client()
                .initialize("2025-11-25", "{'elicitation':{}}")
                .post(call("1"))
                .events();

        assertThat(events).hasSize(3);
        assertThat(events.get(0).path("id").isString()).isTrue();
        assertThat(events.get(1).at("/params/requestId"))
                .isEqualTo(events.get(0).path("id"));
    }

    @Test
    void cancellationClosesTheAnswerOfAModernBackend() throws Exception {
        FakeBackend modern = FakeBackend.modern().withoutTool("echo").tool("wait", arguments -> "");
        modern.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(LOG);
            stream.untilClosed();
            left.countDown();
        });
        gateway.with("modern", modern);

        try (WireClient.Stream stream = client.stream(call("1").replace("echo", "wait"))) {
            stream.message();
            client.post(cancelled("1"));

            assertThat(left.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(stream.line()).isNull();
        }
    }

    @Test
    void disconnectingFromAModernBackendsAnswerCancelsNothing() throws Exception {
        FakeBackend modern = FakeBackend.modern().withoutTool("echo").tool("wait", arguments -> "");
        modern.on("tools/call", this::waiting);
        gateway.with("modern", modern);
        String last;
        try (WireClient.Stream stream = client.stream(call("1").replace("echo", "wait"))) {
            stream.field("id: ");
            last = stream.field("id: ");
            stream.message();
        }
        goOn.countDown();

        try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
            assertThat(stream.message().at("/result/content").isArray()).isTrue();
        }
    }
}
