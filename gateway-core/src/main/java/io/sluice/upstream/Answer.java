package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.sluice.registry.Endpoint;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The head of an answer, with what its body comes on: exactly one of the methods that read or discard it must be used. */
abstract class Answer {
    abstract int status();

    abstract Endpoint endpoint();

    abstract @Nullable String header(CharSequence name);

    /** The media type in lower case without parameters, or empty. */
    String mediaType() {
        String type = header(HttpHeaderNames.CONTENT_TYPE);
        if (type == null) {
            return "";
        }
        int semicolon = type.indexOf(';');
        return (semicolon < 0 ? type : type.substring(0, semicolon)).trim().toLowerCase(Locale.ROOT);
    }

    boolean isSuccess() {
        return status() >= 200 && status() < 300;
    }

    boolean isEventStream() {
        return isSuccess() && mediaType().equals(MediaTypes.EVENT_STREAM);
    }

    boolean isEmpty() {
        return status() == 202 || status() == 204 || "0".equals(header(HttpHeaderNames.CONTENT_LENGTH));
    }

    /** A missing type is taken for JSON, whose reader will say what it thinks of the bytes. */
    boolean isJson() {
        String type = mediaType();
        return type.equals(MediaTypes.JSON) || type.endsWith("+json") || type.isEmpty();
    }

    /**
     * The body as it arrives; the subscriber releases the buffers, and cancelling closes the connection. A small one
     * is gathered on the heap, so that nothing is left to release when its subscriber or its sender breaks off.
     */
    abstract Flux<ByteBuf> body();

    /** Whether the body comes as one buffer. */
    abstract boolean isSmall();

    /** The whole body, refused when it is larger than {@code maxBytes}. */
    abstract Mono<byte[]> bytes(int maxBytes);

    /**
     * The body as an event stream. An idle one may stay so for as long as it likes: its time limit is lifted.
     *
     * @param answered whether the exchange has served its purpose, so that cancelling may let it end by itself and
     *     keep the connection
     */
    abstract Flux<SseItem> items(SseReader reader, BooleanSupplier answered);

    abstract Mono<Reply.Refused> refused();

    /** Reads and drops a body that is expected to be empty, without anybody waiting for it. */
    abstract void drop();

    abstract void close();
}
