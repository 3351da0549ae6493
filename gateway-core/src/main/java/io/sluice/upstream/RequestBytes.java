package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Requests as they go on the wire. */
final class RequestBytes {
    /** Up to this size one copy is cheaper than a write of several buffers. */
    private static final int COPIED_BYTES = 16 * 1024;

    private static final int HEAD_BYTES = 512;

    private RequestBytes() {}

    /**
     * Head and body in one buffer, which the caller releases.
     *
     * @param headers of which names and values have been checked when they were set
     * @param body not to be written to afterwards
     */
    static ByteBuf of(HttpMethod method, String target, HttpHeaders headers, byte @Nullable [] body) {
        boolean copied = body != null && body.length <= COPIED_BYTES;
        ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(HEAD_BYTES + (copied ? body.length : 0));
        ascii(buffer, method.name());
        buffer.writeByte(' ');
        ascii(buffer, target);
        ascii(buffer, " HTTP/1.1\r\n");
        Iterator<Map.Entry<CharSequence, CharSequence>> all = headers.iteratorCharSequence();
        while (all.hasNext()) {
            Map.Entry<CharSequence, CharSequence> header = all.next();
            ascii(buffer, header.getKey());
            ascii(buffer, ": ");
            ascii(buffer, header.getValue());
            ascii(buffer, "\r\n");
        }
        ascii(buffer, "\r\n");
        if (body == null) {
            return buffer;
        }
        return copied ? buffer.writeBytes(body) : Unpooled.wrappedBuffer(buffer, Unpooled.wrappedBuffer(body));
    }

    private static void ascii(ByteBuf buffer, CharSequence text) {
        buffer.writeCharSequence(text, StandardCharsets.ISO_8859_1);
    }
}
