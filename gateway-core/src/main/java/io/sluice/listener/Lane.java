package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.AttributeKey;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.netty.http.server.HttpServerRequest;

/**
 * A short way for requests that can be decided without waiting, beside the {@link HttpHandler}. It is asked only about
 * requests that arrived whole and that the listener would let through, and may say no to any of them, or take one and
 * hand it over later: the handler then goes on with what has {@linkplain Begun begun}. So the short way needs to know
 * the common case only, and everything else is answered in one place.
 */
@FunctionalInterface
public interface Lane {
    /** Largest body that the lane is asked about. */
    int MAX_BODY_BYTES = 64 * 1024;

    /**
     * Takes a request, or says no with null and has done nothing. Called on the event loop of the connection; must not
     * block. {@code turn} may be used before this returns.
     *
     * @param body the whole body, which stays the caller's
     */
    @Nullable
    Ride take(HttpRequest request, ByteBuf body, Turn turn);

    /** A request that was taken: exactly one of the first two methods is to be called, on the event loop. */
    interface Turn {
        /**
         * Answers with a whole body.
         *
         * @param type of the content; null when there is none
         * @param body not to be written to afterwards
         */
        default void answer(int status, Map<String, String> headers, @Nullable String type, byte[] body) {
            answer(status, headers, type, Unpooled.wrappedBuffer(body));
        }

        /** As the other form, of a buffer that is released here. */
        void answer(int status, Map<String, String> headers, @Nullable String type, ByteBuf body);

        /** Begins an answer of status 200 that comes in parts. */
        Body begin(String type);

        /** Has the handler answer. */
        void handOver(Begun begun);

        EventLoop eventLoop();
    }

    /** An answer that comes in parts. On the event loop; nothing happens any more once the client has left. */
    interface Body {
        /** @param part released by this; leaves with the next flush, or before when much has gathered */
        void write(ByteBuf part);

        void flush();

        /** All was written: flushes it. */
        void end();

        /** The rest is not to be had: closes the connection, which says so. */
        void cut();
    }

    /** What the listener tells about a request that was taken; on the event loop, and never after it was answered or handed over. */
    interface Ride {
        /** The client is gone. */
        void left();

        /** It has taken long enough: to be handed over now. Not told of an answer that has begun. */
        void handOver();

        /**
         * Of an answer that has begun: whether the client takes what is written. While it does not, no more should be
         * fetched.
         */
        default void flowing(boolean takes) {}
    }

    /** A request that is handed over half done. */
    interface Begun {
        /** Nobody will go on with it. */
        void abandon();
    }

    /** What had begun of a request that came by way of the lane, for the handler to go on with; given out once. */
    static @Nullable Begun begun(HttpServerRequest request) {
        @Nullable Begun[] found = new @Nullable Begun[1];
        request.withConnection(connection -> found[0] = take(connection.channel()));
        return found[0];
    }

    private static @Nullable Begun take(Channel channel) {
        return channel.hasAttr(Attribute.BEGUN) ? channel.attr(Attribute.BEGUN).getAndSet(null) : null;
    }

    /** Where it waits for the handler, for the time of one call. */
    final class Attribute {
        static final AttributeKey<Begun> BEGUN = AttributeKey.valueOf(Lane.class, "begun");

        private Attribute() {}
    }
}
