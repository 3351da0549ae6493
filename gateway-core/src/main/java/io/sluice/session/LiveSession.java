package io.sluice.session;

import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.RequestId;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Inbox;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Upstream;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What this replica holds for a legacy session that has done more than introduce itself: its open streams, the sessions opened upstream on its behalf, its calls in flight, its
 * subscriptions. A session without any of these has no such object. Safe for use by many threads; each map is concurrent and no decision spans two of them.
 */
public final class LiveSession {
    /** Streams of finished calls that are kept for a client that lost the end of one. */
    private static final int MAX_FINISHED_STREAMS = 4;

    /** Tasks of a session that can be listed; the earliest are forgotten first. */
    private static final int MAX_TASKS = 100;

    /** How ids of the gateway's own requests begin. */
    private static final String ASK = "gateway.";

    private final SessionTicket ticket;
    private final String replica;
    private final EventStream standalone;
    private final Map<String, EventStream> callStreams = new ConcurrentHashMap<>();
    private final Map<String, Opened> upstreams = new ConcurrentHashMap<>();
    private final Map<RequestId, InFlight> inFlight = new ConcurrentHashMap<>();
    private final Map<RequestId, Sinks.One<Envelope>> asked = new ConcurrentHashMap<>();
    private final AtomicLong askCounter = new AtomicLong();
    private final Map<String, Target> subscriptions = new ConcurrentHashMap<>();
    private final Set<String> tasks = Collections.synchronizedSet(new LinkedHashSet<>());
    private final Queue<String> finishedStreams = new ConcurrentLinkedQueue<>();
    private final AtomicInteger changedLists = new AtomicInteger();
    private final AtomicLong streamCounter = new AtomicLong();
    private volatile @Nullable String logLevel;
    private volatile @Nullable String holder;
    private volatile @Nullable Mono<Void> loading;
    private volatile boolean loaded;
    private volatile long lastUsedNanos;
    private volatile long lastNotedNanos;
    private volatile boolean closed;

    /** @param replica which holds this, empty when there is but one */
    LiveSession(SessionTicket ticket, String replica, long nowNanos) {
        this.ticket = ticket;
        this.replica = replica;
        this.standalone = EventStream.bounded(FarStreamId.standing(replica), 64, 256 * 1024);
        this.lastUsedNanos = nowNanos;
        this.lastNotedNanos = nowNanos;
    }

    /** A call under way, as {@code notifications/cancelled} must find it. */
    public interface InFlight {
        /** Tells the backend; the client will get no answer. */
        void cancel(@Nullable String reasonJson);

        /**
         * As {@link #cancel}, because this replica stops: the client is told so. Begins at once; the result completes
         * when that is in the client's stream, which may be on another thread and a little later.
         */
        Mono<Void> abandon();
    }

    private static final class Opened {
        private final Upstream upstream;
        private final Mono<LegacySession> session;
        private volatile @Nullable LegacySession open;

        private Opened(Upstream upstream, Mono<LegacySession> session) {
            this.upstream = upstream;
            this.session = session.doOnNext(opened -> open = opened).cache();
        }

        Upstream upstream() {
            return upstream;
        }

        Mono<LegacySession> session() {
            return session;
        }
    }

    public SessionTicket ticket() {
        return ticket;
    }

    /** The stream that a GET without {@code Last-Event-ID} reads: messages that belong to no call. */
    public EventStream standalone() {
        return standalone;
    }

    /** A new stream for the answer to one POST. */
    EventStream openCallStream() {
        EventStream stream =
                new EventStream(FarStreamId.ofCall(Long.toString(streamCounter.incrementAndGet(), 36), replica));
        callStreams.put(stream.id(), stream);
        return stream;
    }

    /** Ends a call's stream. The latest few that have ended stay readable for a client that lost the end of one. */
    public void complete(EventStream stream) {
        stream.complete();
        finishedStreams.add(stream.id());
        while (finishedStreams.size() > MAX_FINISHED_STREAMS) {
            String oldest = finishedStreams.poll();
            if (oldest != null) {
                callStreams.remove(oldest);
            }
        }
    }

    /** The stream of a call that runs, or has ended not long ago. */
    public Optional<EventStream> callStream(String id) {
        return Optional.ofNullable(callStreams.get(id));
    }

