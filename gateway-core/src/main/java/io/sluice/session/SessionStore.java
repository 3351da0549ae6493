package io.sluice.session;

import io.sluice.upstream.SessionHandle;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What replicas must agree on about legacy sessions beyond what the session id itself says. Sessions are named by the
 * {@link SessionTicket#id()} of their ticket. Methods that return nothing answer from memory and never wait; publishers do
 * nothing before someone subscribes, give up soon, and fail when the store cannot be reached: the caller goes on with what
 * it knows. Safe for use by many threads.
 */
public interface SessionStore {
    /** Longest part of a stream that is kept: events, and bytes of all of them. */
    int MOST_EVENTS = EventStream.MAX_EVENTS;

    int MOST_BYTES = EventStream.MAX_BYTES;

    /** How long the events of a stream are kept after the last one came. */
    Duration EVENTS_KEPT = Duration.ofMinutes(10);

    /** Remembers that a session was ended by its client, until it would have expired anyway. */
    void end(String session, Instant expiresAt);

    boolean ended(String session);

    /** Sessions that another replica ended, as this one learns of them. Never completes. */
    Flux<String> endedElsewhere();

    /** What is known of a session; {@link SessionRecord#EMPTY} when nothing is. */
    Mono<SessionRecord> load(String session);

    /** Adds to what is known, in the order of the calls of one replica. */
    void note(String session, SessionNote note);

    /**
     * Agrees on the session at a backend: {@code next} is kept if what is kept now is {@code expected}, in every part.
     *
     * @param expected null for none
     * @param next null to forget it
     * @return what is kept afterwards: {@code next}, or what another replica made of it; empty for none
     */
    Mono<Optional<SessionHandle>> settle(
            String session, String backend, @Nullable SessionHandle expected, @Nullable SessionHandle next);

    /** Adds to what is kept of a stream; the oldest go first when it is too much. Completes when it is kept. */
    Mono<Void> append(String session, String stream, StoredEvents more);

    /** What is kept of a stream; {@link StoredEvents#NONE} when nothing is. */
    Mono<StoredEvents> events(String session, String stream);

    /** Forgets a session altogether, but not that it has ended. */
    Mono<Void> forget(String session);

    /** Whether there may be other replicas, so that what only they could want to know is worth telling. */
    boolean shared();

    /** Whether it answers, or did a moment ago, so that who was refused may ask again. */
    boolean isNear();

    /** Completes when everything that was said to it in passing is kept, or can no longer be. */
    Mono<Void> flush();

    /** For a gateway of one replica: remembers which sessions have ended, and nothing that only others could want. */
    static SessionStore ofOneReplica() {
        return new SoleSessionStore();
    }

    /** For several gateways in one process. */
    static SessionStore inMemory() {
        return new InMemorySessionStore();
    }
}
