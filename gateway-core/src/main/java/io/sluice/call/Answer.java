package io.sluice.call;

import io.netty.buffer.ByteBuf;
import java.util.Map;
import org.reactivestreams.Publisher;

/** What the client gets. */
public sealed interface Answer {
    /** Extra headers of the answer. */
    default Map<String, String> headers() {
        return Map.of();
    }

    /** One JSON document, whole. */
    record Message(int status, byte[] json, Map<String, String> headers, String contentType) implements Answer {
        public static Message of(byte[] json) {
            return new Message(200, json, Map.of(), "application/json");
        }

        public static Message of(int status, byte[] json) {
            return new Message(status, json, Map.of(), "application/json");
        }

        public Message with(String header, String value) {
            return new Message(status, json, Map.of(header, value), contentType);
        }
    }

    /** One JSON-RPC message whose bytes come as the backend sends them. The writer subscribes once and releases the buffers; cancelling reaches the backend. */
    record Relayed(int status, Publisher<ByteBuf> json) implements Answer {}

    /** A {@code text/event-stream}; each buffer is a whole frame and is flushed at once. Subscribed once. */
    record Events(Publisher<ByteBuf> frames) implements Answer {}

    /** No body. */
    record Empty(int status, Map<String, String> headers) implements Answer {
        public static final Empty ACCEPTED = new Empty(202, Map.of());
    }
}
