package io.sluice.guard;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Budgets that replicas have in common. No call waits for another replica: each spends of the slice that it holds and
 * says afterwards what it spent, and whoever keeps the common account answers with what is left, which makes the next
 * slice. What was spent too much before that was known comes off what follows, so that over any time that is long
 * against one such round the limit is kept exactly.
 *
 * <p>A slice is everything that is left when only this replica spends of a budget, else its share. When the account
 * cannot be asked, or a budget was never asked for, a replica goes on within its share of the limit. The shares are
 * a little larger then ({@link #AWAY_PERCENT}), because not every replica may need its own.
 *
 * <p>The side of calls takes no lock and reads no clock; the side of the account is for one thread.
 */
public final class SharedBudgets {
    /** All shares together while the account is away, in percent of the limit. */
    public static final int AWAY_PERCENT = 110;

    /**
     * Shortest burst of a budget: replicas hear of each other only so often, and what nobody takes in between would be
     * lost.
     */
    static final long SHORTEST_BURST_NANOS = 20_000_000L;

    private final ConcurrentLinkedQueue<Budget> owing = new ConcurrentLinkedQueue<>();
    private final Runnable wake;
    private volatile int replicas = 1;
    private volatile boolean away;

    /** @param wake told, by any thread, that there is something to settle; must not wait */
    SharedBudgets(Runnable wake) {
        this.wake = wake;
    }

    /**
     * What this replica has spent of a budget without having said so.
     *
     * @param name of the budget, the same at every replica
     * @param calls how many; below zero when more were given back
     * @param interval what one costs
     * @param burst what may be spent at once
     * @param age how long ago the first was spent
     */
    public record Debt(Owner owner, String name, long calls, Duration interval, Duration burst, Duration age) {}

    /** Ties a debt to its budget. */
    public static final class Owner {
        private final Budget budget;

        private Owner(Budget budget) {
            this.budget = budget;
        }
    }

    // The side of calls

    long cost(long interval, Budget.Slice slice) {
        int many = replicas;
        if (away) {
            return Math.max(interval, interval * 100 / AWAY_PERCENT * many);
        }
        return slice == Budget.Slice.ALL ? interval : interval * many;
    }

    void owes(Budget budget) {
        owing.add(budget);
        wake.run();
    }

    // The side of the account

    /** Whether {@link #debts} would have any. */
    public boolean isOwing() {
        return !owing.isEmpty();
    }

    /** Takes note of how many replicas there are, this one included. */
    public void replicas(int many) {
        replicas = Math.max(1, many);
    }

    /** What is to be charged to the account; each debt is given once. */
    public List<Debt> debts(int most, long nowNanos) {
        List<Debt> debts = new ArrayList<>();
        while (debts.size() < most) {
            @Nullable Budget budget = owing.poll();
            if (budget == null) {
                break;
            }
            long since = budget.untoldSince();
            long calls = budget.tell();
            if (calls != 0) {
                debts.add(new Debt(
                        new Owner(budget),
                        budget.name(),
                        calls,
                        Duration.ofNanos(budget.rate().interval()),
                        Duration.ofNanos(budget.rate().tolerance()),
                        Duration.ofNanos(Math.max(0, nowNanos - since))));
            }
        }
        return debts;
    }

    /** They were not charged: they are owed again. */
    public void owedStill(List<Debt> debts) {
        debts.forEach(debt -> debt.owner().budget.tellLater(debt.calls()));
    }

    /**
     * They were charged.
     *
     * @param backlog how long the budget takes from then on to be full again
     * @param contested whether other replicas spend of it, too
     * @param thenNanos when it was
     */
    public void settled(Debt debt, Duration backlog, boolean contested, long thenNanos) {
        debt.owner().budget.heard(backlog.toNanos(), contested ? Budget.Slice.SHARE : Budget.Slice.ALL, thenNanos);
    }

    /** Whether the account can be asked. */
    public void away(boolean now) {
        away = now;
    }

    public boolean isAway() {
        return away;
    }
}
