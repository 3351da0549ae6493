package io.sluice.upstream;

import io.sluice.rejection.Rejection;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What stands for a session at the backend, from its first handshake to its end. One that the backend forgot is
 * replaced by another, for all who find out by the same handshake; one whose client would notice ends. Safe for use by
 * many threads: what stands for it is one reference, replaced as a whole.
 */
final class SessionLife {
    private static final Logger log = LoggerFactory.getLogger(SessionLife.class);

    private final BackendHttp http;
    private final Handshake handshake;
    private final AgreedHandle agreed;
    private final SessionLogging logging;
    private final SessionStream stream;
    private final Runnable onForgotten;
    private final AtomicReference<@Nullable Established> established = new AtomicReference<>();
    private final AtomicReference<@Nullable Renewal> renewal = new AtomicReference<>();
    private final Sinks.Empty<Void> lost = Sinks.empty();
    private volatile boolean closed;

    /** The handshake that replaces one that was forgotten. */
    private record Renewal(Established of, Mono<Established> by) {}

    /** @param onForgotten told whenever the backend turns out to have forgotten what stood for the session */
    SessionLife(
            BackendHttp http,
            Handshake handshake,
            AgreedHandle agreed,
            SessionLogging logging,
            SessionStream stream,
            Runnable onForgotten) {
        this.http = http;
        this.handshake = handshake;
        this.agreed = agreed;
        this.logging = logging;
        this.stream = stream;
        this.onForgotten = onForgotten;
    }

    /** From now on this stands for the session. */
    void begin(Established first) {
        established.set(first);
    }

    /** What stands for it, or null before the first handshake. */
    @Nullable
    Established current() {
        return established.get();
    }

    Established now() {
        Established current = established.get();
        if (current == null) {
            throw new IllegalStateException("the handshake has not ended");
        }
        return current;
    }

    /** False when it has ended already. */
    boolean end() {
        if (closed) {
            return false;
        }
        closed = true;
        return true;
    }

    boolean isClosed() {
        return closed;
    }

    /** Completes when it has ended at the backend and was not replaced, because its client would notice. Never fails. */
    Mono<Void> onLost() {
        return lost.asMono();
    }

    /**
     * What stands in the place of one that the backend forgot; those who find out at the same time share one handshake.
     * Fails with {@link Rejection.UnknownSession} when the session has ended, or ends by this.
     */
    Mono<Established> renew(Established forgotten) {
        return Mono.defer(() -> {
            Established current = now();
            if (!current.equals(forgotten)) {
                return Mono.just(current);
            }
            if (closed) {
                return Mono.error(new Rejection.UnknownSession());
            }
            return renewal(forgotten);
        });
    }

    private Mono<Established> renewal(Established forgotten) {
        while (true) {
            Renewal running = renewal.get();
            if (running != null && running.of().equals(forgotten)) {
                return running.by();
            }
            Renewal next = new Renewal(forgotten, reopen().cache());
            if (renewal.compareAndSet(running, next)) {
                onForgotten.run();
                return next.by();
            }
        }
    }

    private Mono<Established> reopen() {
        return Mono.defer(() -> agreed.replace(handshake.open(null)))
                .onErrorResume(AgreedHandle.ClientWouldNotice.class, e -> lose())
                .flatMap(next -> logging.restore(next).thenReturn(next))
                .doOnNext(this::adopt)
                .onErrorMap(Handshake.Refused.class, e -> http.failures().unavailable(String.valueOf(e.getMessage())))
                .doOnError(ignored -> renewal.set(null));
    }

    private Mono<Established> lose() {
        log.info(
                "Backend '{}' forgot a session whose client had been told something; it ends",
                http.backend().name());
        closed = true;
        lost.tryEmitEmpty();
        stream.close();
        return Mono.error(new Rejection.UnknownSession());
    }

    private void adopt(Established next) {
        established.set(next);
        log.info(
                "Backend '{}' forgot a session, or its endpoint is away; a new one was opened",
                http.backend().name());
        stream.renewed();
    }

    /** Whether no handshake is under way. */
    boolean isSettled() {
        return running() == null;
    }

    /** Completes once a handshake that is under way has ended, and fails when it fails. */
    Mono<Void> settled() {
        return Mono.defer(() -> {
            Renewal running = running();
            return running == null ? Mono.empty() : running.by().then();
        });
    }

    private @Nullable Renewal running() {
        Renewal running = renewal.get();
        return running != null && running.of().equals(established.get()) ? running : null;
    }
}
