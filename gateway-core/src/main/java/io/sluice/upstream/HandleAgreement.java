package io.sluice.upstream;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * How replicas agree on which session at a backend is a client's own. What fails to be agreed on, because the replicas
 * share nothing or cannot at the moment, is decided by each alone.
 */
public interface HandleAgreement {
    /** This replica. */
    String self();

    /** What is kept now. Empty when nothing is, or it cannot be found out. */
    Mono<Optional<SessionHandle>> current();

    /**
     * Keeps {@code next} if what is kept now is {@code expected}, in every part.
     *
     * @return what is kept afterwards; completes without a value when that cannot be found out
     */
    Mono<Optional<SessionHandle>> settle(@Nullable SessionHandle expected, @Nullable SessionHandle next);

    /** Whether a replica may still be reading the session's own stream. */
    Mono<Boolean> isThere(String replica);

    /** Where ids of requests begin, so that no other replica uses the same ones on the session. */
    long firstRequestId();

    /** Of a replica that is alone. */
    static HandleAgreement alone() {
        return new HandleAgreement() {
            @Override
            public String self() {
                return "";
            }

            @Override
            public Mono<Optional<SessionHandle>> current() {
                return Mono.just(Optional.empty());
            }

            @Override
            public Mono<Optional<SessionHandle>> settle(
                    @Nullable SessionHandle expected, @Nullable SessionHandle next) {
                return Mono.just(Optional.ofNullable(next));
            }

            @Override
            public Mono<Boolean> isThere(String replica) {
                return Mono.just(false);
            }

            @Override
            public long firstRequestId() {
                return 0;
            }
        };
    }
}
