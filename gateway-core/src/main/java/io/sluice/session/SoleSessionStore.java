package io.sluice.session;

import io.sluice.upstream.SessionHandle;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The store of a replica that is alone: what it holds of a session is all there is to know. */
final class SoleSessionStore implements SessionStore {
    private final EndedSessions ended = new EndedSessions();

    @Override
    public void end(String session, Instant expiresAt) {
        ended.add(session, expiresAt);
    }

    @Override
    public boolean ended(String session) {
        return ended.contains(session);
    }

    @Override
    public Flux<String> endedElsewhere() {
        return Flux.never();
    }

    @Override
    public Mono<SessionRecord> load(String session) {
        return Mono.just(SessionRecord.EMPTY);
    }

    @Override
    public void note(String session, SessionNote note) {}

    @Override
    public Mono<Optional<SessionHandle>> settle(
            String session, String backend, @Nullable SessionHandle expected, @Nullable SessionHandle next) {
        return Mono.just(Optional.ofNullable(next));
    }

    @Override
    public Mono<Void> append(String session, String stream, StoredEvents more) {
        return Mono.empty();
    }

    @Override
    public Mono<StoredEvents> events(String session, String stream) {
        return Mono.just(StoredEvents.NONE);
    }

    @Override
    public Mono<Void> forget(String session) {
        return Mono.empty();
    }

    @Override
    public boolean shared() {
        return false;
    }

    @Override
    public boolean isNear() {
        return true;
    }

    @Override
    public Mono<Void> flush() {
        return Mono.empty();
    }
}
