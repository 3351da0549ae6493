package io.sluice.gateway;

import static io.sluice.gateway.Words.result;
import static io.sluice.gateway.Words.word;
import static io.sluice.gateway.Words.words;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.auth.Caller;
import io.sluice.replica.Messages;
import io.sluice.seal.Keyring;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionStore;
import io.sluice.session.StoredEvents;
import io.sluice.testing.FakeBackend;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a client of a legacy session may count on when two replicas serve it in turns, without one of them knowing of the
 * other but through what they share. Run for each way of sharing.
 */
public abstract class ReplicasContract {
    private static final String ALL = "{'elicitation':{},'sampling':{},'roots':{'listChanged':true}}";
    private static final String CALL =
            "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','arguments':{}}}";

    private final Keyring keys = Keyring.random();
    private final FakeBackend backend =
            FakeBackend.legacy().list("resources", "[{\"uri\":\"file:///a\",\"name\":\"a\"}]");
    private final List<TestGateway> gateways = new ArrayList<>();

    /** What a replica shares with the others. */
    public record Shared(SessionStore store, Messages messages) {}

    /** Of another replica. */
    protected abstract Shared share();

    @SuppressWarnings("NullAway.Init")
    private TestGateway a;

    @SuppressWarnings("NullAway.Init")
    private TestGateway b;

    @BeforeEach
    void start() {
        a = replica();
        b = replica();
    }

    private TestGateway replica() {
        Shared shared = share();
        TestGateway gateway = TestGateway.setUp()
                .sharing(keys, shared.store(), shared.messages())
                .start()
                .with(backend.backend("weather"));
        gateways.add(gateway);
        return gateway;
    }

    @AfterEach
    void close() {
        gateways.forEach(TestGateway::close);
        backend.close();
        unshare();
    }

    /** Lets go of what was shared, after the replicas have gone. */
    protected void unshare() {}

    /** The same client as the other replica sees it. */
    private static WireClient sameAt(TestGateway gateway, WireClient client) {
        return new WireClient(gateway.port(), "/mcp").with(client.headers().toArray(String[]::new));
    }

    private static int number(JsonNode message) {
        return message.has("id") && message.path("id").asInt() == 7
                ? 0
                : message.at("/params/data").asInt();
    }

    private static List<Integer> rest(WireClient.Stream stream) {
        List<Integer> numbers = new ArrayList<>();
        for (String line = stream.line(); line != null; line = stream.line()) {
            if (line.startsWith("data: ") && line.length() > 6) {
                numbers.add(number(JsonMapper.shared().readTree(line.substring(6))));
            }
        }
        return numbers;
    }

    /** The client's answers that came on the session of its call. */
    private List<FakeBackend.Received> answers() {
        String session = backend.received("tools/call").get(0).header("mcp-session-id");
        return backend.received().stream()
                .filter(request -> request.httpMethod().equals("POST")
                        && request.method().isEmpty()
                        && Objects.equals(session, request.header("mcp-session-id")))
                .toList();
    }

