package io.sluice.wire;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.envelope.Patch;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Requests as they go on the wire. */
public final class RequestBytes {
    private static final byte[] VERSION = " HTTP/1.1\r\n".getBytes(US_ASCII);

    private RequestBytes() {}

    /**
     * Head and body in one buffer, which the caller releases. The socket would copy a body on the heap in any case.
     *
     * @param headers of which names and values have been checked when they were set
     */
    public static ByteBuf of(HttpMethod method, String target, HeaderLines headers, byte @Nullable [] body) {
        HeadBytes head = head(method, target, headers);
        return body == null
                ? head.toBuffer(ByteBufAllocator.DEFAULT, 0)
                : head.toBuffer(ByteBufAllocator.DEFAULT, body.length).writeBytes(body);
    }

    /** The same with a body that stays where it is: a buffer of several parts. */
    public static ByteBuf of(HttpMethod method, String target, HeaderLines headers, Patch body) {
        List<ByteBuf> parts = new ArrayList<>();
        parts.add(head(method, target, headers).toBuffer(ByteBufAllocator.DEFAULT, 0));
        try {
            body.toParts(parts);
        } catch (RuntimeException gone) {
            parts.forEach(ByteBuf::release);
            throw gone;
        }
        return ByteBufAllocator.DEFAULT.compositeBuffer(parts.size()).addComponents(true, parts);
    }

    private static HeadBytes head(HttpMethod method, String target, HeaderLines headers) {
        HeadBytes head = HeadBytes.begin()
                .text(method.asciiName())
                .text(" ")
                .text(target)
                .bytes(VERSION);
        for (int i = 0; i < headers.size(); i++) {
            head.line(headers.name(i), headers.value(i));
        }
        return head.lineEnd();
    }
}
