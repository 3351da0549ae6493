package io.sluice.envelope;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A 64-bit hash of a few bytes, eight at a time: each word is mixed in by two multiplications and two shifts (the shape
 * of the finalizers of MurmurHash3 and SplitMix64). It need not resist crafted collisions, see {@link JsonScanner}.
 */
final class KeyHash {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private KeyHash() {}

    static long of(byte[] in, int start, int end) {
        long hash = (end - start) * 0x9E3779B97F4A7C15L;
        int i = start;
        for (; i + 8 <= end; i += 8) {
            hash = mix(hash ^ (long) LONG.get(in, i));
        }
        if (i < end) {
            hash = mix(hash ^ tail(in, i, end));
        }
        return hash;
    }

    private static long tail(byte[] in, int start, int end) {
        if (start + 8 <= in.length) {
            return (long) LONG.get(in, start) & (-1L >>> (64 - 8 * (end - start)));
        }
        long word = 0;
        for (int i = end - 1; i >= start; i--) {
            word = (word << 8) | (in[i] & 0xFF);
        }
        return word;
    }

    private static long mix(long x) {
        long y = x * 0xD6E8FEB86659FD93L;
        y ^= y >>> 32;
        y *= 0xBF58476D1CE4E5B9L;
        return y ^ (y >>> 29);
    }
}
