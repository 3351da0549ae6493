package io.sluice.guard;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A call's place at a backend, held from its admission to the last byte of its answer. {@link #end} is called when that
 * has come, on error and on cancel; only the first time counts.
 */
public final class Permit {
    private static final int HELD = 0;
    private static final int RESTING = 1;
    private static final int ENDED = 2;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Permit.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Gate gate;
    private final long since;
    private final boolean judged;
    private boolean retried;

    @SuppressWarnings("unused") // by its handle
    private volatile int state;

    /** @param judged whether the breaker was asked, and must be told */
    Permit(Gate gate, boolean judged, long nowNanos) {
        this.gate = gate;
        this.judged = judged;
        this.since = nowNanos;
    }

    /** As {@link #end(Outcome, long, long)}, where no head of an answer ever came. */
    public void end(Outcome outcome, long nowNanos) {
        end(outcome, nowNanos - since, false, nowNanos);
    }

    /** @param nanosToHead how long the head of the answer took */
    public void end(Outcome outcome, long nanosToHead, long nowNanos) {
        end(outcome, nanosToHead, true, nowNanos);
    }

    private void end(Outcome outcome, long nanosToHead, boolean answered, long nowNanos) {
        int before = (int) STATE.getAndSet(this, ENDED);
        if (before != ENDED) {
            gate.ended(this, outcome, nanosToHead, answered, before == HELD, nowNanos);
        }
    }

    /** Gives the place to others for a while; what the call teaches is still to come. */
    void rest(long nowNanos) {
        if (STATE.compareAndSet(this, HELD, RESTING)) {
            gate.leaves(nowNanos);
        }
    }

    /** Takes a place again, be there one or not. */
    void resume(long nowNanos) {
        gate.returns();
        if (!STATE.compareAndSet(this, RESTING, HELD)) {
            gate.leaves(nowNanos);
        }
    }

    /** A second attempt is made. */
    public void retried() {
        retried = true;
    }

    boolean isRetried() {
        return retried;
    }

    boolean isJudged() {
        return judged;
    }

    public long since() {
        return since;
    }
}
