package io.sluice.catalog;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.sluice.protocol.McpMethod;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A result rendered once, whose {@code ttlMs} is what is left of it when it is used: the least of what its parts are
 * still good for (2026-07-28, <em>Caching</em>), and of what stands in it.
 *
 * @param bytes as rendered; never written to
 * @param ttlStart where {@code ttlMs} begins in it; negative for a result without
 * @param ttlEnd where it ends
 * @param ttlMillis what stands there
 * @param method what it answers
 * @param parts what it was made of
 */
record Dated(byte[] bytes, int ttlStart, int ttlEnd, long ttlMillis, McpMethod method, List<Freshness> parts) {
    /** In a new array, between what is given. */
    byte[] between(byte[] head, byte[] tail) {
        byte[] left = left();
        int cut = cut();
        int rest = rest();
        byte[] whole = new byte[head.length + cut + left.length + rest + tail.length];
        System.arraycopy(head, 0, whole, 0, head.length);
        System.arraycopy(bytes, 0, whole, head.length, cut);
        System.arraycopy(left, 0, whole, head.length + cut, left.length);
        System.arraycopy(bytes, bytes.length - rest, whole, head.length + cut + left.length, rest);
        System.arraycopy(tail, 0, whole, whole.length - tail.length, tail.length);
        return whole;
    }

    /**
     * As {@link #between}, but what stands before {@code ttlMs}, which is nearly all of it, is not copied.
     *
     * @param shared the bytes once more, in direct memory; only read from
     * @return to be released by the caller, which leaves {@code shared} as it is
     */
    ByteBuf around(ByteBuffer shared, byte[] head, byte[] tail) {
        byte[] left = left();
        int cut = cut();
        int rest = rest();
        ByteBuf own = ByteBufAllocator.DEFAULT.directBuffer(head.length + left.length + rest + tail.length);
        own.writeBytes(head)
                .writeBytes(left)
                .writeBytes(bytes, bytes.length - rest, rest)
                .writeBytes(tail);
        return ByteBufAllocator.DEFAULT
                .compositeDirectBuffer(3)
                .addComponent(true, own.readRetainedSlice(head.length))
                .addComponent(
                        true,
                        Unpooled.wrappedBuffer(shared.duplicate().position(0).limit(cut)))
                .addComponent(true, own);
    }

    private byte[] left() {
        return ttlStart < 0 ? new byte[0] : Long.toString(leftMillis()).getBytes(StandardCharsets.US_ASCII);
    }

    private int cut() {
        return ttlStart < 0 ? bytes.length : ttlStart;
    }

    private int rest() {
        return ttlStart < 0 ? 0 : bytes.length - ttlEnd;
    }

    private long leftMillis() {
        long left = ttlMillis;
        for (int i = 0; i < parts.size(); i++) {
            left = Math.min(left, parts.get(i).leftMillis(method));
        }
        return left;
    }
}
