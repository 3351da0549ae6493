package io.sluice.guard;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Places, and two lines of those who wait for one: interactive calls are served before background ones. Taking and
 * giving back a place is one compare-and-set while nobody waits; the lines are owned by this object's monitor, which is
 * held for a few field accesses and only when they are needed.
 *
 * <p>A line that has stood for a second is not a burst any more. From then on whoever has waited longer than about one
 * call's duration is refused instead of served, so that those who are served need not have waited long (K. Nichols and
 * V. Jacobson, <em>Controlling Queue Delay</em>, 2012, in the form that Facebook gave it).
 */
final class Bulkhead {
    private static final long STANDING_NANOS = 1_000_000_000L;
    private static final long WAITING = 1L << 32;
    private static final long TAKEN = WAITING - 1;

    /** Somebody in line. Told once, by the thread that decides; not while any monitor is held. */
    abstract static class Waiter {
        private final Priority priority;
        private final long since;
        private boolean done;

        Waiter(Priority priority, long since) {
            this.priority = priority;
            this.since = since;
        }

        /** A place is theirs. */
        abstract void granted(long nowNanos);

        /** They will get none. */
        abstract void refused();
    }

    private final AtomicLong state = new AtomicLong();
    private final ArrayDeque<Waiter> interactive = new ArrayDeque<>();
    private final ArrayDeque<Waiter> background = new ArrayDeque<>();
    private final int maxWaiting;
    private final int backgroundPercent;
    private volatile int limit;
    private long interactiveSince;
    private long backgroundSince;

    Bulkhead(int limit, int maxWaiting, int backgroundPercent) {
        this.limit = limit;
        this.maxWaiting = maxWaiting;
        this.backgroundPercent = backgroundPercent;
    }

    int limit() {
        return limit;
    }

    int taken() {
        return (int) (state.get() & TAKEN);
    }

    int waiting() {
        return (int) (state.get() >>> 32);
    }

    /** A place at once. Nobody overtakes the line, but for interactive calls that of background ones. */
    boolean tryTake(Priority priority) {
        int most = most(priority);
        while (true) {
            long now = state.get();
            if (now >= WAITING) {
                return priority == Priority.INTERACTIVE && (now & TAKEN) < most && overtake();
            }
            if (now >= most) {
                return false;
            }
            if (state.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** A place for who cannot be refused, also where there is none. */
    void takeAnyway() {
        state.incrementAndGet();
    }

    /** Under the monitor, since whoever serves the line looks and takes in two steps. */
    private synchronized boolean overtake() {
        if (!interactive.isEmpty() || taken() >= limit) {
            return false;
        }
        state.incrementAndGet();
        return true;
    }

    private int most(Priority priority) {
        int all = limit;
        return priority == Priority.INTERACTIVE ? all : Math.max(1, all * backgroundPercent / 100);
    }

    /** Whether the line has been there for so long that it is not a burst. Each stands for itself: under the monitor. */
    private boolean isStanding(Priority priority, long nowNanos) {
        long since = priority == Priority.INTERACTIVE ? interactiveSince : backgroundSince;
        return since != 0 && nowNanos - since > STANDING_NANOS;
    }

    /**
     * Joins the line; false when it is as long as it may be. An interactive call takes the place in it of the background
     * call that came last. The waiter may be told before this returns.
     *
     * @param longestNanos how long those who are ahead may have waited while the line is standing
     */
    boolean join(Waiter waiter, long longestNanos, long nowNanos) {
        @Nullable Waiter yields = null;
        synchronized (this) {
            if (waiting() >= maxWaiting) {
                yields = waiter.priority == Priority.INTERACTIVE ? background.pollLast() : null;
                if (yields == null) {
                    return false;
                }
                gone(yields, 0);
            }
            line(waiter.priority).addLast(waiter);
            state.addAndGet(WAITING);
            long since = nowNanos == 0 ? 1 : nowNanos;
            if (waiter.priority == Priority.INTERACTIVE && interactiveSince == 0) {
                interactiveSince = since;
            } else if (waiter.priority == Priority.BACKGROUND && backgroundSince == 0) {
                backgroundSince = since;
            }
        }
        if (yields != null) {
            yields.refused();
        }
        serve(longestNanos, nowNanos);
        return true;
    }

    private ArrayDeque<Waiter> line(Priority priority) {
        return priority == Priority.INTERACTIVE ? interactive : background;
    }

    /** Leaves the line; false when the waiter has been told already. */
    boolean leave(Waiter waiter) {
        synchronized (this) {
            if (waiter.done || !line(waiter.priority).remove(waiter)) {
                return false;
            }
            gone(waiter, 0);
            return true;
        }
    }

    /** In one step with the place it got, so that nobody takes that in between. */
    private void gone(Waiter waiter, int places) {
        waiter.done = true;
        state.addAndGet(places - WAITING);
        if (interactive.isEmpty()) {
            interactiveSince = 0;
        }
        if (background.isEmpty()) {
            backgroundSince = 0;
        }
    }

    void giveBack(long longestNanos, long nowNanos) {
        while (true) {
            long now = state.get();
            if (state.compareAndSet(now, now - 1)) {
                if (now >= WAITING) {
                    serve(longestNanos, nowNanos);
                }
                return;
            }
        }
    }

    void limit(int other, long longestNanos, long nowNanos) {
        limit = other;
        if (waiting() > 0) {
            serve(longestNanos, nowNanos);
        }
    }

    /** Gives free places to those who wait. */
    private void serve(long longestNanos, long nowNanos) {
        while (true) {
            Waiter next;
            boolean late;
            synchronized (this) {
                next = next();
                if (next == null) {
                    return;
                }
                late = isStanding(next.priority, nowNanos) && nowNanos - next.since > longestNanos;
                line(next.priority).pollFirst();
                gone(next, late ? 0 : 1);
            }
            if (late) {
                next.refused();
            } else {
                next.granted(nowNanos);
            }
        }
    }

    private @Nullable Waiter next() {
        int taken = taken();
        if (taken < limit && !interactive.isEmpty()) {
            return interactive.peekFirst();
        }
        return taken < most(Priority.BACKGROUND) && !background.isEmpty() ? background.peekFirst() : null;
    }
}
