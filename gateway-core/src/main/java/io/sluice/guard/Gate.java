package io.sluice.guard;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way in to one backend: its breaker, and as many places as it can take calls at a time. Safe for use by many
 * threads. Whoever gets a {@link Permit} ends it, whatever happens.
 */
public final class Gate {
    private static final Logger log = LoggerFactory.getLogger(Gate.class);
    private static final int LEAST_LIMIT = 20;
    private static final long SHORTEST_WAIT = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long LONGEST_WAIT = TimeUnit.SECONDS.toNanos(1);
    private static final Duration SOON = Duration.ofSeconds(1);

    private final String backend;
    private final GateSettings settings;
    private final int most;
    private final Breaker breaker;
    private final Bulkhead bulkhead;
    private final @Nullable AdaptiveLimit adaptive;
    private final Tally tally = new Tally();
    private final AtomicBoolean full = new AtomicBoolean();
    private volatile long usualNanos = TimeUnit.MILLISECONDS.toNanos(50);

    /**
     * @param connections as many calls as can be at a time
     * @param nanos the monotonic clock of the breaker's window
     */
    public Gate(String backend, GateSettings settings, int connections, LongSupplier nanos) {
        this.backend = backend;
        this.settings = settings;
        this.most = settings.concurrent() == 0 ? connections : Math.min(connections, settings.concurrent());
        this.breaker = new Breaker(
                backend,
                settings.breaker(),
                nanos,
                (which, before, after) ->
                        log.warn("Backend '{}': its breaker went from {} to {}", backend, before, after));
        this.bulkhead = new Bulkhead(most, settings.queue(), settings.backgroundPercent());
        this.adaptive = settings.adaptive() ? new AdaptiveLimit(LEAST_LIMIT, most) : null;
    }

    // ---- calls

    /**
     * A place at once, or null when all are taken: then {@link #join} the line, or give up with {@link #busy}.
     *
     * @throws BackendFailure while the breaker is open
     */
    public @Nullable Permit tryAdmit(Priority priority, long nowNanos) {
        if (!bulkhead.tryTake(priority)) {
            checkBreaker(nowNanos);
            return null;
        }
        return judged(nowNanos);
    }

    /** As {@link #tryAdmit}, for one who cannot wait. */
    public Permit admit(Priority priority, long nowNanos) {
        Permit permit = tryAdmit(priority, nowNanos);
        if (permit == null) {
            throw busy(Duration.ZERO);
        }
        return permit;
    }

    /** The place is ours; whether the backend is to be bothered is the breaker's to say. */
    private Permit judged(long nowNanos) {
        if (!breaker.tryAcquire()) {
            bulkhead.giveBack(longestInLine(), nowNanos);
            throw open();
        }
        return new Permit(this, true, nowNanos);
    }

    private void checkBreaker(long nowNanos) {
        if (breaker.isOpen(nowNanos)) {
            throw open();
        }
    }

    private BackendFailure open() {
        tally.refused(Tally.End.NOT_PERMITTED);
        Duration retryAfter = breaker.retryAfter();
        return BackendFailure.unavailable(
                backend,
                "Backend '" + backend
                        + "' is unavailable: too many of its last calls failed, so it is given a rest for "
                        + InWords.of(retryAfter),
                retryAfter);
    }

    /** A place for what the gateway does on its own account, which the breaker neither forbids nor counts. */
    public @Nullable Permit tryAdmitOwn(long nowNanos) {
        return bulkhead.tryTake(Priority.INTERACTIVE) ? new Permit(this, false, nowNanos) : null;
    }

    /** What somebody who waits is told, once. */
    public interface Waiting {
        void admitted(Permit permit);

        void refused(BackendFailure why);
    }

    /** A place in line; to leave it before having been told. */
    public interface InLine {
        /** Leaves the line. False when it is too late for that: then what was granted is to be ended. */
        boolean leave();
    }

