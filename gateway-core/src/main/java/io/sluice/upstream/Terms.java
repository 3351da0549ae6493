package io.sluice.upstream;

import io.sluice.guard.Priority;
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
 */
public record Terms(
        boolean own,
        Priority priority,
        boolean safe,
        boolean hedged,
        long affinity,
        @Nullable Duration timeout) {
    /** The gateway's own requests. */
    static final Terms OWN = new Terms(true, Priority.INTERACTIVE, false, false, 0, null);

    /** A call of somebody who waits, to be made once. */
    public static final Terms ONCE = new Terms(false, Priority.INTERACTIVE, false, false, 0, null);
}
