package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.HttpMethod;
import org.jspecify.annotations.Nullable;

/** Requests as they go on the wire. */
public final class RequestBytes {
    private static final int HEAD_BYTES = 512;
    private static final int COLON = ':' << 8 | ' ';
    private static final int LINE_END = '\r' << 8 | '\n';

    private RequestBytes() {}

    /**
     * Head and body in one buffer, which the caller releases. The socket would copy a body on the heap in any case.
     *
     * @param headers of which names and values have been checked when they were set
     */
    public static ByteBuf of(HttpMethod method, String target, HeaderLines headers, byte @Nullable [] body) {
        ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(HEAD_BYTES + (body == null ? 0 : body.length));
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
        return body == null ? buffer : buffer.writeBytes(body);
    }

    /** What is not ISO-8859-1 becomes a question mark, as everywhere in Netty. */
    private static void ascii(ByteBuf buffer, CharSequence text) {
        ByteBufUtil.writeAscii(buffer, text);
    }
}
