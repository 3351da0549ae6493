package io.sluice.envelope;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A 64-bit hash of the bytes of a key, eight at a time, the last ones filled up with zeros: each word is multiplied by
 * a large odd number and the two halves of the product are folded (as in wyhash). Keys are taken to have no NUL, so
 * that the filling makes no two alike. It need not resist crafted collisions, see {@link JsonScanner}.
 */
final class KeyHash {
    /** The hash of no bytes. */
    static final long EMPTY = 0x9E3779B97F4A7C15L;

    private static final long FACTOR = 0xD6E8FEB86659FD93L;
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private KeyHash() {}

    static long of(byte[] in, int start, int end) {
        long hash = EMPTY;
        int i = start;
        for (; i + 8 <= end; i += 8) {
            hash = add(hash, (long) LONG.get(in, i));
        }
        if (i < end) {
            long word = 0;
            for (int k = end - 1; k >= i; k--) {
                word = (word << 8) | (in[k] & 0xFF);
            }
            hash = add(hash, word);
        }
        return hash;
    }

    /** The hash of the bytes of which {@code hash} is one, followed by those of the word, the lowest first. */
    static long add(long hash, long word) {
        long x = hash ^ word;
        return (x * FACTOR) ^ Math.multiplyHigh(x, FACTOR);
    }
}
