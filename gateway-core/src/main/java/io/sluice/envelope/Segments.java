package io.sluice.envelope;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A large text in the buffers that it arrived in, so that it is read, and sent on, without a copy. Who makes one releases
 * it when nobody reads it any more; what was taken of it to be sent holds its buffers by itself until it is sent. Reading
 * what was released is an {@link IllegalStateException}.
 *
 * <p>Memory is at most a bit over twice the text, however it arrives: a piece much smaller than the buffer that a socket is
 * read into, which it would hold, is copied to others like it.
 *
 * <p>Safe for use by several threads, of which one adds.
 */
public final class Segments {
    /** A socket is read into buffers of at most twice this size. */
    private static final int WORTH_HOLDING = 32 * 1024;

    private static final int WINDOW_BYTES = 8 * 1024;

    private static final int SMALLEST_BUFFER = 4 * 1024;
    private static final int LARGEST_BUFFER = 64 * 1024;

    private final int worthHolding;

    /** How much of it a reader has in an array at a time. */
    final int windowBytes;

    private @Nullable ByteBuf[] parts = new ByteBuf[4];
    private int[] starts = new int[5]; // one more: where the last one ends
    private int count;

    /** Whether the last part is one that is copied to, and how much such parts in a row have. */
    private boolean gathering;

    private int gathered;
    private boolean released;

    public Segments() {
        this(WORTH_HOLDING, WINDOW_BYTES);
    }

    Segments(int worthHolding, int windowBytes) {
        this.worthHolding = worthHolding;
        this.windowBytes = windowBytes;
    }

    /** @param part stays the caller's; nothing is done with it after the release */
    public synchronized void add(ByteBuf part) {
        if (released || !part.isReadable()) {
            return;
        }
        int length = part.readableBytes();
        if (length >= worthHolding && part.nioBufferCount() == 1) {
            append(part.retainedSlice(), length);
            gathering = false;
            gathered = 0;
        } else {
            gather(part, length);
        }
    }

    private void gather(ByteBuf part, int length) {
        int from = part.readerIndex();
        int left = length;
        while (left > 0) {
            ByteBuf last = gathering ? parts[count - 1] : null;
            int room = last == null ? 0 : last.writableBytes();
            if (last == null || room == 0) {
                int size = Math.max(SMALLEST_BUFFER, Math.min(LARGEST_BUFFER, Math.max(gathered, left)));
                append(ByteBufAllocator.DEFAULT.directBuffer(size, size), 0);
                gathering = true;
                continue;
            }
            int more = Math.min(room, left);
            last.writeBytes(part, from, more);
            starts[count] += more;
            gathered += more;
            from += more;
            left -= more;
        }
    }

    private void append(ByteBuf part, int length) {
        if (count == parts.length) {
            parts = Arrays.copyOf(parts, count * 2);
            starts = Arrays.copyOf(starts, count * 2 + 1);
        }
        parts[count] = part;
        starts[count + 1] = starts[count] + length;
        count++;
    }

    /** 0 when they were released. */
    public synchronized int length() {
        return starts[count];
    }

    synchronized int heldLength() {
        requireHeld();
        return starts[count];
    }

    /** How much memory the buffers of its own take. */
    synchronized int heldBytes() {
        int sum = 0;
        for (int i = 0; i < count; i++) {
            sum += part(i).capacity();
        }
        return sum;
    }

    /** All of it in an array. */
    public byte[] toBytes() {
        return copy(0, length());
    }

    byte at(int index) {
        byte[] one = new byte[1];
        copy(index, one, 1);
        return one[0];
    }

    byte[] copy(int start, int end) {
        byte[] copy = new byte[end - start];
        copy(start, copy, copy.length);
        return copy;
    }

    /** Copies so many bytes to the beginning of an array. */
    synchronized void copy(int start, byte[] to, int length) {
        int done = 0;
        for (int i = indexOf(start); done < length; i++) {
            int from = start + done - starts[i];
            int more = Math.min(length - done, starts[i + 1] - starts[i] - from);
            ByteBuf part = part(i);
            part.getBytes(part.readerIndex() + from, to, done, more);
            done += more;
        }
    }

    /** Where the first byte stands, from there on, at which a string cannot be skipped; the end of the text if there is none. */
    synchronized int plainEnd(int from) {
        int at = from;
        for (int i = indexOf(from); i < count; i++) {
            ByteBuf part = part(i);
            int length = starts[i + 1] - starts[i];
            ByteBuffer view = part.nioBuffer(part.readerIndex(), length).order(ByteOrder.LITTLE_ENDIAN);
            int end = plainEnd(view, at - starts[i], length);
            at = starts[i] + end;
            if (end < length) {
                return at;
            }
        }
        return at;
    }

    private static int plainEnd(ByteBuffer text, int from, int to) {
        int last = to - 8;
        int i = from;
        for (; i <= last; i += 8) {
            long stops = JsonScanner.stops(text.getLong(i));
            if (stops != 0) {
                return i + (Long.numberOfTrailingZeros(stops) >>> 3);
            }
        }
        while (i < to && text.get(i) >= ' ' && text.get(i) != '"' && text.get(i) != '\\') {
            i++;
        }
        return i;
    }

    /** Adds what stands at {@code start..end} to a list, in buffers that whoever has the list releases. */
    synchronized void slice(int start, int end, List<ByteBuf> to) {
        int at = start;
        for (int i = at < end ? indexOf(at) : count; at < end; i++) {
            int from = at - starts[i];
            int more = Math.min(end - at, starts[i + 1] - at);
            ByteBuf part = part(i);
            to.add(part.retainedSlice(part.readerIndex() + from, more));
            at += more;
        }
    }

    private int indexOf(int at) {
        requireHeld();
        int found = Arrays.binarySearch(starts, 0, count + 1, at);
        return found >= 0 ? found : -found - 2;
    }

    private ByteBuf part(int i) {
        requireHeld();
        ByteBuf part = i < count ? parts[i] : null;
        if (part == null) {
            throw new IndexOutOfBoundsException("the text ends before");
        }
        return part;
    }

    private void requireHeld() {
        if (released) {
            throw new IllegalStateException("the text was released");
        }
    }

    /** Gives the buffers back; what comes after it is not taken. Once or often. */
    public synchronized void release() {
        released = true;
        for (int i = 0; i < count; i++) {
            ByteBuf part = parts[i];
            if (part != null) {
                part.release();
            }
            parts[i] = null;
        }
        count = 0;
        starts[0] = 0;
    }
}
