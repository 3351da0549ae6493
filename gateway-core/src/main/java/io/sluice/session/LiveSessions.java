package io.sluice.session;

import io.sluice.envelope.RequestId;
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
import org.jspecify.annotations.Nullable;
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

    private static final Duration USE_NOTED_EVERY = Duration.ofMinutes(1);

    /** How long a shutdown waits for the answers of the calls that it ends. */
    private static final Duration LAST_WORDS = Duration.ofMillis(500);

    /** How the store calls the stream of messages that belong to no call, whichever replica holds it. */
    public static final String STANDING = "0";

    private final Map<String, LiveSession> sessions = new ConcurrentHashMap<>();
    private final LongSupplier nanoClock;
    private final SessionStore store;
    private final String replica;
    private final @Nullable Journal journal;
    private final Duration idle;
    private final Consumer<LiveSession> onOpen;
    private final Consumer<LiveSession> onClose;
    private final Scheduler scheduler;
    private final Disposable timer;

    /**
     * @param store what the replicas share
     * @param replica which this is, empty when there is but one
     * @param idle how long a session that nobody reads and nothing runs in is kept
     * @param heartbeat how often a comment goes out on every open stream
     * @param onOpen called once for each session made, before anyone else has it; must not come back here
     * @param onClose called once for each session that goes, before its streams end
     */
    public LiveSessions(
            LongSupplier nanoClock,
            SessionStore store,
            String replica,
            Duration idle,
            Duration heartbeat,
            Scheduler scheduler,
            Consumer<LiveSession> onOpen,
            Consumer<LiveSession> onClose) {
        this.nanoClock = nanoClock;
        this.store = store;
        this.replica = replica;
        this.journal = store.shared() ? new Journal(store, scheduler) : null;
        this.idle = idle;
        this.onOpen = onOpen;
        this.onClose = onClose;
        this.scheduler = scheduler;
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
        LiveSession session = new LiveSession(ticket, replica, nanoClock.getAsLong());
        if (journal != null) {
            journal.keep(ticket.id(), STANDING, session.standalone(), Optional.empty());
        }
        onOpen.accept(session);
        return session;
    }

    public Optional<LiveSession> find(SessionTicket ticket) {
        return Optional.ofNullable(sessions.computeIfPresent(ticket.id(), (id, live) -> {
            live.touch(nanoClock.getAsLong());
            return live;
        }));
    }

    /** By the id of its ticket, for what is not a use of the session. */
    public Optional<LiveSession> peek(String id) {
        return Optional.ofNullable(sessions.get(id));
    }

    /** A new stream for the answer to a call, kept for other replicas to go on with. */
    public EventStream openCallStream(LiveSession session, RequestId request) {
        EventStream stream = session.openCallStream();
        if (journal != null) {
            journal.keep(session.ticket().id(), stream.id(), stream, Optional.of(request.rawJson()));
        }
        return stream;
    }

    public Collection<LiveSession> all() {
        return sessions.values();
    }

    /** Ends a session here; completes when those it had opened upstream have ended, as far as they are this replica's to end. */
    public Mono<Void> close(String id) {
        return Mono.defer(() -> {
            LiveSession gone = sessions.remove(id);
            return gone == null ? Mono.empty() : end(gone, LiveSession.Parting.ENDED);
        });
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
                endIdle(session, now).subscribe();
            } else {
                if (store.shared() && session.noteUse(nowNanos, USE_NOTED_EVERY.toNanos())) {
                    store.note(session.ticket().id(), new SessionNote.Used());
                }
                session.streams().forEach(EventStream::heartbeat);
            }
        }
    }

    /** A session that is idle here may be busy elsewhere. */
    private Mono<Void> endIdle(LiveSession session, Instant now) {
        if (!store.shared()) {
            return end(session, LiveSession.Parting.ENDED);
        }
        String id = session.ticket().id();
        return store.load(id)
                .map(record -> record.used().isBefore(now.minus(idle)))
                .onErrorReturn(false)
                .flatMap(everywhere -> everywhere
                        ? end(session, LiveSession.Parting.ENDED).then(store.forget(id))
                        : end(session, LiveSession.Parting.LEFT))
                .onErrorComplete();
    }

    private Mono<Void> end(LiveSession session, LiveSession.Parting parting) {
        onClose.accept(session);
        return session.close(parting);
    }

    /** As {@link #closeAll()}, without waiting for it. */
    @Override
    public void dispose() {
        closeAll().subscribe();
    }

    /**
     * Closes every session. Completes when those opened upstream have ended, too, or other replicas have all they need to
     * go on with them.
     */
    public Mono<Void> closeAll() {
        return Mono.defer(() -> {
            timer.dispose();
            Mono<Void> answered = Mono.when(sessions.values().stream()
                            .map(LiveSession::abandonCalls)
                            .toList())
                    .timeout(LAST_WORDS, Mono.empty(), scheduler)
                    .onErrorComplete();
            // Whoever asks for the rest of a stream finds it here until it is in the store.
            Mono<Void> kept = journal == null ? Mono.empty() : journal.flush();
            return answered.then(kept)
                    .then(Mono.defer(this::closeNow))
                    .then(kept)
                    .then(store.flush());
        });
    }

    private Mono<Void> closeNow() {
        LiveSession.Parting parting = store.shared() ? LiveSession.Parting.LEFT : LiveSession.Parting.ENDED;
        List<LiveSession> all = List.copyOf(sessions.values());
        sessions.clear();
        return Flux.fromIterable(all)
                .flatMap(session -> end(session, parting), Integer.MAX_VALUE)
                .then();
    }
}
