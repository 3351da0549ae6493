package io.sluice.upstream;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The session with a legacy backend that all callers may share: opened when it is first needed, by one handshake for all
 * who ask meanwhile. Safe for use by many threads: the open one and the one being opened are one reference each.
 */
final class SharedSession {
    private final BackendHttp http;
    private final Runnable onForgotten;
    private final AtomicReference<@Nullable LegacySession> session = new AtomicReference<>();
    private final AtomicReference<@Nullable Mono<LegacySession>> opening = new AtomicReference<>();

    /** @param onForgotten told whenever the backend turns out to have forgotten it */
    SharedSession(BackendHttp http, Runnable onForgotten) {
        this.http = http;
        this.onForgotten = onForgotten;
    }

    /** Fails with a rejection when the backend refuses the handshake. */
    Mono<LegacySession> live() {
        return sharing(LegacySession.openShared(http, onForgotten));
    }

    /** As {@link #live}, but fails with {@link Handshake.Refused} when the backend has no use for the handshake. */
    Mono<LegacySession> tried() {
        return sharing(LegacySession.tryShared(http, onForgotten));
    }

    /** The open one, the one being opened, or a new one by {@code opened}. */
    private Mono<LegacySession> sharing(Mono<LegacySession> opened) {
        return Mono.defer(() -> {
            while (true) {
                LegacySession open = session.get();
                if (open != null) {
                    return open.settled();
                }
                Mono<LegacySession> running = opening.get();
                if (running != null) {
                    return running;
                }
                Mono<LegacySession> next = opened.doOnNext(session::set)
                        .doOnTerminate(() -> opening.set(null))
                        .cache();
                if (opening.compareAndSet(null, next)) {
                    return next;
                }
            }
        });
    }

    /** The open one, if there is one. */
    @Nullable
    LegacySession open() {
        return session.get();
    }

    /** Ends the open one, if there is one. */
    Mono<Void> end() {
        return Mono.defer(() -> {
            LegacySession left = session.getAndSet(null);
            return left == null ? Mono.empty() : left.close();
        });
    }
}
