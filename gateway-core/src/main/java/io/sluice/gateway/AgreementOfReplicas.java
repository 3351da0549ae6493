package io.sluice.gateway;

import io.sluice.session.SessionLink;
import io.sluice.session.SessionStore;
import io.sluice.upstream.HandleAgreement;
import io.sluice.upstream.SessionHandle;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** Agrees through the store on the session that a client has at one backend. Without the store each replica decides alone. */
final class AgreementOfReplicas implements HandleAgreement {
    private static final Logger log = LoggerFactory.getLogger(AgreementOfReplicas.class);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

    private final SessionStore store;
    private final SessionLink link;
    private final String session;
    private final String backend;

    AgreementOfReplicas(SessionStore store, SessionLink link, String session, String backend) {
        this.store = store;
        this.link = link;
        this.session = session;
        this.backend = backend;
    }

    @Override
    public String self() {
        return link.self();
    }

    /** For as long as the store may come back any moment, waiting for it is better than a second session. */
    private Retry patiently() {
        return Retry.backoff(4, FIRST_PAUSE).filter(away -> store.isNear());
    }

    @Override
    public Mono<Optional<SessionHandle>> current() {
        return Mono.defer(() -> store.load(session))
                .retryWhen(patiently())
                .map(record -> Optional.ofNullable(record.handles().get(backend)))
                .onErrorResume(away -> {
                    log.debug("What the replicas agreed on cannot be found out: {}", away.getMessage());
                    return Mono.just(Optional.empty());
                });
    }

    @Override
    public Mono<Optional<SessionHandle>> settle(@Nullable SessionHandle expected, @Nullable SessionHandle next) {
        return Mono.defer(() -> store.settle(session, backend, expected, next))
                .retryWhen(patiently()) // what was settled by the first attempt is found settled by the second
                .onErrorResume(away -> {
                    log.debug("The replicas cannot agree: {}", away.getMessage());
                    return Mono.empty();
                });
    }

    /** One that cannot be asked is believed to be there: two readers of one stream would be worse than none for a while. */
    @Override
    public Mono<Boolean> isThere(String replica) {
        return link.reaches(replica).onErrorReturn(true);
    }

    /** A random multiple of a million, so that the replicas' ids do not meet, and exact in every JSON library. */
    @Override
    public long firstRequestId() {
        return ThreadLocalRandom.current().nextLong(1L << 32) << 20;
    }
}
