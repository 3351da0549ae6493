package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.ReferenceCountUtil;
import io.sluice.balance.Attempt;
import io.sluice.registry.Endpoint;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * An answer over HTTP, read from its {@link Received}: the parts that come are on the way to whoever subscribed, or
 * released here. Its head is read by any thread.
 */
final class HttpAnswer extends Answer {
    private static final int REFUSAL_BYTES = 64 * 1024;
    private static final int CHUNKS_AHEAD = 8;

    /** How large a body may be that comes as one buffer. */
    static final int SMALL_BYTES = 64 * 1024;

    private static final List<String> TELLING =
            List.of("content-type", "retry-after", "www-authenticate", "allow", "location");

    private final HttpResponse head;
    private final Received received;
    private final Attempt attempt;
    private final @Nullable Duration timeout;
    private final Failures failures;

    HttpAnswer(HttpResponse head, Received received, Attempt attempt, @Nullable Duration timeout, Failures failures) {
        this.head = head;
        this.received = received;
        this.attempt = attempt;
        this.timeout = timeout;
        this.failures = failures;
    }

    @Override
    int status() {
        return head.status().code();
    }

    @Override
    Endpoint endpoint() {
        return attempt.endpoint();
    }

    @Override
    @Nullable
    String header(CharSequence name) {
        return head.headers().get(name);
    }

    @Override
    Flux<ByteBuf> body() {
        return isSmall()
                ? collect(SMALL_BYTES)
                        .map(whole -> Unpooled.wrappedBuffer(whole))
                        .flux()
                : received.body(() -> false).onErrorMap(this::failure);
    }

    @Override
    boolean isSmall() {
        String length = header(HttpHeaderNames.CONTENT_LENGTH);
        return length != null && length.length() < 9 && Integer.parseInt(length) <= SMALL_BYTES;
    }

    @Override
    Mono<byte[]> bytes(int maxBytes) {
        return collect(maxBytes).handle((whole, sink) -> {
            if (whole.length > maxBytes) {
                sink.error(failures.unavailable("it sent an answer of more than " + maxBytes + " bytes"));
            } else {
                sink.next(whole);
            }
        });
    }

    /** At most {@code maxBytes} and one part more; what comes after is not read. */
    private Mono<byte[]> collect(int maxBytes) {
        return received.body(() -> false)
                .map(HttpAnswer::taken)
                .onErrorMap(this::failure)
                .takeUntil(new Past(maxBytes)::reached)
                .collectList()
                .map(HttpAnswer::joined);
    }

    @Override
    Flux<SseItem> items(SseReader reader, BooleanSupplier answered) {
        received.run(received::waitForever);
        return received.body(answered)
                .map(part -> read(part, reader))
                .flatMapIterable(found -> found, CHUNKS_AHEAD)
                .onErrorMap(this::failure);
    }

    @Override
    Mono<Reply.Refused> refused() {
        Map<String, String> telling = new HashMap<>();
        for (String name : TELLING) {
            String value = header(name);
            if (value != null) {
                telling.put(name, value);
            }
        }
        boolean json = !mediaType().isEmpty() && isJson();
        return collect(REFUSAL_BYTES)
                .map(whole -> whole.length > REFUSAL_BYTES ? Arrays.copyOf(whole, REFUSAL_BYTES) : whole)
                .onErrorResume(brokenOff -> Mono.just(new byte[0]))
                .map(body -> new Reply.Refused(status(), body, json, Map.copyOf(telling)));
    }

    @Override
    void drop() {
        received.body(() -> false).take(16).subscribe(ReferenceCountUtil::release, ignored -> {});
    }

    @Override
    void close() {
        received.giveUp();
    }

    private Throwable failure(Throwable error) {
        return failures.duringAnswer(error, timeout == null ? Duration.ZERO : timeout);
    }

    private static final class Past {
        private final int limit;
        private long seen;

        private Past(int limit) {
            this.limit = limit;
        }

        boolean reached(byte[] part) {
            seen += part.length;
            return seen > limit;
        }
    }

    /** The bytes of a part, which is released. */
    static byte[] taken(ByteBuf part) {
        try {
            return ByteBufUtil.getBytes(part);
        } finally {
            part.release();
        }
    }

    private static List<SseItem> read(ByteBuf part, SseReader reader) {
        try {
            return reader.read(part);
        } finally {
            part.release();
        }
    }

    static byte[] joined(List<byte[]> parts) {
        if (parts.size() == 1) {
            return parts.get(0);
        }
        byte[] whole = new byte[parts.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, whole, at, part.length);
            at += part.length;
        }
        return whole;
    }
}
