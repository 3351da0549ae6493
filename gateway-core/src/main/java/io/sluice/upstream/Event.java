package io.sluice.upstream;

import java.time.Duration;

/** One thing that arrived on the event stream of a call. */
public sealed interface Event {
    /**
     * A JSON-RPC message: a notification, a request of the backend's, or the response, after which the stream
     * completes.
     */
    record Message(byte[] json) implements Event {}

    /** A sign of life without content. */
    record Comment() implements Event {
        public static final Comment INSTANCE = new Comment();
    }

    /**
     * The backend closed the connection in the middle of a legacy call and lets it go on (SEP-1699). The stream takes
     * itself up again after {@code retry}; a caller that wants to free its client's connection meanwhile may.
     */
    record Paused(Duration retry) implements Event {}
}