    public Collection<EventStream> streams() {
        List<EventStream> all = new java.util.ArrayList<>(callStreams.values());
        all.add(standalone);
        return all;
    }

    /**
     * The session opened at a backend for this client alone, opening it at the first use. Concurrent callers share one attempt; a failed attempt is forgotten, so that the next call tries
     * again; one that the backend ended is forgotten likewise; one opened through a replaced registration is closed and opened anew.
     */
    public Mono<LegacySession> upstream(Upstream upstream, Function<Inbox, Mono<LegacySession>> opening, Inbox inbox) {
        String backend = upstream.backend().name();
        Opened opened = upstreams.compute(backend, (name, before) -> {
            if (before != null && before.upstream() == upstream) {
                return before;
            }
            if (before != null) {
                before.session()
                        .flatMap(replica.isEmpty() ? LegacySession::close : LegacySession::leave)
                        .onErrorComplete()
                        .subscribe();
            }
            Mono<LegacySession> session = opening.apply(inbox)
                    .doOnError(e -> forget(name, upstream))
                    .doOnNext(open -> open.onLost().subscribe(never -> {}, never -> {}, () -> forget(name, upstream)));
            return new Opened(upstream, session);
        });
        return opened.session();
    }

    /** The session opened by {@link #upstream} when it is open by now; else null. */
    public @Nullable LegacySession openUpstream(Upstream upstream) {
        Opened opened = upstreams.get(upstream.backend().name());
        return opened != null && opened.upstream() == upstream ? opened.open : null;
    }

    private void forget(String backend, Upstream upstream) {
        upstreams.computeIfPresent(backend, (name, now) -> now.upstream() == upstream ? null : now);
    }

    /** The session already opened, or being opened, at a backend for this client. */
    public Optional<Mono<LegacySession>> openedUpstream(String backend) {
        return Optional.ofNullable(upstreams.get(backend)).map(Opened::session);
    }

    /** The sessions opened, or being opened, for this client, by backend. */
    public Map<String, Mono<LegacySession>> openedBackends() {
        Map<String, Mono<LegacySession>> opened = new HashMap<>();
        upstreams.forEach((backend, each) -> opened.put(backend, each.session()));
        return opened;
    }

    /** Registers a call under the client's id until {@link #finished}. */
    public void started(RequestId id, InFlight call) {
        inFlight.put(id, call);
    }

    public void finished(RequestId id, InFlight call) {
        inFlight.remove(id, call);
    }

    /** Takes a call out, so that it is cancelled once at most. */
    public Optional<InFlight> takeInFlight(RequestId id) {
        return Optional.ofNullable(inFlight.remove(id));
    }

    /** An id for a request that the gateway itself puts to the client, unlike any that names a backend. */
    public RequestId nextAskId() {
        return RequestId.of(ASK + (replica.isEmpty() ? "" : replica + ".") + askCounter.incrementAndGet());
    }

    /** The replica that asked under an id of {@link #nextAskId}, unless it was the only one. */
    public static Optional<String> askedBy(String id) {
        int last = id.lastIndexOf('.');
        return id.startsWith(ASK) && last > ASK.length()
                ? Optional.of(id.substring(ASK.length(), last))
                : Optional.empty();
    }

    /** The client's answer to a request of the gateway's, waited for from the moment of this call. Fails when the session ends first. */
    public Mono<Envelope> answerTo(RequestId id) {
        Sinks.One<Envelope> answer = Sinks.one();
        asked.put(id, answer);
        return answer.asMono().doFinally(signal -> asked.remove(id, answer));
    }

    /** Hands in what the client answered; false when the gateway did not ask that, or no longer wants to know. */
    public boolean answered(RequestId id, Envelope response) {
        Sinks.One<Envelope> waiting = asked.remove(id);
        return waiting != null && waiting.tryEmitValue(response).isSuccess();
    }

    /** By the URI the client knows. */
    public Map<String, Target> subscriptions() {
        return subscriptions;
    }

    /** The level of {@code logging/setLevel}, or empty while it was never set. */
    public Optional<String> logLevel() {
        return Optional.ofNullable(logLevel);
    }

    public void logLevel(String level) {
        logLevel = level;
    }

    /** Remembers list changes, as bits, that nobody could be told of because no stream was open. */
    public void changed(int lists) {
        changedLists.accumulateAndGet(lists, (a, b) -> a | b);
    }

