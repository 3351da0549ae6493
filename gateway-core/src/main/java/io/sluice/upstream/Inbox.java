package io.sluice.upstream;

import io.sluice.envelope.Envelope;

/**
 * Takes what a backend says on the GET stream of a dedicated session. Called by one thread at a time, which must not
 * be held up.
 */
public interface Inbox {
    /** A request or notification that belongs to no running call. Pings have been answered and do not arrive. */
    void onMessage(byte[] json, Envelope envelope);

    /** Nothing will arrive any more: the session was closed or lost, or the backend has no such stream. Called once. */
    void onClosed();
}
