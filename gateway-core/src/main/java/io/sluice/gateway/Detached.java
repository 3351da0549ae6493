package io.sluice.gateway;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;

/** Lets a call run on when the one who waits for it leaves. */
final class Detached {
    private static final int WAITING = 0;
    private static final int DELIVERED = 1;
    private static final int ABANDONED = 2;

    private Detached() {}

    /**
     * A publisher that subscribes to {@code source} when it is subscribed to, and never cancels it.
     *
     * @param discard takes a value that comes after the subscriber left
     */
    static <T> Mono<T> from(Mono<T> source, Consumer<? super T> discard) {
        return Mono.create(sink -> {
            AtomicInteger state = new AtomicInteger(WAITING);
            sink.onCancel(() -> state.compareAndSet(WAITING, ABANDONED));
            source.subscribe(
                    value -> {
                        if (state.compareAndSet(WAITING, DELIVERED)) {
                            sink.success(value);
                        } else {
                            discard.accept(value);
                        }
                    },
                    error -> {
                        if (state.compareAndSet(WAITING, DELIVERED)) {
                            sink.error(error);
                        }
                    },
                    () -> {
                        if (state.compareAndSet(WAITING, DELIVERED)) {
                            sink.success();
                        }
                    });
        });
    }
}
