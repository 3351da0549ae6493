package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpMethod;
import org.jspecify.annotations.Nullable;

/** Requests as they go on the wire. */
public final class RequestBytes {
    /** Up to this size one copy is cheaper than a write of several buffers. */
    private static final int COPIED_BYTES = 16 * 1024;

    private static final int HEAD_BYTES = 512;
    private static final int COLON = ':' << 8 | ' ';
    private static final int LINE_END = '\r' << 8 | '\n';

    private RequestBytes() {}

    /**
     * Head and body in one buffer, which the caller releases.
     *
     * @param headers of which names and values have been checked when they were set
     * @param body not to be written to afterwards
     */
    public static ByteBuf of(HttpMethod method, String target, HeaderLines headers, byte @Nullable [] body) {
        int copied = body != null && body.length <= COPIED_BYTES ? body.length : 0;
        ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(HEAD_BYTES + copied);
        ascii(buffer, method.name());
        buffer.writeByte(' ');
        ascii(buffer, target);
        ascii(buffer, " HTTP/1.1\r\n");
        for (int i = 0; i < headers.size(); i++) {
            ascii(buffer, headers.name(i));
            buffer.writeShort(COLON);
            ascii(buffer, headers.value(i));
            buffer.writeShort(LINE_END);
        }
        buffer.writeShort(LINE_END);
        if (body == null) {
            return buffer;
        }
        return copied == body.length
                ? buffer.writeBytes(body)
                : Unpooled.wrappedBuffer(buffer, Unpooled.wrappedBuffer(body));
    }

    /** What is not ISO-8859-1 becomes a question mark, as everywhere in Netty. */
    private static void ascii(ByteBuf buffer, CharSequence text) {
        ByteBufUtil.writeAscii(buffer, text);
    }
}
