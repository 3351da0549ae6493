package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.util.ReferenceCountUtil;
import java.util.Map;
import reactor.core.publisher.Flux;

/**
 * What one POST brought. Whoever receives a {@link Json} or {@link Events} holds a connection of the backend's:
 * subscribe to it, once, or {@link #discard()} it. Cancelling the subscription closes the HTTP exchange at once, which
 * is how the modern era cancels a call.
 */
public sealed interface Reply {
    /** Gives up what has not been read. Needed only when the body is never subscribed to; harmless otherwise. */
    default void discard() {}

    /**
     * One JSON message.
     *
     * @param status 200, or another status under 300
     * @param body the bytes as they arrive; a body of known small length comes as one buffer. The subscriber releases
     *     the buffers. Fails with {@link io.sluice.rejection.Rejection.BackendFailure} when the backend breaks off or
     *     falls silent.
     * @param small whether the body comes as that one buffer
     */
    record Json(int status, Flux<ByteBuf> body, boolean small) implements Reply {
        public Json(int status, Flux<ByteBuf> body) {
            this(status, body, false);
        }

        @Override
        public void discard() {
            body.subscribe(ReferenceCountUtil::release, alreadyGone -> {}).dispose();
        }
    }

    /**
     * An event stream. Completes after the response to the request; fails with {@link
     * io.sluice.rejection.Rejection.BackendFailure} when the backend ends it before that.
     */
    record Events(Flux<Event> events) implements Reply {
        @Override
        public void discard() {
            events.subscribe(ignored -> {}, alreadyGone -> {}).dispose();
        }
    }

    /** Accepted without content: the answer to notifications and responses. */
    record Accepted() implements Reply {
        static final Accepted INSTANCE = new Accepted();
    }

    /**
     * Any other answer that is about the request: a 400, 404, 405 … (401, 403, 429 and 5xx are about the gateway or
     * the backend and come as errors instead).
     *
     * @param body at most 64 KiB of it
     * @param json whether the content type says JSON
     * @param headers {@code content-type}, {@code retry-after}, {@code www-authenticate} and {@code allow} where
     *     present, in lower case
     */
    record Refused(int status, byte[] body, boolean json, Map<String, String> headers) implements Reply {}
}
