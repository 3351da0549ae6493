package io.sluice.session;

import io.sluice.session.EventStream.Unstored;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Keeps streams in the store, so that another replica can go on with one when this one is lost. Nobody waits for it: what
 * is new is gathered for a moment and sent in one go. A stream that is over and delivered by then, as that of most calls
 * is, is not kept at all. What waits is kept by the streams themselves, within their bounds; while the store is away,
 * streams that go by are not kept.
 */
final class Journal {
    private static final Logger log = LoggerFactory.getLogger(Journal.class);
    private static final Duration GATHERING = Duration.ofMillis(20);
    private static final Duration REST = Duration.ofSeconds(1);
    private static final int MOST_WAITING = 20_000;
    private static final int AT_ONCE = 256;

    private final SessionStore store;
    private final Scheduler timer;
    private final ConcurrentLinkedQueue<Kept> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger size = new AtomicInteger();
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private volatile boolean away;
    private volatile boolean flushing;

    Journal(SessionStore store, Scheduler timer) {
        this.store = store;
        this.timer = timer;
    }

    /** A stream that is kept. Waits at most once at a time. */
    private final class Kept {
        private final String session;
        private final String name;
        private final EventStream stream;
        private final Optional<String> request;
        private final AtomicBoolean queued = new AtomicBoolean();
        private volatile boolean begun;
        private volatile boolean ended;

        Kept(String session, String name, EventStream stream, Optional<String> request) {
            this.session = session;
            this.name = name;
            this.stream = stream;
            this.request = request;
        }

        void news() {
            if (!ended && queued.compareAndSet(false, true)) {
                if (size.incrementAndGet() > MOST_WAITING) {
                    size.decrementAndGet();
                    queued.set(false);
                    return;
                }
                waiting.add(this);
                schedule();
            }
        }

        Mono<Void> keep() {
            return Mono.defer(() -> {
                Unstored unstored = stream.unstored();
                boolean nothing = unstored.items().isEmpty() && !unstored.completed();
                if ((unstored.delivered() && !begun && !flushing) || (nothing && (begun || request.isEmpty()))) {
                    ended |= unstored.completed();
                    return Mono.empty();
                }
                List<StoredEvents.Event> events =
                        new ArrayList<>(unstored.items().size());
                for (EventStream.Item item : unstored.items()) {
                    byte[] data = item.data();
                    if (item.id() != null && data != null) {
                        events.add(new StoredEvents.Event(item.id(), data));
                    }
                }
                return store.append(session, name, new StoredEvents(request, events, unstored.completed()))
                        .doOnSuccess(kept -> {
                            begun = true;
                            ended |= unstored.completed();
                            stream.stored(unstored.upTo());
                        });
            });
        }
    }

    /** Keeps a stream from now on. */
    void keep(String session, String name, EventStream stream, Optional<String> request) {
        Kept kept = new Kept(session, name, stream, request);
        stream.onNews(kept::news);
        kept.news();
    }

    private void schedule() {
        if (scheduled.compareAndSet(false, true)) {
            Duration wait = away ? REST : GATHERING;
            timer.schedule(() -> round().subscribe(), wait.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private Mono<Void> round() {
        return Mono.defer(() -> {
            underWay.incrementAndGet(); // before anything is taken, so that a flush does not miss it
            List<Kept> batch = new ArrayList<>();
            for (Kept next = waiting.poll(); next != null; next = batch.size() < AT_ONCE ? waiting.poll() : null) {
                batch.add(next);
                size.decrementAndGet();
            }
            AtomicBoolean failed = new AtomicBoolean();
            return Flux.fromIterable(batch)
                    .flatMap(
                            kept -> kept.keep().onErrorResume(error -> {
                                failed.set(true);
                                log.debug("A stream could not be kept: {}", error.getMessage());
                                return Mono.empty();
                            }),
                            AT_ONCE)
                    .then(Mono.fromRunnable(() -> {
                        away = failed.get();
                        scheduled.set(false);
                        batch.forEach(kept -> {
                            kept.queued.set(false);
                            Unstored left = kept.stream.unstored();
                            boolean more = !left.items().isEmpty() || (left.completed() && !kept.ended);
                            if (more && !(failed.get() && left.completed())) {
                                kept.news(); // came meanwhile, or did not get through
                            }
                        });
                        underWay.decrementAndGet();
                        if (!waiting.isEmpty()) {
                            schedule();
                        }
                    }));
        });
    }

    /** Keeps what waits, for a shutdown. Completes when it is kept, or the store does not take it. */
    Mono<Void> flush() {
        return Mono.defer(() -> {
            flushing = true; // what was delivered may not have been received
            scheduled.set(true); // nobody else
            return round().then(Mono.defer(() -> {
                if (away || (waiting.isEmpty() && underWay.get() == 0)) {
                    return Mono.empty();
                }
                return Mono.delay(GATHERING, timer).then(flush());
            }));
        });
    }
}
