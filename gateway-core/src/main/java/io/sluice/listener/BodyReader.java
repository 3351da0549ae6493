package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.sluice.rejection.Rejection.BadHttp;
import java.util.Arrays;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** Reads a request's body into one array, as far as a limit. */
public final class BodyReader {
    private static final byte[] EMPTY = {};

    /** Memory follows what has arrived, not what a client announces. */
    private static final int FIRST_BYTES = 16 * 1024;

    private BodyReader() {}

    /**
     * The body, or an empty array where there is none. More than {@code maxBytes} ends in {@link BadHttp#tooLarge}, at
     * once if {@code Content-Length} says so. Every buffer is released, on error and cancel too. At most one subscriber.
     */
    public static Mono<byte[]> read(HttpServerRequest request, long maxBytes) {
        long announced = announced(request);
        if (announced > maxBytes) {
            return Mono.error(BadHttp.tooLarge(maxBytes));
        }
        return request.receive()
                .reduceWith(() -> new Gathered(maxBytes, announced), Gathered::add)
                .map(Gathered::bytes);
    }

    private static long announced(HttpServerRequest request) {
        String length = request.requestHeaders().get(HttpHeaderNames.CONTENT_LENGTH);
        // digits only: HeadRules has seen to it
        return length == null ? -1 : Long.parseLong(length);
    }

    private static final class Gathered {
        private final long maxBytes;
        private final long announced;
        private byte[] bytes = EMPTY;
        private int size;

        Gathered(long maxBytes, long announced) {
            this.maxBytes = maxBytes;
            this.announced = announced;
        }

        /** The buffer stays the caller's. */
        Gathered add(ByteBuf part) {
            int more = part.readableBytes();
            if (size + (long) more > maxBytes) {
                throw BadHttp.tooLarge(maxBytes);
            }
            if (size + more > bytes.length) {
                long exact = announced >= size + more ? announced : Long.MAX_VALUE;
                long generous = Math.max(size + (long) more, Math.max(FIRST_BYTES, 2L * bytes.length));
                bytes = Arrays.copyOf(bytes, (int) Math.min(exact, Math.min(generous, maxBytes)));
            }
            part.getBytes(part.readerIndex(), bytes, size, more);
            size += more;
            return this;
        }

        byte[] bytes() {
            return size == bytes.length ? bytes : Arrays.copyOf(bytes, size);
        }
    }
}
