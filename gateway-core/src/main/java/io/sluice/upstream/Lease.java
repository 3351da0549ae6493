package io.sluice.upstream;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A session with a legacy backend that serves one call alone, so that whatever the backend asks on it is asked by that
 * call. Ended once, by {@link #giveBack()} or {@link #discard()}; the second of them does nothing.
 */
public final class Lease {
    private final Leases pool;
    private final Leases.Key key;
    private final Leases.Lent lent;
    private final AtomicBoolean ended = new AtomicBoolean();

    Lease(Leases pool, Leases.Key key, Leases.Lent lent) {
        this.pool = pool;
        this.key = key;
        this.lent = lent;
    }

    public LegacySession session() {
        return lent.session();
    }

    /** The call is over and the backend waits for nothing: the session may serve the same caller again. */
    public void giveBack() {
        if (ended.compareAndSet(false, true)) {
            pool.takeBack(key, lent);
        }
    }

    /** The call was broken off: what it left behind must not meet another, so the session ends. */
    public void discard() {
        if (ended.compareAndSet(false, true)) {
            pool.end(lent);
        }
    }
}
