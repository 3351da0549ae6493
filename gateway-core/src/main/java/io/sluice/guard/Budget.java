package io.sluice.guard;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What one rule leaves one caller, backend or tool: a rate of this replica alone, or, where replicas share their budgets,
 * this replica's slice of one rate. What a call costs says how large the slice is: the interval when all of it may be
 * spent here, as many intervals as there are replicas when this one may spend its share.
 */
final class Budget {
    private final String name;
    private final Gcra rate;
    private final @Nullable SharedBudgets shared;
    private final AtomicLong untold = new AtomicLong();
    private volatile long untoldSince;
    private volatile Slice slice = Slice.SHARE;

    /** How much of the budget may be spent here until there is news. */
    enum Slice {
        /** All that is left: no other replica spends of it. */
        ALL,
        /** What is left, or would be, divided by the number of replicas. */
        SHARE
    }

    /**
     * @param name the same at every replica, and of no other budget
     * @param shared null when this replica is alone
     */
    Budget(String name, Gcra rate, @Nullable SharedBudgets shared) {
        this.name = name;
        this.rate = rate;
        this.shared = shared;
    }

    String name() {
        return name;
    }

    Gcra rate() {
        return rate;
    }

    /** Takes one. 0 when there was one, else how many nanoseconds until there is. */
    long take(long nowNanos) {
        SharedBudgets others = shared;
        if (others == null) {
            return rate.take(nowNanos);
        }
        long wait = rate.take(nowNanos, others.cost(rate.interval(), slice));
        if (wait == 0 && untold.getAndIncrement() == 0) {
            untoldSince = nowNanos;
            others.owes(this);
        }
        return wait;
    }

    /** Puts one back that was taken for nothing. */
    void giveBack() {
        SharedBudgets others = shared;
        if (others == null) {
            rate.giveBack();
            return;
        }
        rate.giveBack(others.cost(rate.interval(), slice));
        if (untold.getAndDecrement() == 0) {
            others.owes(this);
        }
    }

    /** Calls taken here of which the others have not been told. */
    long tell() {
        return untold.getAndSet(0);
    }

    /** Since when there are such. */
    long untoldSince() {
        return untoldSince;
    }

    /** What was to be told was not heard. */
    void tellLater(long calls) {
        SharedBudgets others = shared;
        if (untold.getAndAdd(calls) == 0 && others != null) {
            others.owes(this);
        }
    }

    /**
     * Goes on from what all replicas together have spent.
     *
     * @param backlogNanos from then on until the budget would be full again
     */
    void heard(long backlogNanos, Slice next, long thenNanos) {
        slice = next;
        long full;
        do {
            full = rate.fullAt();
        } while (!rate.replace(full, thenNanos + backlogNanos + untold.get() * rate.interval()));
    }

    boolean isFull(long nowNanos) {
        return rate.isFull(nowNanos);
    }
}
