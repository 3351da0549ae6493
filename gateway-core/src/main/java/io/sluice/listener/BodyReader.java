package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufHolder;
import io.netty.channel.ChannelException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http2.Http2Exception;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BadHttp;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.http.server.HttpServerRequest;
import reactor.util.context.Context;

/** Reads a request's body into one array, as far as a limit. */
public final class BodyReader {
    private static final byte[] EMPTY = {};

    /** Memory follows what has arrived, not what a client announces. */
    private static final int FIRST_BYTES = 16 * 1024;

    private static final int GROWTH = 2;

    /** Who says how much there will be, and keeps to it, is spared most of the copies. */
    private static final int GROWTH_ANNOUNCED = 8;

    private BodyReader() {}

    /**
     * The body, or an empty array where there is none. More than {@code maxBytes} ends in {@link BadHttp#tooLarge}, at
     * once if {@code Content-Length} says so; a malformed or late body in the {@link Rejection} that says so; a client
     * that goes away in an error. Every buffer is released, on error and cancel too. At most one subscriber.
     */
    public static Mono<byte[]> read(HttpServerRequest request, long maxBytes) {
        long announced = announced(request);
        if (announced > maxBytes) {
            return Mono.error(BadHttp.tooLarge(maxBytes));
        }
        return Mono.create(sink -> request.receiveObject().subscribe(new Gathering(sink, maxBytes, announced)));
    }

    private static long announced(HttpServerRequest request) {
        String length = request.requestHeaders().get(HttpHeaderNames.CONTENT_LENGTH);
        // digits only: HeadRules has seen to it
        return length == null ? -1 : Long.parseLong(length);
    }

    /** The refusal in an error that the codec or its timeouts raised while a body was read, else the error. */
    static Throwable refusal(Throwable error) {
        if (error instanceof DecoderException && error.getCause() instanceof Rejection refusal) {
            return refusal;
        }
        if (error instanceof Http2Exception) {
            return BadHttp.badRequest("Malformed request");
        }
        return error instanceof ChannelException
                ? BadHttp.malformed(408, "The request's body did not arrive in time")
                : error;
    }

    /** Next to the source, without an operator between: Reactor Netty may signal an error twice. */
    private static final class Gathering implements CoreSubscriber<Object> {
        private final MonoSink<byte[]> sink;
        private final long maxBytes;
        private final long announced;
        private @Nullable Subscription subscription;
        private byte[] bytes = EMPTY;
        private int size;
        private boolean done;

        Gathering(MonoSink<byte[]> sink, long maxBytes, long announced) {
            this.sink = sink;
            this.maxBytes = maxBytes;
            this.announced = announced;
        }

        @Override
        public Context currentContext() {
            return Context.of(sink.contextView());
        }

        @Override
        public void onSubscribe(Subscription s) {
            subscription = s;
            sink.onCancel(s::cancel);
            s.request(Long.MAX_VALUE);
        }

        /** The part is released by who sends it. */
        @Override
        public void onNext(Object part) {
            if (!done && part instanceof ByteBufHolder content) {
                add(content.content());
            }
        }

        private void add(ByteBuf part) {
            int more = part.readableBytes();
            if (size + (long) more > maxBytes) {
                done = true;
                if (subscription != null) {
                    subscription.cancel();
                }
                sink.error(BadHttp.tooLarge(maxBytes));
                return;
            }
            if (size + more > bytes.length) {
                boolean known = announced >= size + more;
                long exact = known ? announced : Long.MAX_VALUE;
                long arrived = size + (long) more;
                long grown = known ? GROWTH_ANNOUNCED * arrived : GROWTH * (long) bytes.length;
                long generous = Math.max(arrived, Math.max(FIRST_BYTES, grown));
                bytes = Arrays.copyOf(bytes, (int) Math.min(exact, Math.min(generous, maxBytes)));
            }
            part.getBytes(part.readerIndex(), bytes, size, more);
            size += more;
        }

        @Override
        public void onError(Throwable error) {
            if (!done) {
                done = true;
                sink.error(refusal(error));
            }
        }

        @Override
        public void onComplete() {
            if (!done) {
                done = true;
                sink.success(size == bytes.length ? bytes : Arrays.copyOf(bytes, size));
            }
        }
    }
}
