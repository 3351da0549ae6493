package io.sluice.cache;

import io.sluice.envelope.RequestId;
import io.sluice.upstream.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * One request to a backend, and all who wait for its answer. It is given up when the last of them has left, not before.
 * Who waits is guarded by the flight's own lock, which is held for an instant and never while anybody is told.
 */
final class Flight {
    private final Key key;
    private final long stamp;
    private final List<Waiter> waiters = new ArrayList<>(2);
    private final Disposable.Swap request = Disposables.swap();
    private boolean over;

    /**
     * Somebody who waits.
     *
     * @param told gets the reply, or how to get one
     * @param own asks the backend for this one alone
     */
    record Waiter(RequestId id, Key.Whose whose, MonoSink<Mono<Reply>> told, Supplier<Mono<Reply>> own) {
        /** Waits no more: this one asks by itself. */
        void goAlone() {
            told.success(Mono.defer(own));
        }
    }

    Flight(Key key, long stamp) {
        this.key = key;
        this.stamp = stamp;
    }

    Key key() {
        return key;
    }

    /** The count that its answer will bear. */
    long stamp() {
        return stamp;
    }

    /** False when it is too late. */
    synchronized boolean join(Waiter waiter) {
        return !over && waiters.add(waiter);
    }

    /** True for the last one, with whom it ends. */
    private synchronized boolean isLast(Waiter waiter) {
        boolean last = !over && waiters.remove(waiter) && waiters.isEmpty();
        over |= last;
        return last;
    }

    private synchronized List<Waiter> end() {
        over = true;
        List<Waiter> all = List.copyOf(waiters);
        waiters.clear();
        return all;
    }

    /** @return whether the flight ended with it */
    boolean leave(Waiter waiter) {
        boolean ended = isLast(waiter);
        if (ended) {
            request.dispose();
        }
        return ended;
    }

    /**
     * Sends the request.
     *
     * @param landed told what came of it, nothing or an outcome, and who waits for it, the first first; takes care of all of them
     */
    void start(Mono<Outcome> source, Landing landed, Consumer<Flight> gone) {
        request.update(source.subscribe(
                outcome -> {
                    gone.accept(this);
                    landed.with(outcome, end());
                },
                error -> {
                    gone.accept(this);
                    end().forEach(waiter -> fail(waiter, error));
                },
                () -> {
                    gone.accept(this);
                    end().forEach(waiter -> waiter.told().success());
                }));
    }

    private static void fail(Waiter waiter, Throwable error) {
        if (error instanceof Place.Asked) {
            waiter.goAlone();
        } else {
            waiter.told().error(error);
        }
    }

    /** Takes what came of a flight to those who wait. */
    @FunctionalInterface
    interface Landing {
        void with(Outcome outcome, List<Waiter> waiters);
    }

    /** Whether its answer could also be given to one who comes now. */
    boolean isOf(@Nullable Key other, long stampNow) {
        return key.equals(other) && stamp == stampNow;
    }
}
