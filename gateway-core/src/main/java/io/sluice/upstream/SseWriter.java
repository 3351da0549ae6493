package io.sluice.upstream;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Frames messages as {@code text/event-stream}. The arrays returned are the caller's. */
public final class SseWriter {
    private static final byte[] COMMENT = ":\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] EVENT = "event: message\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ID = "id: ".getBytes(StandardCharsets.US_ASCII);

    private SseWriter() {}

    /**
     * One event. Line ends inside the JSON, which can only be white space between tokens, become blanks, so the
     * message stays one {@code data} line.
     *
     * @param id visible ASCII, or null for none
     * @param json one message; empty for a priming event (SEP-1699)
     */
    public static byte[] event(@Nullable String id, byte[] json) {
        byte[] idBytes = id == null ? new byte[0] : id.getBytes(StandardCharsets.US_ASCII);
        boolean named = json.length > 0;
        int length = (id == null ? 0 : ID.length + idBytes.length + 1)
                + (named ? EVENT.length : 0)
                + DATA.length
                + json.length
                + 2;
        byte[] frame = new byte[length];
        int at = 0;
        if (named) {
            at = put(frame, at, EVENT);
        }
        if (id != null) {
            at = put(frame, at, ID);
            at = put(frame, at, idBytes);
            frame[at++] = '\n';
        }
        at = put(frame, at, DATA);
        for (byte b : json) {
            frame[at++] = b == '\n' || b == '\r' ? (byte) ' ' : b;
        }
        frame[at++] = '\n';
        frame[at] = '\n';
        return frame;
    }

    /** A line that says nothing but that the connection lives. */
    public static byte[] comment() {
        return COMMENT.clone();
    }

    /** Asks the reader to wait this long before it connects again. */
    public static byte[] retry(Duration after) {
        return ("retry: " + after.toMillis() + "\n\n").getBytes(StandardCharsets.US_ASCII);
    }

    private static int put(byte[] frame, int at, byte[] part) {
        System.arraycopy(part, 0, frame, at, part.length);
        return at + part.length;
    }
}