    private void asking(String method) {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"" + method + "\",\"params\":{}}");
            await().until(() -> !answers().isEmpty());
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"heard\":"
                    + answers().get(0).text() + "}}");
            stream.end();
        });
    }

    @Test
    void sessionOfOneReplicaIsServedByTheOther() {
        WireClient client = a.client().initialize("2025-11-25", "{}");

        assertThat(sameAt(b, client).post(CALL).json().has("result")).isTrue();
    }

    @Test
    void bothReplicasUseTheSameSessionAtTheBackend() {
        WireClient client = a.client().initialize("2025-11-25", "{}");

        client.post(CALL);
        sameAt(b, client).post(CALL);
        client.post(CALL);

        assertThat(backend.received("tools/call"))
                .hasSize(3)
                .extracting(call -> call.header("mcp-session-id"))
                .containsOnly(backend.received("tools/call").get(0).header("mcp-session-id"));
        assertThat(backend.received("tools/call"))
                .extracting(call -> call.id().toString())
                .doesNotHaveDuplicates();
    }

    @Test
    void deleteOnOneEndsTheSessionOnAllAndAtTheBackendOnce() {
        WireClient client = a.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        sameAt(b, client).post(CALL);
        int before = backend.countHttp("DELETE");

        assertThat(sameAt(b, client).delete().status()).isEqualTo(204);

        await().untilAsserted(() -> assertThat(client.post(CALL).status()).isEqualTo(404));
        assertThat(sameAt(b, client).post(CALL).status()).isEqualTo(404);
        await().until(() -> backend.countHttp("DELETE") == before + 1);
    }

    @Test
    void backendsQuestionOnOneReplicaIsAnsweredThroughTheOther() {
        asking("sampling/createMessage");
        WireClient client = a.client().initialize("2025-11-25", ALL);

        try (WireClient.Stream stream = client.stream(CALL)) {
            JsonNode question = stream.message();
            assertThat(sameAt(b, client)
                            .post("{'jsonrpc':'2.0','id':" + question.path("id") + ",'result':{'by':'b'}}")
                            .status())
                    .isEqualTo(202);

            assertThat(stream.message().at("/result/heard/result/by").asString())
                    .isEqualTo("b");
        }
    }

    @Test
    void questionOfAModernBackendIsAnsweredThroughTheOtherReplica() {
        FakeBackend modern = FakeBackend.modern().withoutTool("echo").tool("ask", arguments -> "");
        modern.on("tools/call", (request, answer) -> {
            if (request.params().has("inputResponses")) {
                answer.result("{\"resultType\":\"complete\",\"content\":[],\"structuredContent\":"
                        + request.params().path("inputResponses") + "}");
            } else {
                answer.result("{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{\"q\":"
                        + "{\"method\":\"elicitation/create\",\"params\":{\"message\":\"?\",\"requestedSchema\":"
                        + "{\"type\":\"object\",\"properties\":{}}}}}}");
            }
        });
        a.with(modern.backend("modern"));
        b.with(modern.backend("modern"));
        a.closing(modern);
        WireClient client = a.client().initialize("2025-11-25", ALL);

        try (WireClient.Stream stream = client.stream(CALL.replace("echo", "ask"))) {
            JsonNode question = stream.message();
            sameAt(b, client)
                    .post("{'jsonrpc':'2.0','id':" + question.path("id")
                            + ",'result':{'action':'accept','content':{'at':'b'}}}");

            assertThat(stream.message().at("/result/structuredContent/q").toString())
                    .contains("\"at\":\"b\"");
        }
    }

    @Test
    void callIsCancelledThroughTheOtherReplica() {
        backend.on("tools/call", (request, answer) -> answer.events().untilClosed());
        WireClient client = a.client().initialize("2025-11-25", "{}");

        try (WireClient.Stream stream = client.stream(CALL)) {
            await().until(() -> backend.count("tools/call") == 1);
            sameAt(b, client)
                    .post("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':7,"
                            + "'reason':'enough'}}");

            await().until(() -> backend.count("notifications/cancelled") == 1);
            assertThat(rest(stream)).isEmpty();
        }
        FakeBackend.Received told = backend.received("notifications/cancelled").get(0);
        assertThat(told.params().path("requestId"))
                .isEqualTo(backend.received("tools/call").get(0).id());
        assertThat(told.params().path("reason").asString()).isEqualTo("enough");
    }

    @Test
    void progressOfTheClientReachesTheBackendThroughTheOtherReplica() {
        asking("sampling/createMessage");
        WireClient client = a.client("/mcp/weather").initialize("2025-11-25", ALL);
        WireClient other =
                new WireClient(b.port(), "/mcp/weather").with(client.headers().toArray(String[]::new));

        try (WireClient.Stream stream = client.stream(CALL)) {
            JsonNode question = stream.message();
            other.post("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':1,'progress':1}}");
            await().until(() -> backend.count("notifications/progress") == 1);
            other.post("{'jsonrpc':'2.0','id':" + question.path("id") + ",'result':{}}");
            stream.message();
        }
        assertThat(backend.received("notifications/progress").get(0).header("mcp-session-id"))
                .isEqualTo(backend.received("tools/call").get(0).header("mcp-session-id"));
    }

    @Test
    void streamOfARunningCallIsResumedOnTheOtherReplica() throws Exception {
        CountDownLatch dropped = new CountDownLatch(1);
        CountDownLatch resumed = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 20);
            if (dropped.await(10, TimeUnit.SECONDS)) {
                words(stream, 21, 60);
            }
            if (resumed.await(10, TimeUnit.SECONDS)) {
                words(stream, 61, 150);
                result(request, stream);
            }
        });
        WireClient client = a.client().initialize("2025-11-25", "{}");

        String last;
        List<Integer> numbers = new ArrayList<>();
        try (WireClient.Stream stream = client.stream(CALL)) {
            last = stream.field("id: ");
            for (int i = 0; i < 5; i++) {
                last = stream.field("id: ");
                numbers.add(number(stream.message()));
            }
        }
        dropped.countDown();
        try (WireClient.Stream stream = sameAt(b, client).listen("Last-Event-ID", last)) {
            assertThat(stream.status()).isEqualTo(200);
            last = stream.field("id: ");
            numbers.add(number(stream.message()));
            resumed.countDown();
            numbers.addAll(rest(stream));
        }

        List<Integer> all = new ArrayList<>();
        for (int i = 1; i <= 150; i++) {
            all.add(i);
        }
        all.add(0);
        assertThat(numbers).isEqualTo(all);
        assertThat(backend.count("notifications/cancelled")).isZero();
        assertThat(backend.count("tools/call")).isEqualTo(1);
    }

    @Test
    void streamOfACallIsResumedAfterItsReplicaHasLeft() throws Exception {
        CountDownLatch dropped = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 3);
            if (dropped.await(10, TimeUnit.SECONDS)) {
                words(stream, 4, 5);
                result(request, stream);
            }
            ended.countDown();
        });
        WireClient client = a.client().initialize("2025-11-25", "{}");
        String last;
        try (WireClient.Stream stream = client.stream(CALL)) {
            stream.field("id: ");
            last = stream.field("id: ");
            assertThat(number(stream.message())).isEqualTo(1);
        }
        String stored = last.substring(0, last.lastIndexOf('.'));
        SessionStore store = share().store();
        await().until(() -> !keptOf(store, client, stored).events().isEmpty());
        dropped.countDown();
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        await().until(() -> keptOf(store, client, stored).completed());

        a.close();

        try (WireClient.Stream stream = sameAt(b, client).listen("Last-Event-ID", last)) {
            assertThat(rest(stream)).containsExactly(2, 3, 4, 5, 0);
        }
    }

    @Test
    void callThatItsReplicaCouldNotFinishEndsOnTheOtherWithAnErrorThatSaysSo() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 2);
            if (!never.await(20, TimeUnit.SECONDS)) {
                stream.end();
            }
        });
        WireClient client = a.client().initialize("2025-11-25", "{}");
        String last;
        try (WireClient.Stream stream = client.stream(CALL)) {
            stream.field("id: ");
            last = stream.field("id: ");
            assertThat(number(stream.message())).isEqualTo(1);
            stream.message();
        }
        String stored = last.substring(0, last.lastIndexOf('.'));

        a.close();

        SessionStore store = share().store();
        await().until(() -> keptOf(store, client, stored).completed());
        try (WireClient.Stream stream = sameAt(b, client).listen("Last-Event-ID", last)) {
            assertThat(stream.status()).isEqualTo(200);
            assertThat(number(stream.message())).isEqualTo(2);
            JsonNode end = stream.message();
            assertThat(end.path("id").asInt()).isEqualTo(7);
            assertThat(end.at("/error/message").asString()).contains("stopped", "unknown");
        }
        never.countDown();
    }

    @Test
    void callWhoseReplicaWasLostEndsWithAnErrorThatSaysThatNobodyKnows() {
        WireClient client = b.client().initialize("2025-11-25", "{}");
        String stream = "1-a-replica-that-is-lost";
        String session = session(client);
        share().store()
                .append(
                        session,
                        stream,
                        new StoredEvents(
                                Optional.of("7"),
                                List.of(
                                        new StoredEvents.Event(stream + ".1", word(1).getBytes(UTF_8)),
                                        new StoredEvents.Event(stream + ".2", word(2).getBytes(UTF_8))),
                                false))
                .block(Duration.ofSeconds(10));

        try (WireClient.Stream rest = client.listen("Last-Event-ID", stream + ".1")) {
            assertThat(number(rest.message())).isEqualTo(2);
            JsonNode end = rest.message();
            assertThat(end.path("id").asInt()).isEqualTo(7);
            assertThat(end.at("/error/data/outcome").asString()).isEqualTo("unknown");
            assertThat(rest(rest)).isEmpty();
        }
        assertThat(client.get("Accept", "text/event-stream", "Last-Event-ID", stream + ".99")
                        .status())
                .as("beyond what is known nothing is")
                .isEqualTo(200);
    }

    private StoredEvents keptOf(SessionStore store, WireClient client, String stream) {
        return Objects.requireNonNull(store.events(session(client), stream).block(Duration.ofSeconds(10)));
    }

    /** What the session is called among the replicas. */
    private String session(WireClient client) {
        int header = client.headers().indexOf("Mcp-Session-Id");
        return new SessionIds(keys.sealer("session"), "sluice", Duration.ofHours(24), new SecureRandom())
                .open(client.headers().get(header + 1), Caller.LOCAL, "", Instant.now())
                .orElseThrow()
                .id();
    }

    @Test
    void eventThatNeverWasCannotBeResumedAfterOnAnyReplica() {
        WireClient client = a.client().initialize("2025-11-25", "{}");

        for (String id :
                List.of("3-nobody.7", "1-" + "x".repeat(22) + ".1", "9-all.1", "1-a b.1", "1-.1", "nonsense")) {
            assertThat(sameAt(b, client)
                            .get("Accept", "text/event-stream", "Last-Event-ID", id)
                            .status())
                    .as(id)
                    .isEqualTo(400);
        }
    }

    @Test
    void standingStreamMovesWithItsClientAndNothingIsLostOrDoubled() {
        WireClient client = a.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        await().until(backend::hasFeedOfTheLastCall);
        String last;
        List<Integer> numbers = new ArrayList<>();
        try (WireClient.Stream stream = client.listen()) {
            stream.field("id: ");
            backend.push(word(1));
            backend.push(word(2));
            last = stream.field("id: ");
            numbers.add(number(stream.message()));
        }
        backend.push(word(3));

        try (WireClient.Stream stream = sameAt(b, client).listen("Last-Event-ID", last)) {
            assertThat(stream.status()).isEqualTo(200);
            numbers.add(number(stream.message()));
            numbers.add(number(stream.message()));
            backend.push(word(4));
            last = stream.field("id: ");
            numbers.add(number(stream.message()));
        }
        backend.push(word(5));
        try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
            numbers.add(number(stream.message()));
            backend.push(word(6));
            numbers.add(number(stream.message()));
        }

        assertThat(numbers).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void messagesForAClientWithoutAStreamWaitForTheOneItOpensElsewhere() {
        WireClient client = a.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        await().until(backend::hasFeedOfTheLastCall);
        backend.push(word(1));

        try (WireClient.Stream stream = sameAt(b, client).listen()) {
            assertThat(number(stream.message())).isEqualTo(1);
            backend.push(word(2));
            assertThat(number(stream.message())).isEqualTo(2);
        }
    }

    @Test
    void questionOnTheStandingStreamIsAnsweredFromAnotherReplica() {
        WireClient client = a.client().initialize("2025-11-25", ALL);
        client.post(CALL);
        await().until(backend::hasFeedOfTheLastCall);

        try (WireClient.Stream stream = sameAt(b, client).listen()) {
            stream.field("id: ");
            backend.push("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}");
            JsonNode question = stream.message();
            sameAt(b, client).post("{'jsonrpc':'2.0','id':" + question.path("id") + ",'result':{'roots':[]}}");

            await().untilAsserted(() -> assertThat(answers())
                    .singleElement()
                    .extracting(FakeBackend.Received::text)
                    .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"roots\":[]}}"));
        }
    }

    @Test
    void subscriptionOnOneReplicaReachesTheStreamOnTheOther() {
        WireClient client = a.client().initialize("2025-11-25", "{}");
        String subscribe = "{'jsonrpc':'2.0','id':8,'method':'resources/subscribe','params':{'uri':'file:///a'}}";
        assertThat(client.post(subscribe).json().has("result")).isTrue();

        try (WireClient.Stream stream = sameAt(b, client).listen()) {
            stream.field("id: ");
            await().until(() -> !backend.received("resources/unsubscribe").isEmpty()); // b has taken it over
            backend.push("notifications/resources/updated", "{\"uri\":\"file:///a\"}");
            assertThat(stream.message().at("/params/uri").asString()).isEqualTo("file:///a");

            int before = backend.count("resources/unsubscribe");
            client.post(subscribe.replace("subscribe", "unsubscribe"));
            await().until(() -> backend.count("resources/unsubscribe") > before);
        }
    }

    @Test
    void logLevelSetOnOneReplicaCountsOnTheOther() {
        FakeBackend modern = FakeBackend.modern().withoutTool("echo").tool("say", arguments -> "");
        a.with(modern.backend("modern"));
        b.with(modern.backend("modern"));
        a.closing(modern);
        WireClient client = a.client().initialize("2025-11-25", "{}");
        WireClient other = sameAt(b, client);
        other.post(CALL.replace("echo", "say"));

        client.post("{'jsonrpc':'2.0','id':9,'method':'logging/setLevel','params':{'level':'debug'}}");

        await().untilAsserted(() -> {
            other.post(CALL.replace("echo", "say"));
            List<FakeBackend.Received> calls = modern.received("tools/call");
            assertThat(calls.get(calls.size() - 1).text()).contains("logLevel\":\"debug\"");
        });
    }

    @Test
    void changedListsAreToldOnStreamsOfAllReplicas() {
        WireClient one = a.client().initialize("2025-11-25", "{}");
        WireClient two = b.client().initialize("2025-11-25", "{}");
        a.listeningTo(backend);
        b.listeningTo(backend);

        try (WireClient.Stream first = one.listen();
                WireClient.Stream second = two.listen()) {
            first.field("id: ");
            second.field("id: ");
            backend.push("notifications/tools/list_changed", "{}");

            assertThat(first.message().path("method").asString()).isEqualTo("notifications/tools/list_changed");
            assertThat(second.message().path("method").asString()).isEqualTo("notifications/tools/list_changed");
        }
    }

    @Test
    void sessionAtTheBackendOutlivesTheReplicaThatOpenedIt() {
        WireClient client = a.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        await().until(backend::hasFeedOfTheLastCall);
        int deleted = backend.countHttp("DELETE");

        try (WireClient.Stream stream = sameAt(b, client).listen()) {
            stream.field("id: ");
            sameAt(b, client).post(CALL);
            a.close();
            await().atMost(Duration.ofSeconds(20)).until(() -> backend.openFeeds() >= 2); // b's own, and the session's
            backend.push(word(1));

            assertThat(number(stream.message())).isEqualTo(1);
        }
        String session =
                Objects.requireNonNull(backend.received("tools/call").get(0).header("mcp-session-id"));
        assertThat(backend.received("tools/call").get(1).header("mcp-session-id"))
                .isEqualTo(session);
        assertThat(backend.sessions()).contains(session);
        assertThat(backend.countHttp("DELETE"))
                .isLessThanOrEqualTo(deleted + 1); // a's shared session, not the client's
    }

    @Test
    void sessionThatTheBackendForgotIsReplacedOnceForBothReplicas() {
        WireClient client = a.client().initialize("2025-11-25", "{}");
        client.post(CALL);
        sameAt(b, client).post(CALL);
        backend.forgetSessions();

        assertThat(sameAt(b, client).post(CALL).json().has("result")).isTrue();
        assertThat(client.post(CALL).json().has("result")).isTrue();

        List<FakeBackend.Received> calls = backend.received("tools/call");
        String last = calls.get(calls.size() - 1).header("mcp-session-id");
        assertThat(last).isNotEqualTo(calls.get(0).header("mcp-session-id"));
        assertThat(calls.stream()
                        .skip(2)
                        .filter(call -> backend.sessions().contains(call.header("mcp-session-id")))
                        .map(call -> call.header("mcp-session-id")))
                .containsOnly(last);
    }
}