    /**
     * Waits for a place. May tell the outcome before it returns.
     *
     * @param own whether it is the gateway's own request, as in {@link #tryAdmitOwn}
     */
    public InLine join(Priority priority, boolean own, long nowNanos, Waiting waiting) {
        Bulkhead.Waiter waiter = new Bulkhead.Waiter(priority, nowNanos) {
            @Override
            void granted(long then) {
                Permit permit;
                try {
                    permit = own ? new Permit(Gate.this, false, then) : judged(then);
                } catch (BackendFailure open) {
                    waiting.refused(open);
                    return;
                }
                if (!own) {
                    tally.waited(then - nowNanos);
                }
                waiting.admitted(permit);
            }

            @Override
            void refused() {
                waiting.refused(busy(Duration.ofNanos(longestInLine())));
            }
        };
        if (!bulkhead.join(waiter, longestInLine(), nowNanos)) {
            waiting.refused(busy(Duration.ZERO));
        }
        return () -> bulkhead.leave(waiter);
    }

    private long longestInLine() {
        return Math.max(SHORTEST_WAIT, Math.min(LONGEST_WAIT, usualNanos));
    }

    /** How long somebody who joins now should be willing to wait. */
    public Duration longestWait() {
        return settings.patience();
    }

    /** The refusal of somebody for whom there was no place. */
    public BackendFailure busy(Duration waited) {
        tally.refused(Tally.End.FULL);
        if (!full.get() && full.compareAndSet(false, true)) {
            log.warn(
                    "Backend '{}' is at its limit of {} concurrent calls, further ones are refused",
                    backend,
                    bulkhead.limit());
        }
        String inVain = waited.isZero() ? "" : ", and none became free within " + InWords.of(waited);
        return BackendFailure.limited(
                backend,
                "Backend '" + backend + "' is at its limit of " + bulkhead.limit() + " concurrent calls" + inVain,
                SOON);
    }

    void leaves(long nowNanos) {
        bulkhead.giveBack(longestInLine(), nowNanos);
    }

    void returns() {
        bulkhead.takeAnyway();
    }

    /** @param held whether it had a place until now */
    void ended(Permit permit, Outcome outcome, long nanosToHead, boolean answered, boolean held, long nowNanos) {
        AdaptiveLimit adapting = adaptive;
        if (permit.isJudged()) {
            tally.ended(outcome, answered, permit.isRetried(), nowNanos - permit.since());
            breaker.end(outcome, nanosToHead, nowNanos);
            if (outcome == Outcome.SUCCEEDED) {
                long usual = usualNanos;
                usualNanos = usual + (nanosToHead - usual) / 16;
                if (adapting != null && adapting.sample(Math.max(1, nanosToHead), bulkhead.taken(), nowNanos)) {
                    bulkhead.limit(Math.max(1, Math.min(most, adapting.limit())), longestInLine(), nowNanos);
                }
            }
        }
        if (held) {
            leaves(nowNanos);
        }
        if (full.get() && hasRoom() && full.compareAndSet(true, false)) {
            log.info("Backend '{}' has room for calls again", backend);
        }
    }

    /** Not the moment a place is free, or the log would be told each time. */
    private boolean hasRoom() {
        return bulkhead.waiting() == 0 && bulkhead.taken() <= bulkhead.limit() / 2;
    }

    // ---- what there is to see, and to do by hand

    public String backend() {
        return backend;
    }

    public Breaker breaker() {
        return breaker;
    }

    public CircuitBreaker.State breakerState() {
        return breaker.state();
    }

    /** How many calls are let through at the moment. */
    public int limit() {
        return bulkhead.limit();
    }

    /** How many calls ever are. */
    public int mostCalls() {
        return most;
    }

    public int inFlight() {
        return bulkhead.taken();
    }

    public int waiting() {
        return bulkhead.waiting();
    }

    /** What became of its calls. */
    public Tally tally() {
        return tally;
    }

    /** Calls refused here since the start. */
    public long refused() {
        return tally.count(Tally.End.NOT_PERMITTED) + tally.count(Tally.End.FULL);
    }
}
