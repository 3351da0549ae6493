package io.sluice.balance;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.sluice.guard.Breaker;
import io.sluice.registry.Endpoint;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One endpoint as this replica sees it. Written by the threads of its calls without locks; a reader may see one call
 * more or less.
 *
 * <p>The latency is a peak-sensitive, exponentially weighted moving average after Finagle's <em>Peak EWMA</em>: it jumps
 * up at once with a slow answer. It forgets in two ways. With each answer it moves towards what it sees, within about a
 * second, or within some ten answers where they come sooner: when the whole machine stood still for a moment, what is
 * well must look well again before what is ill looks better. Without any it fades within some seconds, so that an endpoint
 * that is avoided for being slow is tried again soon: one that was twenty times slower after about eight seconds, any after ten. One such
 * call decides whether it stays away, and until it is answered hardly any follows: the fading begins anew with it.
 */
public final class EndpointState {
    private static final long AWAITED = 1L << 32;
    private static final double SETTLES_NANOS = 1e9;
    private static final double MOST_KEPT = 0.8;
    private static final double FADES_NANOS = 2.5e9;
    private static final long FORGETS_NANOS = 10_000_000_000L;
    private static final double ASSUMED_NANOS = 1e6;
    private static final double LEAST_NANOS = 1e4;
    private static final double FORGOTTEN = 0.5;
    private static final double UNCERTAIN = 10;
    private static final double LEAST_SHARE = 0.1;
    private static final double DOUBTED_SHARE = 0.5;
    static final long FAILURE_NANOS = 1_000_000_000L;

    private final Endpoint endpoint;
    private final long hash;
    private final long slowStartNanos;
    private final @Nullable Breaker breaker;

    /** Attempts under way, and in the upper half those of them for whose answer somebody still waits. */
    private final AtomicLong attempts = new AtomicLong();

    private volatile double average = ASSUMED_NANOS;
    private volatile long updatedAt;

    /** When it was last tried while nobody waited for an answer of it. */
    private volatile long triedAt;

    /** Whether that try is to show if what is remembered of it is still true. */
    private volatile boolean probed;

    private volatile int weight;
    private volatile long joinedAt;
    private volatile boolean drained;

    /** Until when it is out of the choice; 0 while it is in. */
    final AtomicLong ejectedUntil = new AtomicLong();

    /** Until when no check brings it back. */
    private volatile long heldUntil;

    /** Whether a check has brought it back, and no call has gone well since. */
    private volatile boolean unproven;

    /** Until when another replica's word against it counts; 0 for not at all. */
    private volatile long doubtedUntil;

    volatile int ejections;
    final LongAdder timesEjected = new LongAdder();
    final AtomicInteger failuresInARow = new AtomicInteger();
    final AtomicInteger succeeded = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();

    /** @param breaker its own, or null where it is the only endpoint */
    EndpointState(Endpoint endpoint, @Nullable Breaker breaker, long slowStartNanos, long nowNanos) {
        this.endpoint = endpoint;
        this.hash = Sticky.mix(endpoint.url().toString().hashCode());
        this.breaker = breaker;
        this.slowStartNanos = slowStartNanos;
        this.weight = endpoint.weight();
        this.updatedAt = nowNanos;
        this.triedAt = nowNanos;
        this.joinedAt = nowNanos - slowStartNanos;
        this.heldUntil = nowNanos;
    }

    public Endpoint endpoint() {
        return endpoint;
    }

    /** Attempts that have started and not ended. */
    public int inFlight() {
        return attempts.intValue();
    }

    /** Of its address; the same on every replica. */
    long hash() {
        return hash;
    }

    /** Its own breaker's, where it has one. */
    public CircuitBreaker.State breakerState() {
        return breaker == null ? CircuitBreaker.State.DISABLED : breaker.state();
    }

    /** Null where it is the only endpoint: then there is but the backend's. */
    public @Nullable Breaker breaker() {
        return breaker;
    }

    // ---- whether it may be picked

    /** Takes no new attempts because somebody said so. */
    public boolean isDrained() {
        return drained;
    }

    public boolean isEjected(long nowNanos) {
        long until = ejectedUntil.get();
        return until != 0 && nowNanos - until < 0;
    }

    /** How often it was taken out since the start. */
    public long timesEjected() {
        return timesEjected.sum();
    }

    /** Whether it gets calls: it is neither drained nor ejected, and its breaker is not open. */
    public boolean isEligible(long nowNanos) {
        return !drained && !isEjected(nowNanos) && (breaker == null || !breaker.isOpen(nowNanos));
    }

