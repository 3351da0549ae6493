package io.sluice.catalog;

import io.sluice.protocol.McpMethod;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * How long what a backend said of itself is still good, of what it promised when it was last asked. It stays the same
 * object while the lists themselves do, so that to hear the same again costs no new catalog. Written by whoever reads
 * the lists, read by everybody who answers with them.
 */
@SuppressWarnings("EnumOrdinal") // an index into an array of this process, never written down
public final class Freshness {
    /** Of lists of which nothing is known but the life that stands in their {@link Listing}. */
    public static final Freshness STEADY = new Freshness(() -> 0);

    private static final long UNTOLD = Long.MAX_VALUE;

    private final LongSupplier nanos;
    private final long origin;
    private final AtomicLongArray untilNanos = new AtomicLongArray(McpMethod.values().length);

    /** @param nanos a clock as {@link System#nanoTime} */
    public Freshness(LongSupplier nanos) {
        this(nanos, nanos.getAsLong());
        forget();
    }

    private Freshness(LongSupplier nanos, long origin) {
        this.nanos = nanos;
        this.origin = origin;
    }

    /**
     * Of the lists that come after these: begins with the same promises and goes its own way from there, so that what is
     * promised of the next lists is not said of these, which may be answered with for a while.
     */
    public Freshness successor() {
        Freshness next = new Freshness(nanos, origin);
        for (int i = 0; i < untilNanos.length(); i++) {
            next.untilNanos.set(i, untilNanos.get(i));
        }
        return next;
    }

    /** Nothing was ever promised: the backend is of the legacy era, or was never reached. */
    public void forget() {
        for (McpMethod method : McpMethod.values()) {
            forget(method);
        }
    }

    /** Nothing is promised of this: the backend does not offer it. */
    public void forget(McpMethod method) {
        untilNanos.set(method.ordinal(), UNTOLD);
    }

    /**
     * The backend answered.
     *
     * @param method a list method or {@code server/discover}
     * @param askedNanos when it was asked; its answer may be as old as that
     * @param ttl what it promised then
     */
    public void renew(McpMethod method, long askedNanos, Duration ttl) {
        long life = TimeUnit.MILLISECONDS.toNanos(ttl.toMillis());
        long asked = askedNanos - origin;
        untilNanos.set(method.ordinal(), life > UNTOLD - 1 - asked ? UNTOLD - 1 : asked + life);
    }

    /** What is left of the promise in milliseconds, 0 once it is over; the longest time there is when there was none. */
    long leftMillis(McpMethod method) {
        long until = untilNanos.get(method.ordinal());
        return until == UNTOLD
                ? Long.MAX_VALUE
                : Math.max(0, TimeUnit.NANOSECONDS.toMillis(until - (nanos.getAsLong() - origin)));
    }
}
