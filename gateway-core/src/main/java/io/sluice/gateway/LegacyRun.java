package io.sluice.gateway;

import io.sluice.envelope.RequestId;
import io.sluice.rejection.Rejection;
import io.sluice.session.LiveSession;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A call under way, from before its session at the backend is open until its answer is complete. */
final class LegacyRun implements LiveSession.InFlight {
    private final RequestId id;
    private final @Nullable LiveSession session;
    private final Sinks.Empty<Void> cancelled = Sinks.empty();
    private final Sinks.Empty<Void> ended = Sinks.empty();
    private volatile Function<@Nullable String, Mono<Void>> tellBackend = reason -> Mono.empty();

    LegacyRun(RequestId id, @Nullable LiveSession session) {
        this.id = id;
        this.session = session;
        if (session != null) {
            session.started(id, this);
        }
    }

    void sent(Function<@Nullable String, Mono<Void>> cancellation) {
        tellBackend = cancellation;
    }

    Mono<Void> cancelled() {
        return cancelled.asMono();
    }

    @Override
    public void cancel(@Nullable String reasonJson) {
        tellBackend.apply(reasonJson).onErrorComplete().subscribe();
        cancelled.tryEmitEmpty();
    }

    @Override
    public Mono<Void> abandon() {
        tellBackend.apply(null).onErrorComplete().subscribe();
        cancelled.tryEmitError(new Rejection.Unavailable(
                "The gateway stopped before this call had its answer; whether the call took effect is unknown",
                Duration.ofSeconds(1)));
        return ended.asMono();
    }

    /** After the last word of the answer. */
    void end() {
        if (session != null) {
            session.finished(id, this);
        }
        ended.tryEmitEmpty();
    }

    @Nullable
    LiveSession session() {
        return session;
    }
}