    void drained(boolean now, long nowNanos) {
        if (drained && !now) {
            joinedAt = nowNanos;
        }
        drained = now;
    }

    /** Whether its ejection has run out, and no call since has shown whether it is well. */
    boolean isOnTrial(long nowNanos) {
        long until = ejectedUntil.get();
        return until != 0 && nowNanos - until >= 0;
    }

    /** Whether it stays out however well a check goes. */
    boolean isHeld(long nowNanos) {
        return nowNanos - heldUntil < 0;
    }

    void heldUntil(long until) {
        heldUntil = until;
    }

    boolean isUnproven() {
        return unproven;
    }

    void unproven(boolean now) {
        unproven = now;
    }

    /** Whether another replica has ejected it, which is a reason to look closely, and no more. */
    public boolean isDoubted(long nowNanos) {
        long until = doubtedUntil;
        return until != 0 && nowNanos - until < 0;
    }

    /** @param until 0 for no longer */
    void doubted(long until) {
        doubtedUntil = until;
    }

    void joined(long nowNanos) {
        failuresInARow.set(0);
        average = ASSUMED_NANOS;
        updatedAt = nowNanos;
        joinedAt = nowNanos;
    }

    // ---- what it costs

    /** As registered, or as somebody has set it since. */
    public int fullWeight() {
        return weight;
    }

    void weight(int other) {
        weight = other;
    }

    /** Its weight, less for a while after it came back: what has just started is not warm yet. */
    double weight(long nowNanos) {
        double weight = isDoubted(nowNanos) ? this.weight * DOUBTED_SHARE : this.weight;
        long since = nowNanos - joinedAt;
        return since >= slowStartNanos
                ? weight
                : weight * Math.max(LEAST_SHARE, Math.max(0, since) / (double) slowStartNanos);
    }

    /**
     * What the next attempt would have to wait for, up to a factor: lower is better.
     *
     * @param fastest the lowest {@link #lastKnownNanos} of those that it is compared with. By being forgotten an endpoint
     *     becomes as good as they are and no better: one that has stopped answering would be the best otherwise
     */
    double cost(double fastest, long nowNanos) {
        if (ejectedUntil.get() != 0) {
            // On trial, or in panic: what is known of it is from its bad time.
            return ASSUMED_NANOS * (inFlight() + 1) / (LEAST_SHARE * weight);
        }
        double expected = Math.max(Math.max(LEAST_NANOS, fastest), averageNanos(nowNanos));
        double cost = expected * (inFlight() + 1) / weight(nowNanos);
        return probed ? cost * UNCERTAIN : cost;
    }

    /** What was expected of an answer when the last one came. */
    double lastKnownNanos() {
        return average;
    }

    /** What is expected of the next answer. */
    public double averageNanos(long nowNanos) {
        long since = Math.min(nowNanos - updatedAt, nowNanos - triedAt);
        return since > FORGETS_NANOS ? 0 : average * kept(since, FADES_NANOS);
    }

    /** How much of something is left after a while. */
    private static double kept(long nanos, double scale) {
        double x = nanos / scale;
        return x <= 0 ? 1 : x < 0.01 ? 1 - x : Math.exp(-x);
    }

    // ---- what happens to it

    /** An attempt begins. Its answer is then awaited until {@link #headCame} or {@link #ended}. */
    void started(long nowNanos) {
        if (attempts.getAndAdd(AWAITED + 1) < AWAITED) {
            if (averageNanos(nowNanos) < FORGOTTEN * average) {
                probed = true;
            }
            triedAt = nowNanos;
        }
    }

    /** The answer to an attempt has begun, which may go on for hours. */
    void headCame() {
        attempts.addAndGet(-AWAITED);
    }

    /** @param awaited whether no answer had begun */
    void ended(boolean awaited) {
        if (attempts.addAndGet(awaited ? -AWAITED - 1 : -1) < AWAITED && probed) {
            probed = false;
        }
    }

    /** The head of an answer came, or did not come, after {@code nanos}. */
    void answered(long nanos, long nowNanos) {
        double before = average;
        double kept = Math.min(MOST_KEPT, kept(nowNanos - updatedAt, SETTLES_NANOS));
        average = nanos > before * kept ? nanos : before * kept + nanos * (1 - kept);
        updatedAt = nowNanos;
        if (probed) {
            probed = false;
        }
    }

    /**
     * Nobody waits any more, after {@code nanos}: it takes that long at least. That is no news of one that took longer, however
     * long ago.
     */
    void waited(long nanos, long nowNanos) {
        if (nanos > average) {
            answered(nanos, nowNanos);
        }
    }
}
