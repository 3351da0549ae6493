package io.sluice.session;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * The legacy sessions that hold something on this replica. Swept for idle ones and given heartbeats by one timer. The map is concurrent; sessions guard themselves.
 */
public final class LiveSessions implements Disposable {
    /** How long a session that holds nothing is kept, so that a busy client's is not made anew for each call. */
    private static final Duration EMPTY_IDLE = Duration.ofMinutes(1);

    private final Map<String, LiveSession> sessions = new ConcurrentHashMap<>();
    private final LongSupplier nanoClock;
    private final Duration idle;
    private final Consumer<LiveSession> onOpen;
    private final Consumer<LiveSession> onClose;
    private final Disposable timer;

    /**
     * @param idle how long a session that nobody reads and nothing runs in is kept
     * @param heartbeat how often a comment goes out on every open stream
     * @param onOpen called once for each session made, before anyone else has it; must not come back here
     * @param onClose called once for each session that goes, before its streams end
     */
    public LiveSessions(
            LongSupplier nanoClock,
            Duration idle,
            Duration heartbeat,
            Scheduler scheduler,
            Consumer<LiveSession> onOpen,
            Consumer<LiveSession> onClose) {
        this.nanoClock = nanoClock;
        this.idle = idle;
        this.onOpen = onOpen;
        this.onClose = onClose;
        this.timer = scheduler.schedulePeriodically(
                this::tick, heartbeat.toNanos(), heartbeat.toNanos(), java.util.concurrent.TimeUnit.NANOSECONDS);
    }

    /** The live object of a session, made at the first use. Counts as a use, so that it is not idle at the same moment. */
    public LiveSession obtain(SessionTicket ticket) {
        LiveSession obtained = sessions.compute(ticket.id(), (id, live) -> {
            LiveSession session = live == null ? open(ticket) : live;
            session.touch(nanoClock.getAsLong());
            return session;
        });
        return Objects.requireNonNull(obtained);
    }

    private LiveSession open(SessionTicket ticket) {
        LiveSession session = new LiveSession(ticket, nanoClock.getAsLong());
        onOpen.accept(session);
        return session;
    }

    public Optional<LiveSession> find(SessionTicket ticket) {
        return Optional.ofNullable(sessions.computeIfPresent(ticket.id(), (id, live) -> {
            live.touch(nanoClock.getAsLong());
            return live;
        }));
    }

    public Collection<LiveSession> all() {
        return sessions.values();
    }

    public void close(SessionTicket ticket) {
        LiveSession gone = sessions.remove(ticket.id());
        if (gone != null) {
            end(gone).subscribe();
        }
    }

    /** Asks every reader to come back elsewhere in a moment and ends its connection; calls in flight go on. */
    public void pauseAll(LongSupplier retryMillis) {
        sessions.values().forEach(session -> session.standalone().pause(retryMillis.getAsLong()));
    }

    private void tick() {
        long nowNanos = nanoClock.getAsLong();
        long deadline = nowNanos - idle.toNanos();
        long deadlineOfEmpty = nowNanos - Math.min(idle.toNanos(), EMPTY_IDLE.toNanos());
        Instant now = Instant.now();
        for (LiveSession session : List.copyOf(sessions.values())) {
            AtomicBoolean over = new AtomicBoolean();
            sessions.computeIfPresent(session.ticket().id(), (id, live) -> {
                over.set(live == session
                        && (live.idleSince(live.isEmpty() ? deadlineOfEmpty : deadline)
                                || live.ticket().expiresAt().isBefore(now)));
                return over.get() ? null : live;
            });
            if (over.get()) {
                end(session).subscribe();
            } else {
                session.streams().forEach(EventStream::heartbeat);
            }
        }
    }

    private Mono<Void> end(LiveSession session) {
        onClose.accept(session);
        return session.close();
    }

    /** As {@link #closeAll()}, without waiting for it. */
    @Override
    public void dispose() {
        closeAll().subscribe();
    }

    /** Closes every session; completes when those opened upstream have ended, too. */
    public Mono<Void> closeAll() {
        return Mono.defer(() -> {
            timer.dispose();
            List<LiveSession> all = List.copyOf(sessions.values());
            sessions.clear();
            return Flux.fromIterable(all).flatMap(this::end, Integer.MAX_VALUE).then();
        });
    }
}
