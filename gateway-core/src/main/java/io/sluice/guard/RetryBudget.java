package io.sluice.guard;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How many attempts may be made twice: every call earns a part of one, so that a backend in trouble is not asked much
 * more often than one that is well (Finagle's retry budget, with Envoy's share). Thousandths of a retry are counted.
 */
public final class RetryBudget {
    private static final long ONE = 1000;

    private final long earned;
    private final long most;
    private final AtomicLong left;
    private final AtomicLong spent = new AtomicLong();

    /**
     * @param percent of the calls that may be made twice
     * @param least how many may be at once after a quiet time
     */
    public RetryBudget(int percent, int least) {
        this.earned = percent * ONE / 100;
        this.most = least * ONE;
        this.left = new AtomicLong(most);
    }

    /** A call begins. */
    public void earn() {
        while (true) {
            long now = left.get();
            if (now >= most) {
                return;
            }
            if (left.compareAndSet(now, Math.min(most, now + earned))) {
                return;
            }
        }
    }

    /** Whether another attempt may be made; it is paid for then. */
    public boolean trySpend() {
        while (true) {
            long now = left.get();
            if (now < ONE) {
                return false;
            }
            if (left.compareAndSet(now, now - ONE)) {
                spent.incrementAndGet();
                return true;
            }
        }
    }

    /** Second attempts made since the start. */
    public long spent() {
        return spent.get();
    }
}
