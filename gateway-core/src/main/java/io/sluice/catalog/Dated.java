package io.sluice.catalog;

import io.sluice.protocol.McpMethod;
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
        byte[] left = ttlStart < 0 ? new byte[0] : Long.toString(leftMillis()).getBytes(StandardCharsets.US_ASCII);
        int cut = ttlStart < 0 ? bytes.length : ttlStart;
        int rest = ttlStart < 0 ? 0 : bytes.length - ttlEnd;
        byte[] whole = new byte[head.length + cut + left.length + rest + tail.length];
        System.arraycopy(head, 0, whole, 0, head.length);
        System.arraycopy(bytes, 0, whole, head.length, cut);
        System.arraycopy(left, 0, whole, head.length + cut, left.length);
        System.arraycopy(bytes, bytes.length - rest, whole, head.length + cut + left.length, rest);
        System.arraycopy(tail, 0, whole, whole.length - tail.length, tail.length);
        return whole;
    }

    private long leftMillis() {
        long left = ttlMillis;
        for (int i = 0; i < parts.size(); i++) {
            left = Math.min(left, parts.get(i).leftMillis(method));
        }
        return left;
    }
}
