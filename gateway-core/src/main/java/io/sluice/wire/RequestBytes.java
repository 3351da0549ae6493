package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.envelope.Patch;
import java.util.ArrayList;
import java.util.List;
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
        ByteBuf buffer = head(method, target, headers, body == null ? 0 : body.length);
        return body == null ? buffer : buffer.writeBytes(body);
    }

    /** The same with a body that stays where it is: a buffer of several parts. */
    public static ByteBuf of(HttpMethod method, String target, HeaderLines headers, Patch body) {
        List<ByteBuf> parts = new ArrayList<>();
        parts.add(head(method, target, headers, 0));
        try {
            body.toParts(parts);
        } catch (RuntimeException gone) {
            parts.forEach(ByteBuf::release);
            throw gone;
        }
        return ByteBufAllocator.DEFAULT.compositeBuffer(parts.size()).addComponents(true, parts);
    }

    private static ByteBuf head(HttpMethod method, String target, HeaderLines headers, int bodyBytes) {
        ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(HEAD_BYTES + bodyBytes);
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
        return buffer.writeShort(LINE_END);
    }

    /** What is not ISO-8859-1 becomes a question mark, as everywhere in Netty. */
    private static void ascii(ByteBuf buffer, CharSequence text) {
        ByteBufUtil.writeAscii(buffer, text);
    }
}
