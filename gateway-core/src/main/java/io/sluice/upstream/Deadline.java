package io.sluice.upstream;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Ends the stream of a call that has gone silent, or goes on for too long. Whatever arrives puts the end off, up to a
 * bound. A look now and then is all it takes; the end comes up to an eighth late.
 */
final class Deadline {
    private Deadline() {}

    /** @param late what the stream ends in, from how many milliseconds were too many */
    static <T> Flux<T> on(
            Flux<T> events, Duration silence, Duration longest, Scheduler timer, LongFunction<Throwable> late) {
        return Flux.defer(() -> {
            long start = timer.now(TimeUnit.MILLISECONDS);
            long[] last = {start};
            long step = Math.max(1, Math.min(silence.toMillis(), longest.toMillis()) / 8);
            Mono<Object> end = Flux.interval(Duration.ofMillis(step), timer)
                    .onBackpressureDrop()
                    .concatMap(tick -> {
                        long now = timer.now(TimeUnit.MILLISECONDS);
                        if (now - last[0] >= silence.toMillis()) {
                            return Mono.error(late.apply(silence.toMillis()));
                        }
                        return now - start >= longest.toMillis()
                                ? Mono.error(late.apply(longest.toMillis()))
                                : Mono.empty();
                    })
                    .next();
            AtomicReference<@Nullable Subscription> source = new AtomicReference<>();
            return events.doOnSubscribe(source::set)
                    .doOnNext(event -> last[0] = timer.now(TimeUnit.MILLISECONDS))
                    .takeUntilOther(end.doOnError(ignored -> giveUp(source.get())));
        });
    }

    /** An error of the other leaves the one running. */
    private static void giveUp(@Nullable Subscription source) {
        if (source != null) {
            source.cancel();
        }
    }
}
