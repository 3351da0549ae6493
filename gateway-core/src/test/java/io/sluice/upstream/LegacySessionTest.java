package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.envelope.Envelope;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ClientFeatures.Feature;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

class LegacySessionTest {
    @RegisterExtension
    final Ways ways = new Ways();

    private static LegacySession shared(Upstream upstream) {
        return Objects.requireNonNull(upstream.shared().block(Ways.PATIENCE));
    }

    /** Keeps what arrives. */
    private static final class Kept implements Inbox {
        private final List<String> messages = new CopyOnWriteArrayList<>();
        private final AtomicInteger closed = new AtomicInteger();

        @Override
        public void onMessage(byte[] json, Envelope envelope) {
            messages.add(envelope.method());
        }

        @Override
        public void onClosed() {
            closed.incrementAndGet();
        }
    }

    @Test
    void handshakeDeclaresTheClientsFeaturesAndNamesTheGateway() {
        FakeBackend backend = FakeBackend.legacy();
        Upstream upstream = ways.to(backend);

        LegacySession session = Objects.requireNonNull(upstream.openSession(
                        new ClientFeatures(Set.of(Feature.ROOTS, Feature.ELICITATION_FORM)),
                        ProtocolVersion.V2025_11_25,
                        new Kept())
                .block(Ways.PATIENCE));

        assertThat(session.version()).isEqualTo(ProtocolVersion.V2025_11_25);
        assertThat(session.id()).contains("session-1");
        assertThat(session.initializeResult().toString()).contains("\"serverInfo\":{\"name\":\"fake\"");
        FakeBackend.Received initialize = backend.received("initialize").get(0);
        assertThat(initialize.params().path("capabilities").toString())
                .isEqualTo("{\"roots\":{},\"elicitation\":{\"form\":{}}}");
        assertThat(initialize.params().path("clientInfo").path("name").asString())
                .isEqualTo("sluice");
        assertThat(initialize.headers()).doesNotContainKey("mcp-protocol-version");
        assertThat(backend.received("notifications/initialized").get(0).headers())
                .containsEntry("mcp-session-id", "session-1")
                .containsEntry("mcp-protocol-version", "2025-11-25");
    }

    @Test
    void clientsOwnIdComesBackAndEverythingElseIsUntouched() {
        String result = "{\"content\":[], \"n\":1.10,\"huge\":1e400,\"z\":{\"id\":7},\"a\":9007199254740993}";
        FakeBackend backend = FakeBackend.legacy()
                .on(
                        "tools/call",
                        (request, answer) -> answer.json(
                                "{\"result\":" + result + ",\"jsonrpc\":\"2.0\",\"id\":" + request.id() + "}"));
        LegacySession session = shared(ways.to(backend));

        Reply reply = Objects.requireNonNull(Clients.call(session, "\"zürich-1\"", "echo", "{\"x\":1.10}")
                .reply()
                .block(Ways.PATIENCE));

        assertThat(Ways.text(reply)).isEqualTo("{\"result\":" + result + ",\"jsonrpc\":\"2.0\",\"id\":\"zürich-1\"}");
        assertThat(backend.received("tools/call").get(0).text()).contains("{\"x\":1.10}");
    }

