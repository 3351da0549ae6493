package io.sluice.cache;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.call.JsonRpc;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.upstream.Reply;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Flux;

/**
 * The response of a backend, for use under any id. Its bytes are on the heap, never written to, and shared by all
 * answers that are made of them: no buffer of it has to be released by anybody but its own writer.
 */
public final class Kept {
    /** Up to this size one copy is cheaper than a buffer of several parts, each an element of the write. */
    private static final int COPIED_BYTES = 16 * 1024;

    private static final byte[] END = {'}'};

    private final byte[] message;
    private final Span result;
    private final Span ttl;
    private final long promisedMillis;
    private final long atNanos;
    private final long lifeNanos;
    private final long stamp;

    /**
     * @param message the whole response
     * @param ttl where in it {@code result.ttlMs} stands; absent from what has none
     * @param promisedMillis what stands there
     * @param lifeNanos how long it may be used from {@code atNanos} on
     */
    Kept(byte[] message, Span result, Span ttl, long promisedMillis, long atNanos, long lifeNanos, long stamp) {
        this.message = message;
        this.result = result;
        this.ttl = ttl;
        this.promisedMillis = promisedMillis;
        this.atNanos = atNanos;
        this.lifeNanos = lifeNanos;
        this.stamp = stamp;
    }

    /** Whether copying it costs next to nothing. */
    public boolean isSmall() {
        return message.length <= COPIED_BYTES;
    }

    /** The whole answer to a request, in one new array. */
    public byte[] answer(RequestId id, long nowNanos) {
        byte[] head = JsonRpc.resultHead(id);
        byte[] left = left(nowNanos);
        int cut = ttl.isPresent() ? ttl.start() : result.end();
        int rest = ttl.isPresent() ? result.end() - ttl.end() : 0;
        byte[] answer = new byte[head.length + cut - result.start() + left.length + rest + 1];
        System.arraycopy(head, 0, answer, 0, head.length);
        int at = head.length;
        System.arraycopy(message, result.start(), answer, at, cut - result.start());
        at += cut - result.start();
        System.arraycopy(left, 0, answer, at, left.length);
        at += left.length;
        System.arraycopy(message, result.end() - rest, answer, at, rest);
        answer[at + rest] = '}';
        return answer;
    }

    /** The same without copying what is kept, for the reader to release. */
    public ByteBuf buffer(RequestId id, long nowNanos) {
        if (isSmall()) {
            return Unpooled.wrappedBuffer(answer(id, nowNanos));
        }
        byte[] head = JsonRpc.resultHead(id);
        if (!ttl.isPresent()) {
            return Unpooled.wrappedBuffer(
                    Unpooled.wrappedBuffer(head), part(result.start(), result.end()), Unpooled.wrappedBuffer(END));
        }
        return Unpooled.wrappedBuffer(
                Unpooled.wrappedBuffer(head),
                part(result.start(), ttl.start()),
                Unpooled.wrappedBuffer(left(nowNanos)),
                part(ttl.end(), result.end()),
                Unpooled.wrappedBuffer(END));
    }

    private ByteBuf part(int from, int to) {
        return Unpooled.wrappedBuffer(message, from, to - from);
    }

    /** As the backend would have answered that request. */
    Reply reply(RequestId id, long nowNanos) {
        return new Reply.Json(200, Flux.defer(() -> Flux.just(buffer(id, nowNanos))), true);
    }

    /** What is left of the time that the backend promised (2026-07-28, <em>Caching</em>). */
    private byte[] left(long nowNanos) {
        if (!ttl.isPresent()) {
            return new byte[0];
        }
        long age = TimeUnit.NANOSECONDS.toMillis(Math.max(0, nowNanos - atNanos));
        return Long.toString(Math.max(0, promisedMillis - age)).getBytes(StandardCharsets.US_ASCII);
    }

    boolean isGood(long stampNow, long nowNanos) {
        return stamp == stampNow && nowNanos - atNanos < lifeNanos;
    }

    long lifeNanos() {
        return lifeNanos;
    }

    int bytes() {
        return message.length;
    }
}
