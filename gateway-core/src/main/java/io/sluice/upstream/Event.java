package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One thing that arrived on the event stream of a call. */
public sealed interface Event {
    /**
     * A JSON-RPC message: a notification, a request of the backend's, or the response, after which the stream
     * completes.
     *
     * @param read the same as it was read, if it was
     */
    record Message(byte[] json, @Nullable Envelope read) implements Event {
        public Message(byte[] json) {
            this(json, null);
        }

        public Message(Envelope message) {
            this(message.body(), message);
        }
    }

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