    /** The remembered changes, which are then forgotten. */
    public int takeChanged() {
        return changedLists.getAndSet(0);
    }

    /** The replica that holds the client's standing stream, if it is known and not this one. */
    public Optional<String> heldElsewhere() {
        return Optional.ofNullable(holder).filter(other -> !other.equals(replica));
    }

    /** Whether the client reads its standing stream here, or did last. */
    public boolean isHeldHere() {
        return replica.equals(holder);
    }

    /** @param now the replica that holds the standing stream; null when that is no longer known */
    public void heldBy(@Nullable String now) {
        holder = now;
    }

    /**
     * Completes once it is known here what other replicas noted of this session; at the first use that is asked for, and
     * again when that failed.
     */
    public Mono<Void> known(Supplier<Mono<SessionRecord>> load) {
        if (loaded) {
            return Mono.empty();
        }
        synchronized (this) {
            Mono<Void> running = loading;
            if (running == null) {
                running = load.get()
                        .doOnNext(this::know)
                        .doOnError(away -> loading = null)
                        .onErrorComplete()
                        .then()
                        .cache();
                loading = running;
            }
            return running;
        }
    }

    /** Whether it is known already. */
    public boolean isKnown() {
        return loaded;
    }

    private void know(SessionRecord noted) {
        if (logLevel == null) {
            logLevel = noted.logLevel().orElse(null);
        }
        if (holder == null) {
            holder = noted.holder().orElse(null);
        }
        loaded = true;
    }

    /** Remembers a task that the client began. */
    public void began(String task) {
        synchronized (tasks) {
            tasks.remove(task);
            tasks.add(task);
            if (tasks.size() > MAX_TASKS) {
                tasks.remove(tasks.iterator().next());
            }
        }
    }

    public void forgot(String task) {
        tasks.remove(task);
    }

    /** The tasks that the client began here, under the names that it knows. */
    public Set<String> tasks() {
        synchronized (tasks) {
            return Set.copyOf(tasks);
        }
    }

    void touch(long nowNanos) {
        lastUsedNanos = nowNanos;
    }

    /** Whether the other replicas should be told that it was used, which is then supposed to be done. */
    boolean noteUse(long nowNanos, long everyNanos) {
        if (lastUsedNanos - lastNotedNanos > 0 && nowNanos - lastNotedNanos >= everyNanos && !upstreams.isEmpty()) {
            lastNotedNanos = nowNanos;
            return true;
        }
        return false;
    }

    /** Whether letting go of it would lose nothing that its client could miss. */
    boolean isEmpty() {
        return upstreams.isEmpty()
                && subscriptions.isEmpty()
                && tasks.isEmpty()
                && callStreams.isEmpty()
                && logLevel == null
                && changedLists.get() == 0;
    }

    boolean idleSince(long deadlineNanos) {
        return lastUsedNanos - deadlineNanos < 0
                && inFlight.isEmpty()
                && !standalone.hasReader()
                && callStreams.values().stream().noneMatch(EventStream::hasReader);
    }

    boolean isClosed() {
        return closed;
    }

    /** Why this replica lets go of a session. */
    enum Parting {
        /** It is over. */
        ENDED,
        /** Other replicas go on with it. */
        LEFT
    }

    /** Answers the calls in flight with the news that this replica stops; completes when all have that answer. */
    Mono<Void> abandonCalls() {
        return Mono.when(List.copyOf(inFlight.keySet()).stream()
                .flatMap(id -> takeInFlight(id).stream())
                .map(InFlight::abandon)
                .toList());
    }

    /**
     * Ends streams, cancels calls, and ends the sessions opened upstream, or leaves them to the other replicas; the
     * latter takes until the result completes.
     */
    Mono<Void> close(Parting parting) {
        closed = true;
        inFlight.keySet().forEach(id -> takeInFlight(id).ifPresent(call -> call.cancel(null)));
        asked.values().forEach(answer -> answer.tryEmitError(new Rejection.UnknownSession()));
        asked.clear();
        streams().forEach(EventStream::complete);
        List<Mono<Void>> left = upstreams.values().stream()
                .map(opened -> opened.session()
                        .flatMap(session ->
                                parting == Parting.ENDED && session.isKept() ? session.close() : session.leave())
                        .onErrorComplete())
                .toList();
        upstreams.clear();
        return Mono.when(left);
    }
}
