package io.sluice.adapter;

import io.sluice.adapter.LocalContent.Offering;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * What a service that describes itself offers, as it was last read: kept, read again now and then and when somebody asks for its lists, and announced when it is another one. State is one reference;
 * readings are joined, so that one of them changes it at a time.
 *
 * @param <S> what the service says
 * @param <T> what is made of it
 */
public final class KeptOffering<S, T> implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(KeptOffering.class);

    /** Lists are asked for one after the other; they are of one reading. */
    private static final Duration FRESH = Duration.ofSeconds(2);

    private final String backend;
    private final Mono<S> source;
    private final BiPredicate<S, S> same;
    private final Function<S, T> make;
    private final Function<T, Offering> offering;
    private final Sinks.Many<Offering> changes = Sinks.many().multicast().directBestEffort();
    private final AtomicReference<@Nullable Known<S, T>> known = new AtomicReference<>();
    private final AtomicReference<@Nullable Mono<T>> reading = new AtomicReference<>();
    private final Disposable again;

    private record Known<S, T>(S said, T made, long atNanos) {}

    /**
     * @param backend for the log
     * @param source asks the service anew for each subscription
     * @param same whether it says what it said before
     * @param make may take a while; does not run on an event loop
     * @param interval between readings for which nobody asks
     */
    public KeptOffering(
            String backend,
            Mono<S> source,
            BiPredicate<S, S> same,
            Function<S, T> make,
            Function<T, Offering> offering,
            Duration interval,
            Scheduler timer) {
        this.backend = backend;
        this.source = source;
        this.same = same;
        this.make = make;
        this.offering = offering;
        this.again = Flux.interval(interval, timer)
                .onBackpressureDrop()
                .concatMap(tick -> refreshed().then().onErrorResume(error -> {
                    log.debug("Backend '{}' could not be read again: {}", backend, error.getMessage());
                    return Mono.empty();
                }))
                .subscribe();
    }

    /** What is offered now; fails as the source does. */
    public Mono<Offering> offering() {
        return Mono.defer(() -> {
                    Known<S, T> now = known.get();
                    return now != null && System.nanoTime() - now.atNanos() < FRESH.toNanos()
                            ? Mono.just(now.made())
                            : refreshed();
                })
                .map(offering);
    }

    /** As {@link LocalContent#changes}. */
    public Flux<Offering> changes() {
        return changes.asFlux();
    }

    /** What is known, however old; read first where nothing is. */
    public Mono<T> known() {
        return Mono.defer(() -> {
            Known<S, T> now = known.get();
            return now != null ? Mono.just(now.made()) : refreshed();
        });
    }

    /** What is known, however old. */
    public Optional<T> now() {
        return Optional.ofNullable(known.get()).map(Known::made);
    }

    /** Reads anew, or joins who does. Goes on when nobody waits any more, so that who comes back finds the answer. */
    private Mono<T> refreshed() {
        return Mono.defer(() -> {
            Mono<T> mine = source.publishOn(Schedulers.boundedElastic())
                    .map(this::taken)
                    .doFinally(end -> reading.set(null))
                    .cache();
            Mono<T> other = reading.compareAndExchange(null, mine);
            return other == null ? mine : other;
        });
    }

    private T taken(S said) {
        Known<S, T> before = known.get();
        if (before != null && same.test(before.said(), said)) {
            known.set(new Known<>(said, before.made(), System.nanoTime()));
            return before.made();
        }
        T made = make.apply(said);
        known.set(new Known<>(said, made, System.nanoTime()));
        if (before != null) {
            Offering offered = offering.apply(made);
            log.info(
                    "Backend '{}' has changed, it has {} tools now",
                    backend,
                    offered.tools().size());
            synchronized (changes) {
                changes.tryEmitNext(offered);
            }
        }
        return made;
    }

    /** Reads no more. */
    @Override
    public void dispose() {
        again.dispose();
    }
}
