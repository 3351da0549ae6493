package io.sluice.upstream;

import io.sluice.registry.Backend;
import io.sluice.rejection.Rejection.BackendFailure;
import java.util.Optional;
import reactor.core.publisher.Mono;

/** Credentials that have to be fetched and kept fresh, for the backends that have such. */
@FunctionalInterface
public interface Credentials {
    Credentials NONE = backend -> Optional.empty();

    /**
     * What keeps the credentials of this backend; empty when its configured headers are all.
     *
     * @throws IllegalArgumentException with a sentence for the reader when its settings cannot be meant
     */
    Optional<Keeper> of(Backend backend);

    /** The credentials of one backend. Safe for use by many threads; never blocks. */
    interface Keeper {
        /**
         * The value of the {@code Authorization} header for a request now; empty to send the request without one and see
         * what the backend says. Fails with a {@link BackendFailure} that says what
         * somebody has to do.
         */
        Mono<String> authorization();

        /**
         * The backend refused a request with 401 or 403. May fail as {@link #authorization} does.
         *
         * @param header what was sent; empty when nothing was
         * @param challenge the {@code WWW-Authenticate} header, or empty
         * @return whether another attempt makes sense, with what {@link #authorization} then gives
         */
        Mono<Boolean> refused(String header, int status, String challenge);
    }

    /** In the place of a keeper that could not be made: says why. */
    static Keeper failing(BackendFailure why) {
        return new Keeper() {
            @Override
            public Mono<String> authorization() {
                return Mono.error(why);
            }

            @Override
            public Mono<Boolean> refused(String header, int status, String challenge) {
                return Mono.just(false);
            }
        };
    }
}