    @Test
    void twoCallersMayUseTheSameIdAndTokenAtOnce() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        FakeBackend backend = FakeBackend.legacy().on("tools/call", (request, answer) -> {
            both.countDown();
            both.await();
            String who = request.params().path("arguments").path("who").asString();
            String token = request.params().path("_meta").path("progressToken").toString();
            answer.events()
                    .message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                            + token + ",\"progress\":1,\"message\":\"" + who + "\"}}")
                    .message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"who\":\"" + who + "\"}}")
                    .end();
        });
        LegacySession session = shared(ways.to(backend));

        List<List<String>> answers = Objects.requireNonNull(Mono.zip(
                        Clients.callWithToken(session, "1", "echo", "{\"who\":\"ann\"}", "\"t\"")
                                .reply()
                                .map(reply -> (Reply.Events) reply)
                                .flatMap(LegacySessionTest::collected),
                        Clients.callWithToken(session, "1", "echo", "{\"who\":\"bob\"}", "\"t\"")
                                .reply()
                                .map(reply -> (Reply.Events) reply)
                                .flatMap(LegacySessionTest::collected))
                .map(two -> List.of(two.getT1(), two.getT2()))
                .block(Ways.PATIENCE));

        for (int i = 0; i < 2; i++) {
            String who = List.of("ann", "bob").get(i);
            assertThat(answers.get(i))
                    .containsExactly(
                            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                                    + "\"progressToken\":\"t\""
                                    + ",\"progress\":1,\"message\":\"" + who + "\"}}",
                            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"who\":\"" + who + "\"}}");
        }
        assertThat(backend.received("tools/call").stream()
                        .map(r -> r.id().toString())
                        .distinct())
                .hasSize(2);
        assertThat(backend.received("tools/call").stream()
                        .map(r -> r.params().path("_meta").path("progressToken").toString())
                        .distinct())
                .hasSize(2);
    }

    private static Mono<List<String>> collected(Reply.Events events) {
        return events.events()
                .ofType(Event.Message.class)
                .map(message -> new String(message.json(), java.nio.charset.StandardCharsets.UTF_8))
                .collectList();
    }

    @Test
    void dedicatedSessionLeavesProgressTokensAlone() {
        FakeBackend backend = FakeBackend.legacy();
        LegacySession session = Objects.requireNonNull(ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, new Kept())
                .block(Ways.PATIENCE));

        Objects.requireNonNull(Clients.callWithToken(session, "1", "echo", "{}", "\"mine\"")
                        .reply()
                        .block(Ways.PATIENCE))
                .discard();

        assertThat(backend.received("tools/call").get(0).text()).contains("\"progressToken\":\"mine\"");
    }

    @Test
    void idThatCameBackAsAStringIsStillTheAnswer() {
        FakeBackend backend = FakeBackend.legacy()
                .on(
                        "tools/call",
                        (request, answer) -> answer.events()
                                .message("{\"jsonrpc\":\"2.0\",\"id\":\"999\",\"result\":{\"not\":\"ours\"}}")
                                .message("{\"jsonrpc\":\"2.0\",\"id\":\"" + request.id() + "\",\"result\":{}}")
                                .end());
        LegacySession session = shared(ways.to(backend));

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "5", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThat(Ways.messages(reply)).containsExactly("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}");
    }

    @Test
    void backendsOwnRequestsArriveUntouchedExceptPings() {
        String elicitation = "{\"jsonrpc\":\"2.0\",\"id\":\"e-1\",\"method\":\"elicitation/create\",\"params\":{}}";
        FakeBackend backend = FakeBackend.legacy()
                .on(
                        "tools/call",
                        (request, answer) -> answer.events()
                                .message("{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"method\":\"ping\"}")
                                .message(elicitation)
                                .message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{}}")
                                .end());
        LegacySession session = shared(ways.to(backend));

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "5", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThat(Ways.messages(reply)).first().isEqualTo(elicitation);
        await().untilAsserted(() -> assertThat(backend.received())
                .anyMatch(request -> request.text().equals("{\"jsonrpc\":\"2.0\",\"id\":\"p-1\",\"result\":{}}")));
    }

    @Test
    void batchOnAnEventStreamIsTakenApart() {
        FakeBackend backend = FakeBackend.legacy()
                .version("2025-03-26")
                .on(
                        "tools/call",
                        (request, answer) -> answer.events()
                                .message("[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}},"
                                        + "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{}}]")
                                .end());
        LegacySession session = shared(ways.to(backend));

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "5", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThat(Ways.messages(reply))
                .containsExactly(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}",
                        "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}");
    }

    @Test
    void forgottenSharedSessionIsReplacedAndTheCallArrivesOnce() {
        FakeBackend backend = FakeBackend.legacy();
        LegacySession session = shared(ways.to(backend));
        backend.forgetSessions();

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "7", "echo", "{\"a\":1}").reply().block(Ways.PATIENCE));

        assertThat(Ways.text(reply)).contains("\"id\":7", "{\\\"a\\\":1}");
        assertThat(session.id()).contains("session-2");
        assertThat(backend.received("tools/call").stream().map(r -> r.header("mcp-session-id")))
                .containsExactly("session-1", "session-2");
    }

    @Test
    void sessionForgottenWith400IsReplacedToo() {
        FakeBackend backend = FakeBackend.legacy().forgettingWith400();
        LegacySession session = shared(ways.to(backend));
        backend.forgetSessions();

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "7", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThat(Ways.text(reply)).contains("\"id\":7");
    }

    @Test
    void callersWhoFindTheSessionForgottenTogetherShareOneHandshake() {
        FakeBackend backend = FakeBackend.legacy();
        LegacySession session = shared(ways.to(backend));
        backend.forgetSessions();

        Mono.zip(
                        Clients.call(session, "1", "echo", "{}").reply().doOnNext(Reply::discard),
                        Clients.call(session, "2", "echo", "{}").reply().doOnNext(Reply::discard),
                        Clients.call(session, "3", "echo", "{}").reply().doOnNext(Reply::discard))
                .block(Ways.PATIENCE);

        assertThat(backend.count("initialize")).isEqualTo(2);
    }

    @Test
    void dedicatedSessionIsReplacedWhileItsClientWasToldNothing() {
        FakeBackend backend = FakeBackend.legacy();
        LegacySession session = Objects.requireNonNull(ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, new Kept())
                .block(Ways.PATIENCE));
        session.call("logging/setLevel", RawJson.of("{\"level\":\"debug\"}"))
                .doOnNext(Reply::discard)
                .block(Ways.PATIENCE);
        backend.forgetSessions();

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThat(Ways.text(reply)).contains("\"id\":1");
        assertThat(backend.received("logging/setLevel").stream().map(r -> r.header("mcp-session-id")))
                .containsExactly("session-1", "session-2");
    }

    @Test
    void dedicatedSessionWhoseClientWasToldSomethingEnds() {
        FakeBackend backend = FakeBackend.legacy();
        Kept inbox = new Kept();
        LegacySession session = Objects.requireNonNull(ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, inbox)
                .block(Ways.PATIENCE));
        await().until(() -> backend.openFeeds() == 1);
        backend.push("notifications/message", "{\"level\":\"info\",\"data\":1}");
        await().until(() -> inbox.messages.contains("notifications/message"));
        backend.forgetSessions();

        assertThatThrownBy(
                        () -> Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE))
                .isInstanceOf(Rejection.UnknownSession.class);

        session.onLost().block(Ways.PATIENCE);
        assertThat(inbox.closed).hasValue(1);
        assertThat(backend.count("initialize")).isEqualTo(1);
    }

    @Test
    void dedicatedSessionHearsTheGetStreamAndAnswersItsPings() {
        FakeBackend backend = FakeBackend.legacy();
        Kept inbox = new Kept();
        ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, inbox)
                .block(Ways.PATIENCE);
        await().until(() -> backend.openFeeds() == 1);

        backend.push("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}");
        backend.push("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}");

        await().untilAsserted(() -> assertThat(inbox.messages).containsExactly("roots/list"));
        await().untilAsserted(() -> assertThat(backend.received())
                .anyMatch(request -> request.text().equals("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}")));
    }

    @Test
    void sessionIsThereForCallsOnceItsGetStreamIsOpen() throws Exception {
        CountDownLatch opens = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.legacy().onGet((request, answer) -> {
            opens.await();
            answer.events().comment().untilClosed();
        });
        UpstreamSettings patient = Ways.settings().withTimer(VirtualTimeScheduler.create());
        CompletableFuture<?> session = ways.to(backend, patient)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, new Kept())
                .toFuture();
        await().until(() -> backend.countHttp("GET") == 1);

        assertThat(session).isNotDone();
        opens.countDown();

        assertThat(session).succeedsWithin(Ways.PATIENCE);
    }

    @Test
    void backendWithoutGetStreamClosesTheInboxAndNothingElse() {
        FakeBackend backend = FakeBackend.legacy().withoutGetStream();
        Kept inbox = new Kept();
        LegacySession session = Objects.requireNonNull(ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, inbox)
                .block(Ways.PATIENCE));

        await().untilAsserted(() -> assertThat(inbox.closed).hasValue(1));
        assertThat(Ways.text(Objects.requireNonNull(
                        Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE))))
                .contains("\"id\":1");
        assertThat(backend.countHttp("GET")).isEqualTo(1);
    }

    @Test
    void brokenGetStreamIsTakenUpAfterTheLastEvent() {
        FakeBackend backend = FakeBackend.legacy();
        AtomicInteger gets = new AtomicInteger();
        backend.onGet((request, answer) -> {
            if (gets.incrementAndGet() == 1) {
                answer.events()
                        .raw("id: g-7\nretry: 5\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
                                + "\"notifications/message\",\"params\":{}}\n\n")
                        .end();
            } else {
                answer.events().untilClosed();
            }
        });
        Kept inbox = new Kept();
        ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, inbox)
                .block(Ways.PATIENCE);

        await().untilAsserted(() -> assertThat(backend.received().stream()
                        .filter(r -> r.httpMethod().equals("GET"))
                        .map(r -> String.valueOf(r.header("last-event-id"))))
                .containsExactly("null", "g-7"));
        assertThat(inbox.messages).containsExactly("notifications/message");
    }

    @Test
    void closingEndsTheSessionAtTheBackend() {
        FakeBackend backend = FakeBackend.legacy();
        Kept inbox = new Kept();
        LegacySession session = Objects.requireNonNull(ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, inbox)
                .block(Ways.PATIENCE));
        await().until(() -> backend.openFeeds() == 1);

        session.close().block(Ways.PATIENCE);
        session.close().block(Ways.PATIENCE);

        assertThat(backend.sessions()).isEmpty();
        assertThat(backend.countHttp("DELETE")).isEqualTo(1);
        assertThat(inbox.closed).hasValue(1);
        await().untilAsserted(() -> assertThat(backend.openFeeds()).isZero());
    }

    @Test
    void backendThatCannotDeleteIsLeftAlone() {
        FakeBackend backend = FakeBackend.legacy().onDelete((request, answer) -> answer.status(405, "text/plain", ""));
        LegacySession session = Objects.requireNonNull(ways.to(backend)
                .openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, new Kept())
                .block(Ways.PATIENCE));

        session.close().block(Ways.PATIENCE);

        assertThat(backend.countHttp("DELETE")).isEqualTo(1);
    }

    @Test
    void cancellationNamesTheIdTheBackendKnows() {
        FakeBackend backend = FakeBackend.legacy();
        LegacySession session = shared(ways.to(backend));
        Exchange exchange = Clients.call(session, "\"client's\"", "echo", "{}");

        session.cancel(exchange.upstreamId(), "\"enough\"").block(Ways.PATIENCE);

        assertThat(backend.received("notifications/cancelled").get(0).params().toString())
                .isEqualTo("{\"requestId\":" + exchange.upstreamId().rawJson() + ",\"reason\":\"enough\"}");
    }

    @Test
    void errorUnderStatus400ComesAsARefusalWithTheClientsId() {
        FakeBackend backend =
                FakeBackend.legacy().on("tools/call", (request, answer) -> answer.error(400, -32602, "Bad arguments"));
        LegacySession session = shared(ways.to(backend));

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "\"mine\"", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThat(reply).isInstanceOfSatisfying(Reply.Refused.class, refused -> {
            assertThat(refused.status()).isEqualTo(400);
            assertThat(refused.json()).isTrue();
            assertThat(new String(refused.body(), java.nio.charset.StandardCharsets.UTF_8))
                    .contains("\"id\":\"mine\"");
        });
    }

    @Test
    void bodyThatIsNoResponseIsAFailureAndNotRelayed() {
        FakeBackend backend =
                FakeBackend.legacy().on("tools/call", (request, answer) -> answer.json("<html>please log in</html>"));
        LegacySession session = shared(ways.to(backend));

        Reply reply = Objects.requireNonNull(
                Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE));

        assertThatThrownBy(() -> Ways.text(reply))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("no JSON-RPC response");
    }

    @Test
    void requestThatIsOnlyAcceptedIsAFailure() {
        FakeBackend backend = FakeBackend.legacy().on("tools/call", (request, answer) -> answer.accepted());
        LegacySession session = shared(ways.to(backend));

        assertThatThrownBy(
                        () -> Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("accepted a request and did not answer it");
    }

    @Test
    void revisionOlderThanAnyWeKnowIsSpokenAsTheOldest() {
        FakeBackend backend = FakeBackend.legacy().version("2024-11-05");
        LegacySession session = shared(ways.to(backend));

        assertThat(session.version()).isEqualTo(ProtocolVersion.V2025_03_26);
        assertThat(backend.received("notifications/initialized").get(0).header("mcp-protocol-version"))
                .isEqualTo("2024-11-05");
    }

    @Test
    void statelessBackendNeedsNoSession() {
        FakeBackend backend = FakeBackend.legacy().stateless();
        Upstream upstream = ways.to(backend);
        LegacySession session = shared(upstream);

        assertThat(session.stateful()).isFalse();
        assertThat(Ways.text(Objects.requireNonNull(
                        Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE))))
                .contains("\"id\":1");
        assertThat(backend.received("tools/call").get(0).headers()).doesNotContainKey("mcp-session-id");
        session.close().block(Ways.PATIENCE);
        assertThat(backend.countHttp("DELETE")).isZero();
    }

    @Test
    void sessionOutlivesItsUpstreamAndStillEndsAtTheBackend() {
        FakeBackend backend = FakeBackend.legacy();
        Upstream upstream = ways.to(backend);
        LegacySession session = Objects.requireNonNull(
                upstream.openSession(ClientFeatures.NONE, ProtocolVersion.V2025_11_25, new Kept())
                        .block(Ways.PATIENCE));

        upstream.dispose();
        assertThat(Ways.text(Objects.requireNonNull(
                        Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE))))
                .contains("\"id\":1");
        session.close().block(Ways.PATIENCE);

        assertThat(backend.sessions()).isEmpty();
    }
}
