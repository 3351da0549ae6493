package io.sluice.balance;

import io.sluice.guard.Breaker;
import io.sluice.guard.Outcome;
import io.sluice.registry.Endpoint;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One try at one endpoint, from when it was picked to the last byte of the answer. {@link #end} is called when that has
 * come, on error and on cancel; only the first time counts.
 */
public final class Attempt {
    private static final VarHandle ENDED;

    static {
        try {
            ENDED = MethodHandles.lookup().findVarHandle(Attempt.class, "ended", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Endpoints of;
    private final EndpointState at;
    private final long startedAt;
    private final boolean permitted;
    private long nanosToHead = -1;

    @SuppressWarnings("unused") // by its handle
    private volatile boolean ended;

    /** @param permitted whether the endpoint's breaker was asked, and must be told */
    Attempt(Endpoints of, EndpointState at, boolean permitted, long nowNanos) {
        this.of = of;
        this.at = at;
        this.permitted = permitted;
        this.startedAt = nowNanos;
        at.started(nowNanos);
    }

    public Endpoint endpoint() {
        return at.endpoint();
    }

    public EndpointState state() {
        return at;
    }

    public long startedAt() {
        return startedAt;
    }

    /** The head of an answer has come. To be called by the thread that later calls {@link #end}, or before it. */
    public void answered(long nowNanos) {
        if (nanosToHead < 0) {
            at.headCame();
        }
        nanosToHead = Math.max(0, nowNanos - startedAt);
        at.answered(nanosToHead, nowNanos);
        of.attempts().add(nanosToHead);
    }

    /** Since the start, until the head came; negative before. */
    public long nanosToHead() {
        return nanosToHead;
    }

    /** It is over. */
    public void end(Outcome outcome, long nowNanos) {
        if (!ENDED.compareAndSet(this, false, true)) {
            return;
        }
        at.ended(nanosToHead < 0);
        long took = nanosToHead < 0 ? nowNanos - startedAt : nanosToHead;
        if (nanosToHead < 0) {
            if (outcome == Outcome.FAILED) {
                at.answered(Math.max(took, EndpointState.FAILURE_NANOS), nowNanos);
            } else {
                at.waited(took, nowNanos);
            }
        }
        Breaker breaker = at.breaker();
        if (permitted && breaker != null) {
            breaker.end(outcome, took, nowNanos);
        }
        of.learn(at, outcome, nowNanos);
    }
}
