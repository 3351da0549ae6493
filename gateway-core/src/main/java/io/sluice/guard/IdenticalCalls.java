package io.sluice.guard;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Notices a caller that makes the very same call over and over, as an agent in a loop does. A table of fixed size: each
 * slot holds part of a call's hash, when it was first made and how often since. Two calls that share a slot may hide each
 * other's repetitions, never add to them.
 */
final class IdenticalCalls {
    private static final int SLOTS = 1 << 14;
    private static final int COUNT_BITS = 14;
    private static final int TIME_BITS = 20;
    private static final long COUNT = (1L << COUNT_BITS) - 1;
    private static final long TIME = (1L << TIME_BITS) - 1;
    private static final long TICK_NANOS = 100_000_000L;

    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final AtomicLongArray slots = new AtomicLongArray(SLOTS);
    private final int most;
    private final long within;

    IdenticalCalls(int most, long withinNanos) {
        this.most = most;
        this.within = Math.max(1, withinNanos / TICK_NANOS);
    }

    /** Counts a call. 0 when it may be made, else how many nanoseconds until it may be again. */
    long take(long hash, long nowNanos) {
        int slot = (int) (hash & (SLOTS - 1));
        long tag = hash >>> (COUNT_BITS + TIME_BITS);
        long tick = (nowNanos / TICK_NANOS) & TIME;
        while (true) {
            long held = slots.get(slot);
            long since = (held >>> COUNT_BITS) & TIME;
            long age = (tick - since) & TIME;
            boolean same = held >>> (COUNT_BITS + TIME_BITS) == tag && (held & COUNT) > 0 && age < within;
            if (same && (held & COUNT) >= most) {
                return (within - age) * TICK_NANOS;
            }
            long next = same ? held + 1 : tag << (COUNT_BITS + TIME_BITS) | tick << COUNT_BITS | 1;
            if (slots.compareAndSet(slot, held, next)) {
                return 0;
            }
        }
    }

    /**
     * Multiplies eight bytes at a time and folds the product (after W. Yi's <em>wyhash</em>), begun with what they belong
     * to: 200 bytes one by one are 200 multiplications, each of which waits for the one before.
     */
    static long hash(long seed, byte[] bytes, int from, int to) {
        long hash = fold(seed ^ 0xcbf29ce484222325L, 0xa0761d6478bd642fL ^ (to - from));
        int at = from;
        for (; at <= to - Long.BYTES; at += Long.BYTES) {
            hash = fold(hash ^ (long) WORDS.get(bytes, at), 0xe7037ed1a0b428dbL);
        }
        long rest = 0;
        for (; at < to; at++) {
            rest = rest << 8 | (bytes[at] & 0xFF);
        }
        return fold(hash ^ rest, 0x8ebc6af09c88c6e3L);
    }

    private static long fold(long one, long other) {
        return one * other ^ Math.multiplyHigh(one, other);
    }
}
