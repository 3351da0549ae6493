package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * From which level on a backend logs on a session: the lowest that anybody asked for, since it can be told only one.
 * Remembered, so that whatever takes the session's place is told it too. Safe for use by many threads.
 */
final class SessionLogging {
    private static final List<String> LEVELS =
            List.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

    private final SessionHttp session;
    private final AtomicInteger lowest = new AtomicInteger(LEVELS.size());
    private volatile @Nullable RawJson told;

    SessionLogging(SessionHttp session) {
        this.session = session;
    }

    /** The backend is being sent these {@code params} of {@code logging/setLevel}. */
    void told(@Nullable RawJson params) {
        told = params;
    }

    /**
     * Has the backend log from this level on, if it logs at all and does not log from a lower level already; nothing
     * for an absent level. Completes when it may be relied on, or the backend would not.
     *
     * @param elsewhere what stands for the same session at other endpoints
     */
    Mono<Void> from(Optional<String> level, Established at, Flux<Established> elsewhere) {
        int wanted = level.map(LEVELS::indexOf).orElse(-1);
        if (wanted < 0 || wanted >= lowest.get() || !logs(at)) {
            return Mono.empty();
        }
        lowest.accumulateAndGet(wanted, Math::min);
        told = RawJson.of("{\"level\":\"" + LEVELS.get(lowest.get()) + "\"}");
        return restore(at).thenMany(elsewhere.flatMap(this::restore)).then();
    }

    private static boolean logs(Established at) {
        Envelope result = Messages.opened(at.result());
        return result.member(result.member(result.result(), "capabilities"), "logging")
                .isPresent();
    }

    /** Tells it what the one before had been told. Never fails. */
    Mono<Void> restore(Established at) {
        RawJson level = told;
        if (level == null) {
            return Mono.empty();
        }
        byte[] body = Messages.request(session.nextId(), McpMethod.LOGGING_SET_LEVEL.wire(), level);
        return session.post(body, at, true)
                .flatMap(answer -> Messages.response(answer, session.http().settings()))
                .onErrorComplete()
                .then();
    }
}
