package io.sluice.adapter;

import io.sluice.envelope.Envelope;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A backend that is not reached by Streamable HTTP: a process, an older transport, a plain HTTP service, a part of the gateway itself. It is asked what such a server would be asked, message by
 * message, and answers in the same shapes; which eras it speaks shows in how it answers {@code server/discover} and {@code initialize}. Safe for use by many threads; never blocks the caller's.
 *
 * <p>What goes wrong is a {@link io.sluice.rejection.Rejection.BackendFailure} with a sentence, on the {@code Mono} or, once messages flow, on their {@code Flux}.
 */
public interface Adapter {
    /**
     * One message for the backend: a request, a notification or a response. Cancelling before the outcome, or while its messages flow, means that nobody waits for the answer any more.
     */
    Mono<Outcome> post(Post post);

    /** Opens the stream of messages that belong to no request, for legacy revisions. */
    default Mono<Outcome> stream(@Nullable String session) {
        return Mono.just(Outcome.Refused.NO_SUCH_STREAM);
    }

    /** Ends a legacy session. */
    default Mono<Void> end(String session) {
        return Mono.empty();
    }

    /** What an operator wants to see, such as the last words of a process, as lines of text; empty when there is nothing to say. */
    default Optional<String> remarks() {
        return Optional.empty();
    }

    /** Frees everything. What is under way may finish within a few seconds; completes when all is gone and never fails. */
    Mono<Void> close();

    /**
     * @param message the message; its bytes are not to be changed
     * @param session the session it belongs to, as the adapter named it in an earlier {@link Outcome.Message}
     * @param traceparent W3C trace context of this hop, or null
     */
    record Post(
            Envelope message,
            @Nullable String session,
            @Nullable String traceparent) {
        public static Post of(Envelope message) {
            return new Post(message, null, null);
        }
    }

    /** What came of it. */
    sealed interface Outcome {
        /**
         * The response, whole.
         *
         * @param session the id of the legacy session that {@code initialize} opened, or null when none is kept
         */
        @SuppressWarnings("ArrayRecordComponent") // never compared
        record Message(byte[] json, @Nullable String session) implements Outcome {
            public static Message of(byte[] json) {
                return new Message(json, null);
            }
        }

        /** Messages as they come: for a request up to its response, for a stream until it ends. Subscribed to once. */
        record Messages(Flux<byte[]> json) implements Outcome {}

        /** A notification or response was taken. */
        record Accepted() implements Outcome {
            public static final Accepted INSTANCE = new Accepted();
        }

        /**
         * What a server would say with a status of its own: 404 for a session it does not know, 405 for a stream it does not have.
         *
         * @param json a JSON-RPC error response, or empty
         */
        @SuppressWarnings("ArrayRecordComponent") // never compared
        record Refused(int status, byte[] json) implements Outcome {
            public static final Refused NO_SUCH_STREAM = new Refused(405, new byte[0]);
            public static final Refused NO_SUCH_SESSION = new Refused(404, new byte[0]);
        }
    }
}
