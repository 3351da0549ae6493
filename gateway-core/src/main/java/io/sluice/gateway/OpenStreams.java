package io.sluice.gateway;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.Disposable;

/** The event streams that are open towards clients. Safe for use by many threads. */
final class OpenStreams {
    private final AtomicInteger open = new AtomicInteger();

    /** One more; disposed of when it ends, which counts once. */
    Disposable opened() {
        open.incrementAndGet();
        AtomicBoolean ended = new AtomicBoolean();
        return () -> {
            if (ended.compareAndSet(false, true)) {
                open.decrementAndGet();
            }
        };
    }

    int count() {
        return open.get();
    }
}
