package io.sluice.upstream;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;

/**
 * How many exchanges one backend may have at once, and the line of those who wait for a place. It stands before the
 * pool of connections because that one does not notice when somebody who waits has left: cancelled calls would go on
 * filling its line.
 *
 * <p>State is owned by this object's monitor, held for a few field accesses. A place that becomes free goes to the
 * first in line, who continues on the thread that gave it up.
 */
final class Places {
    private final int maxWaiting;
    private final ArrayDeque<Waiting> line = new ArrayDeque<>();
    private int free;

    Places(int places, int maxWaiting) {
        this.free = places;
        this.maxWaiting = maxWaiting;
    }

    /** No place became free in time, or the line is as long as it may be. */
    static final class Full extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Full() {
            super("full", null, false, false);
        }
    }

    /** A place, to be given up once; giving it up again does nothing. */
    final class Place {
        private final AtomicBoolean givenUp = new AtomicBoolean();

        void giveUp() {
            if (givenUp.compareAndSet(false, true)) {
                Places.this.freed();
            }
        }
    }

    private static final class Waiting {
        private final MonoSink<Place> sink;
        private @Nullable Place granted;
        private boolean left;

        private Waiting(MonoSink<Place> sink) {
            this.sink = sink;
        }
    }

    /** A place at once, or null. Nobody overtakes the line. */
    synchronized @Nullable Place tryTake() {
        if (free == 0 || !line.isEmpty()) {
            return null;
        }
        free--;
        return new Place();
    }

    /** How many places nobody has. */
    synchronized int free() {
        return free;
    }

    /** A place in time. Fails with {@link Full}, at once or after {@code longest}; cancelling leaves the line. */
    Mono<Place> take(Duration longest, Scheduler timer) {
        return Mono.create(sink -> {
            Waiting waiting = new Waiting(sink);
            sink.onCancel(() -> leave(waiting));
            switch (arrive(waiting)) {
                case SERVED -> grant(waiting, new Place());
                case IN_LINE ->
                    sink.onDispose(timer.schedule(() -> despair(waiting), longest.toMillis(), TimeUnit.MILLISECONDS));
                case TURNED_AWAY -> sink.error(new Full());
            }
        });
    }

    private enum Arrival {
        SERVED,
        IN_LINE,
        TURNED_AWAY
    }

    private synchronized Arrival arrive(Waiting waiting) {
        if (free > 0 && line.isEmpty()) {
            free--;
            return Arrival.SERVED;
        }
        if (waiting.left || line.size() >= maxWaiting) {
            return Arrival.TURNED_AWAY;
        }
        line.addLast(waiting);
        return Arrival.IN_LINE;
    }

    private void despair(Waiting waiting) {
        boolean waited;
        synchronized (this) {
            waited = line.remove(waiting);
        }
        if (waited) {
            waiting.sink.error(new Full());
        }
    }

    private void grant(Waiting waiting, Place place) {
        boolean left;
        synchronized (this) {
            left = waiting.left;
            waiting.granted = place;
        }
        if (left) {
            place.giveUp();
        } else {
            waiting.sink.success(place);
        }
    }

    /**
     * Called when the wait is cancelled: before it began, during it, or after a place was granted but not delivered.
     */
    private void leave(Waiting waiting) {
        Place granted;
        synchronized (this) {
            waiting.left = true;
            line.remove(waiting);
            granted = waiting.granted;
        }
        if (granted != null) {
            granted.giveUp();
        }
    }

    private void freed() {
        Waiting next;
        synchronized (this) {
            next = line.pollFirst();
            if (next == null) {
                free++;
                return;
            }
        }
        grant(next, new Place());
    }
}
