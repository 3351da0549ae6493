package io.sluice.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.envelope.RequestId;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

final class LiveSessionsTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final String ID = "0123456789abcdef0123456789abcdef";

    private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
    private final SessionStore store = SessionStore.inMemory();
    private final LiveSessions sessions =
            new LiveSessions(System::nanoTime, store, "a", LONG, LONG, time, opened -> {}, closed -> {});
    private final LiveSession session = sessions.obtain(ticket());
    private final EventStream stream = sessions.openCallStream(session, RequestId.of(7));
    private final Sinks.Empty<Void> answered = Sinks.empty();

    private static SessionTicket ticket() {
        Instant now = Instant.now();
        return new SessionTicket(
                ID,
                now,
                now.plus(LONG),
                "",
                ProtocolVersion.LATEST_LEGACY,
                ClientFeatures.NONE,
                "",
                Optional.empty(),
                Optional.empty());
    }

    /** A call whose stream is being written to by another thread at the moment. */
    private void callRuns() {
        stream.publish("said".getBytes(UTF_8));
        session.started(RequestId.of(7), new LiveSession.InFlight() {
            @Override
            public void cancel(@Nullable String reasonJson) {}

            @Override
            public Mono<Void> abandon() {
                return answered.asMono();
            }
        });
    }

    private StoredEvents kept() {
        return Objects.requireNonNull(store.events(ID, stream.id()).block());
    }

    private List<String> texts() {
        return kept().events().stream()
                .map(event -> new String(event.json(), UTF_8))
                .toList();
    }

    @Test
    void lastWordsOfACallThatIsAbandonedAreKeptThoughTheyComeLater() {
        callRuns();

        CompletableFuture<@Nullable Void> closing = sessions.closeAll().toFuture();
        assertThat(closing).isNotDone();
        stream.publish("stopped".getBytes(UTF_8));
        session.complete(stream);
        answered.tryEmitEmpty();
        time.advanceTimeBy(Duration.ofMillis(100));

        assertThat(closing).isCompleted();
        assertThat(texts()).containsExactly("said", "stopped");
        assertThat(kept().completed()).isTrue();
    }

    @Test
    void callThatNeverEndsDoesNotHoldAShutdownUp() {
        callRuns();

        CompletableFuture<@Nullable Void> closing = sessions.closeAll().toFuture();
        time.advanceTimeBy(Duration.ofSeconds(1));

        assertThat(closing).isCompleted();
        assertThat(texts()).containsExactly("said");
    }
}
