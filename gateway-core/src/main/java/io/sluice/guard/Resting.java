package io.sluice.guard;

import org.jspecify.annotations.Nullable;

/**
 * Lets a call that waits for its own client, not for its backend, give its place to others for as long as that takes.
 * Safe for use by many threads.
 */
public final class Resting {
    private @Nullable Permit permit;
    private boolean rests;

    /** The call was let in. */
    public synchronized void holds(Permit granted) {
        permit = granted;
        if (rests) {
            granted.rest(System.nanoTime());
        }
    }

    /** From now on it needs no place. */
    public synchronized void begin() {
        rests = true;
        if (permit != null) {
            permit.rest(System.nanoTime());
        }
    }

    /** It goes on, whether or not there is a place: its backend has begun it, and nobody else can. */
    public synchronized void end() {
        rests = false;
        if (permit != null) {
            permit.resume(System.nanoTime());
        }
    }
}
