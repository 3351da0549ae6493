package io.sluice.listener;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.sluice.wire.HeadBytes;
import io.sluice.wire.HeaderLines;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers as they go on the wire: head and body in one buffer, unless the body is large. */
final class WholeAnswer {
    private static final String JSON = "application/json";
    private static final byte[] JSON_OK =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ".getBytes(US_ASCII);
    private static final byte[] CHUNKED_OK =
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: ".getBytes(US_ASCII);
    private static final byte[] LAST_CHUNK = "0\r\n\r\n".getBytes(US_ASCII);
    private static final byte[] CLOSE = "connection: close\r\n".getBytes(US_ASCII);

    /** Up to this size one copy is cheaper than a write of two buffers. */
    private static final int COPIED_BYTES = 16 * 1024;

    private static final int LINE_END = '\r' << 8 | '\n';

    private WholeAnswer() {}

    /**
     * The head, and the body behind it if that is small; then it was read from {@code body}. To be released by the caller.
     *
     * @param type of the content; null when there is none
     * @param body stays the caller's
     * @param last whether the connection ends with it
     * @throws IllegalArgumentException when a header is none
     */
    static ByteBuf of(
            ByteBufAllocator allocator,
            int status,
            Map<String, String> headers,
            @Nullable String type,
            ByteBuf body,
            boolean last) {
        HeaderLines lines = lines(headers, JSON.equals(type) && status == 200 ? null : type);
        int length = body.readableBytes();
        HeadBytes head = HeadBytes.begin();
        if (JSON.equals(type) && status == 200) {
            head.bytes(JSON_OK).number(length).lineEnd();
        } else {
            String reason = HttpResponseStatus.valueOf(status).reasonPhrase();
            head.text("HTTP/1.1 ").number(status).text(" ").text(reason).lineEnd();
            if (status != 204) {
                head.text("content-length: ").number(length).lineEnd();
            }
        }
        for (int i = 0; lines != null && i < lines.size(); i++) {
            head.line(lines.name(i), lines.value(i));
        }
        if (last) {
            head.bytes(CLOSE);
        }
        head.lineEnd();
        return length <= COPIED_BYTES ? head.toBuffer(allocator, length).writeBytes(body) : head.toBuffer(allocator, 0);
    }

    /** The head of an answer of status 200 whose body comes in chunks. To be released by the caller, as what the next two return. */
    static ByteBuf begun(ByteBufAllocator allocator, String type, boolean last) {
        HeadBytes head = HeadBytes.begin().bytes(CHUNKED_OK).text(type).lineEnd();
        if (last) {
            head.bytes(CLOSE);
        }
        return head.lineEnd().toBuffer(allocator, 0);
    }

    /** What stands before a chunk of so many bytes: the end of the one before, unless this is the first, and its size. */
    static ByteBuf chunk(ByteBufAllocator allocator, int bytes, boolean first) {
        ByteBuf out = allocator.directBuffer(16);
        if (!first) {
            out.writeShort(LINE_END);
        }
        ByteBufUtil.writeAscii(out, Integer.toHexString(bytes));
        return out.writeShort(LINE_END);
    }

    /** What stands behind the last chunk. */
    static ByteBuf lastChunk(ByteBufAllocator allocator, boolean first) {
        ByteBuf out = allocator.directBuffer(8);
        if (!first) {
            out.writeShort(LINE_END);
        }
        return out.writeBytes(LAST_CHUNK);
    }

    private static @Nullable HeaderLines lines(Map<String, String> headers, @Nullable String type) {
        if (headers.isEmpty() && type == null) {
            return null;
        }
        HeaderLines lines = new HeaderLines();
        headers.forEach(lines::set);
        if (type != null) {
            lines.set("content-type", type);
        }
        return lines;
    }
}
