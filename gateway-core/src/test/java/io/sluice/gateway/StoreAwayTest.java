package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.replica.InMemoryMessages;
import io.sluice.seal.Keyring;
import io.sluice.session.SessionNote;
import io.sluice.session.SessionRecord;
import io.sluice.session.SessionStore;
import io.sluice.session.StoredEvents;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.SessionHandle;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What becomes of sessions while a replica cannot reach what the replicas share. */
class StoreAwayTest {
    private static final String CALL =
            "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','arguments':{}}}";

    private final Keyring keys = Keyring.random();
    private final FakeBackend backend = FakeBackend.legacy();
    private final SessionStore shared = SessionStore.inMemory();
    private final InMemoryMessages first = InMemoryMessages.alone();
    private final Away storeOfA = new Away(shared);
    private final TestGateway a = replica(storeOfA);
    private final TestGateway b = replica(shared);

    private TestGateway replica(SessionStore store) {
        return TestGateway.setUp().sharing(keys, store, first.another()).start().with(backend.backend("weather"));
    }

    @AfterEach
    void close() {
        a.close();
        b.close();
        backend.close();
    }

    private @Nullable String sessionOfLastCall() {
        List<FakeBackend.Received> calls = backend.received("tools/call");
        return calls.get(calls.size() - 1).header("mcp-session-id");
    }

    @Test
    void sessionsVerifyAndCallsGoOn() {
        WireClient client = b.client().initialize("2025-11-25", "{}");
        storeOfA.away = true;

        assertThat(sameAt(a, client).post(CALL).json().has("result")).isTrue();
        assertThat(sameAt(a, client).delete().status()).isEqualTo(204);
        assertThat(sameAt(a, client).post(CALL).status()).isEqualTo(404);
    }

    @Test
    void sessionThatWasOpenedAloneIsAgreedOnAfterwards() {
        WireClient client = b.client().initialize("2025-11-25", "{}");
        storeOfA.away = true;
        sameAt(a, client).post(CALL);
        String alone = sessionOfLastCall();
        client.post(CALL);
        String agreed = sessionOfLastCall();
        assertThat(agreed).isNotEqualTo(alone);

        storeOfA.away = false;
        sameAt(a, client).post(CALL);

        assertThat(sessionOfLastCall()).isEqualTo(agreed);
        await().until(() -> !backend.sessions().contains(alone));
    }

    @Test
    void sessionThatNobodyElseOpenedIsKept() {
        WireClient client = b.client().initialize("2025-11-25", "{}");
        storeOfA.away = true;
        sameAt(a, client).post(CALL);
        String alone = sessionOfLastCall();

        storeOfA.away = false;
        sameAt(a, client).post(CALL);
        client.post(CALL);

        assertThat(backend.received("tools/call"))
                .extracting(call -> call.header("mcp-session-id"))
                .containsOnly(alone);
    }

    @Test
    void resumptionElsewhereIsRefusedWithoutForgettingTheSession() {
        backend.on("tools/call", (request, answer) -> answer.events().untilClosed());
        WireClient client = b.client().initialize("2025-11-25", "{}");
        storeOfA.away = true;

        WireClient.Got resumed =
                sameAt(a, client).get("Accept", "text/event-stream", "Last-Event-ID", "1-a-replica-that-is-lost.1");

        assertThat(resumed.status()).isEqualTo(404);
        assertThat(resumed.body()).contains("cannot be reached");
        storeOfA.away = false;
        assertThat(sameAt(a, client).post(CALL.replace("echo", "none")).status())
                .as("the session is still good")
                .isEqualTo(200);
    }

    private static WireClient sameAt(TestGateway gateway, WireClient client) {
        return new WireClient(gateway.port(), "/mcp").with(client.headers().toArray(String[]::new));
    }

    /** A store that one replica cannot reach at times, and does not expect back soon. */
    private static final class Away implements SessionStore {
        private final SessionStore there;
        private volatile boolean away;

        Away(SessionStore there) {
            this.there = there;
        }

        private <T> Mono<T> asked(Mono<T> question) {
            return Mono.defer(() -> away ? Mono.error(new IllegalStateException("the store is away")) : question);
        }

        @Override
        public void end(String session, Instant expiresAt) {
            there.end(session, expiresAt);
        }

        @Override
        public boolean ended(String session) {
            return there.ended(session);
        }

        @Override
        public Flux<String> endedElsewhere() {
            return there.endedElsewhere();
        }

        @Override
        public Mono<SessionRecord> load(String session) {
            return asked(there.load(session));
        }

        @Override
        public void note(String session, SessionNote note) {
            if (!away) {
                there.note(session, note);
            }
        }

        @Override
        public Mono<Optional<SessionHandle>> settle(
                String session, String backend, @Nullable SessionHandle expected, @Nullable SessionHandle next) {
            return asked(there.settle(session, backend, expected, next));
        }

        @Override
        public Mono<Void> append(String session, String stream, StoredEvents more) {
            return asked(there.append(session, stream, more));
        }

        @Override
        public Mono<StoredEvents> events(String session, String stream) {
            return asked(there.events(session, stream));
        }

        @Override
        public Mono<Void> forget(String session) {
            return asked(there.forget(session));
        }

        @Override
        public boolean shared() {
            return true;
        }

        @Override
        public boolean isNear() {
            return !away;
        }

        @Override
        public Mono<Void> flush() {
            return asked(there.flush());
        }
    }
}
