package io.sluice.upstream;

import io.sluice.guard.Priority;
import io.sluice.guard.Resting;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * On what terms a request travels.
 *
 * @param own whether it is the gateway's own, which no breaker stops or counts
 * @param safe whether making it twice does no harm
 * @param hedged whether a second attempt may be made while the first is still under way
 * @param affinity what calls that should go to the same endpoint have in common; 0 for nothing
 * @param timeout longest wait for the answer to begin and between its parts; null for the backend's
 * @param resting told of the call's place; null for a call that needs it to its end
 * @param limit until when the answer must be there; null for none
 */
public record Terms(
        boolean own,
        Priority priority,
        boolean safe,
        boolean hedged,
        long affinity,
        @Nullable Duration timeout,
        @Nullable Resting resting,
        @Nullable TimeLimit limit) {
    public Terms(
            boolean own,
            Priority priority,
            boolean safe,
            boolean hedged,
            long affinity,
            @Nullable Duration timeout,
            @Nullable TimeLimit limit) {
        this(own, priority, safe, hedged, affinity, timeout, null, limit);
    }

    /** The same for a call that will rest at times. */
    public Terms with(Resting rests) {
        return new Terms(own, priority, safe, hedged, affinity, timeout, rests, limit);
    }

    /** The same for a request that continues the call after its client was asked something: with its whole time. */
    public Terms renewed() {
        return limit == null
                ? this
                : new Terms(own, priority, safe, hedged, affinity, timeout, resting, limit.from(System.nanoTime()));
    }

    /** The gateway's own requests. */
    static final Terms OWN = new Terms(true, Priority.INTERACTIVE, false, false, 0, null, null);

    /** A call of somebody who waits, to be made once. */
    public static final Terms ONCE = new Terms(false, Priority.INTERACTIVE, false, false, 0, null, null);
}
