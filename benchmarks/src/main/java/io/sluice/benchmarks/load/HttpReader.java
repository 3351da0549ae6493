package io.sluice.benchmarks.load;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * Reads HTTP/1.1 messages of one connection, one after the other, with as little work as possible: it shares its core with what is measured against. Trusts its peer. Not for use by two threads.
 */
final class HttpReader {
    private byte[] bytes;
    private int end;
    private int headEnd = -1;
    private int bodyEnd;
    private int contentLength;
    private boolean chunked;

    /** Where the next chunk's size line starts; what is before it down to {@link #headEnd} is decoded. */
    private int chunkAt;

    /** Where the decoded body ends, as chunks move together. */
    private int decodedEnd;

    private long firstByteNanos;

    HttpReader() {
        this(1 << 14);
    }

    /** @param bytes that there is room for at first */
    HttpReader(int bytes) {
        this.bytes = new byte[bytes];
    }

    /** Takes all of {@code in}; its releasing stays with the caller. */
    void add(ByteBuf in) {
        int more = in.readableBytes();
        if (end + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(end + more, 2 * bytes.length));
        }
        if (end == 0) {
            firstByteNanos = System.nanoTime();
        }
        in.readBytes(bytes, end, more);
        end += more;
    }

    /** Whether a whole message is there; then the accessors speak of it until {@link #next}. */
    boolean whole() {
        if (headEnd < 0 && !findHead()) {
            return false;
        }
        if (!chunked) {
            decodedEnd = Math.min(end, headEnd + contentLength);
            bodyEnd = headEnd + contentLength;
            return end >= bodyEnd;
        }
        return decodeChunks();
    }

    private boolean findHead() {
        for (int i = 3; i < end; i++) {
            if (bytes[i] == '\n' && bytes[i - 1] == '\r' && bytes[i - 2] == '\n' && bytes[i - 3] == '\r') {
                headEnd = i + 1;
                break;
            }
        }
        if (headEnd < 0) {
            return false;
        }
        chunked = find("transfer-encoding: chunked") >= 0;
        int length = find("content-length:");
        contentLength = length < 0 ? 0 : number(length + "content-length:".length());
        chunkAt = headEnd;
        decodedEnd = headEnd;
        return true;
    }

    private boolean decodeChunks() {
        while (true) {
            int line = lineEnd(chunkAt);
            if (line < 0) {
                return false;
            }
            int size = Integer.parseInt(
                    new String(bytes, chunkAt, line - chunkAt, StandardCharsets.ISO_8859_1).trim(), 16);
            int next = line + 2 + size + 2;
            if (next > end) {
                return false;
            }
            System.arraycopy(bytes, line + 2, bytes, decodedEnd, size);
            decodedEnd += size;
            chunkAt = next;
            if (size == 0) {
                bodyEnd = next;
                return true;
            }
        }
    }

    private int lineEnd(int from) {
        for (int i = from; i + 1 < end; i++) {
            if (bytes[i] == '\r' && bytes[i + 1] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private int number(int from) {
        int i = from;
        while (bytes[i] == ' ') {
            i++;
        }
        int value = 0;
        while (bytes[i] >= '0' && bytes[i] <= '9') {
            value = value * 10 + bytes[i++] - '0';
        }
        return value;
    }

    /** Where a lower-case text stands in the head, in whatever case; -1 if nowhere. */
    private int find(String text) {
        int first = text.charAt(0);
        for (int i = 0; i + text.length() <= headEnd; i++) {
            if (lower(bytes[i]) == first) {
                int k = 1;
                while (k < text.length() && lower(bytes[i + k]) == text.charAt(k)) {
                    k++;
                }
                if (k == text.length()) {
                    return i;
                }
            }
        }
        return -1;
    }

    private static int lower(byte b) {
        return b >= 'A' && b <= 'Z' ? b + 32 : b;
    }

    int status() {
        return number(9);
    }

    /** When the first byte of the message arrived. */
    long firstByteNanos() {
        return firstByteNanos;
    }

    /** Whether the head begins with the text. */
    boolean begins(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (bytes[i] != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** The target of a request. */
    String path() {
        int from = 0;
        while (bytes[from] != ' ') {
            from++;
        }
        int to = from + 1;
        while (bytes[to] != ' ') {
            to++;
        }
        return new String(bytes, from + 1, to - from - 1, StandardCharsets.ISO_8859_1);
    }

    /** A header's value, or empty. */
    String header(String name) {
        int at = find("\n" + name.toLowerCase(Locale.ROOT) + ":");
        if (at < 0) {
            return "";
        }
        int from = at + name.length() + 2;
        return new String(bytes, from, lineEnd(from) - from, StandardCharsets.ISO_8859_1).trim();
    }

    int bodyLength() {
        return decodedEnd - headEnd;
    }

    /** Where the text stands in the body, counted from its start; -1 if nowhere. */
    int indexOf(byte[] text, int from) {
        int last = decodedEnd - text.length;
        for (int i = headEnd + from; i <= last; i++) {
            if (bytes[i] == text[0] && Arrays.equals(bytes, i, i + text.length, text, 0, text.length)) {
                return i - headEnd;
            }
        }
        return -1;
    }

    byte bodyAt(int at) {
        return bytes[headEnd + at];
    }

    String body() {
        return new String(bytes, headEnd, decodedEnd - headEnd, StandardCharsets.UTF_8);
    }

    String text(int from, int to) {
        return new String(bytes, headEnd + from, to - from, StandardCharsets.UTF_8);
    }

    /** Lets go of the message; what follows it stays. */
    void next() {
        System.arraycopy(bytes, bodyEnd, bytes, 0, end - bodyEnd);
        end -= bodyEnd;
        headEnd = -1;
        chunked = false;
        if (end > 0) {
            firstByteNanos = System.nanoTime();
        }
    }
}
