package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.util.ByteProcessor;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code text/event-stream} from buffers cut anywhere: inside a line end, a character, the byte order mark.
 * Follows the WHATWG HTML standard, <em>Interpreting an event stream</em>, with two differences: comments are
 * reported, because they show that somebody is there, and an event that has an id but no data is reported too, because
 * SEP-1699 primes with it. An event that the end of the stream cuts off is dropped, as the standard says.
 *
 * <p>Used by one thread at a time. Keeps one event at most, and that no longer than {@code maxEventBytes}.
 */
public final class SseReader {
    private static final byte LF = '\n';
    private static final byte CR = '\r';
    private static final int LONGEST_FIELD_NAME = 64;

    private final int maxEventBytes;
    private final Bytes line = new Bytes();
    private final Bytes data = new Bytes();
    private boolean anyData;
    private boolean anyId;
    private String type = "";
    private @Nullable String lastId;
    private boolean skipLineFeed;
    private boolean started;

    /** @param maxEventBytes the longest event that is read */
    public SseReader(int maxEventBytes) {
        this.maxEventBytes = maxEventBytes;
    }

    /** The id to resume after, or null while the stream gave none. */
    @Nullable
    String lastId() {
        return lastId;
    }

    /**
     * Reads everything in {@code chunk}, which stays the caller's to release.
     *
     * @return what the chunk completed, in order; often nothing
     * @throws EventTooLargeException when an event is longer than allowed; the reader is of no use after that
     */
    public List<SseItem> read(ByteBuf chunk) {
        List<SseItem> found = new ArrayList<>(2);
        int at = chunk.readerIndex();
        int end = chunk.writerIndex();
        while (at < end) {
            if (skipLineFeed) {
                skipLineFeed = false;
                if (chunk.getByte(at) == LF) {
                    at++;
                    continue;
                }
            }
            int stop = chunk.forEachByte(at, end - at, ByteProcessor.FIND_CRLF);
            int lineEnd = stop < 0 ? end : stop;
            line.append(chunk, at, lineEnd - at);
            if (line.size + data.size > maxEventBytes + LONGEST_FIELD_NAME) {
                throw new EventTooLargeException(maxEventBytes);
            }
            if (stop < 0) {
                break;
            }
            skipLineFeed = chunk.getByte(stop) == CR;
            at = stop + 1;
            endLine(found);
        }
        chunk.readerIndex(end);
        return found;
    }

    private void endLine(List<SseItem> found) {
        int from = 0;
        if (!started) {
            started = true;
            from = line.startsWithByteOrderMark() ? 3 : 0;
        }
        if (line.size == from) {
            dispatch(found);
        } else if (line.array[from] == ':') {
            found.add(SseItem.Comment.INSTANCE);
        } else {
            field(from, found);
        }
        line.clear();
    }

    private void field(int from, List<SseItem> found) {
        int colon = line.indexOf((byte) ':', from);
        int nameEnd = colon < 0 ? line.size : colon;
        int valueStart = colon < 0 ? line.size : colon + 1;
        if (valueStart < line.size && line.array[valueStart] == ' ') {
            valueStart++;
        }
        switch (line.text(from, Math.min(nameEnd, from + LONGEST_FIELD_NAME))) {
            case "data" -> {
                if (anyData) {
                    data.append(LF);
                }
                data.append(line.array, valueStart, line.size - valueStart);
                anyData = true;
            }
            case "event" -> type = line.text(valueStart, line.size);
            case "id" -> {
                if (line.indexOf((byte) 0, valueStart) < 0) {
                    lastId = line.text(valueStart, line.size);
                    anyId = true;
                }
            }
            case "retry" -> retry(line.text(valueStart, line.size), found);
            default -> {} // the standard: other fields are ignored
        }
    }

    private static void retry(String value, List<SseItem> found) {
        if (!value.isEmpty() && value.length() <= 12 && value.chars().allMatch(c -> c >= '0' && c <= '9')) {
            found.add(new SseItem.Retry(Duration.ofMillis(Long.parseLong(value))));
        }
    }

    private void dispatch(List<SseItem> found) {
        if (anyData || anyId) {
            found.add(new SseItem.Dispatched(lastId, type, anyData ? data.copy() : null));
        }
        data.clear();
        anyData = false;
        anyId = false;
        type = "";
    }

    /** An event exceeded what this gateway is willing to hold. */
    static final class EventTooLargeException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        EventTooLargeException(int maxEventBytes) {
            super("an event of its stream is longer than " + maxEventBytes + " bytes", null, false, false);
        }
    }

    /** A growing array that gives its memory back after something large. */
    private static final class Bytes {
        private static final int KEPT = 64 * 1024;
        private byte[] array = new byte[256];
        private int size;

        void append(ByteBuf source, int at, int length) {
            room(length);
            source.getBytes(at, array, size, length);
            size += length;
        }

        void append(byte[] source, int at, int length) {
            room(length);
            System.arraycopy(source, at, array, size, length);
            size += length;
        }

        void append(byte one) {
            room(1);
            array[size++] = one;
        }

        private void room(int more) {
            if (size + more > array.length) {
                array = Arrays.copyOf(array, Math.max(size + more, array.length * 2));
            }
        }

        int indexOf(byte wanted, int from) {
            for (int i = from; i < size; i++) {
                if (array[i] == wanted) {
                    return i;
                }
            }
            return -1;
        }

        boolean startsWithByteOrderMark() {
            return size >= 3 && array[0] == (byte) 0xEF && array[1] == (byte) 0xBB && array[2] == (byte) 0xBF;
        }

        String text(int from, int to) {
            return new String(array, from, to - from, StandardCharsets.UTF_8);
        }

        byte[] copy() {
            return Arrays.copyOf(array, size);
        }

        void clear() {
            size = 0;
            if (array.length > KEPT) {
                array = new byte[256];
            }
        }
    }
}
