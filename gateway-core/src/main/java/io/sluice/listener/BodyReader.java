package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufHolder;
import io.netty.channel.ChannelException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http2.Http2Exception;
import io.sluice.envelope.Segments;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BadHttp;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.netty.http.server.HttpServerRequest;
import reactor.util.context.Context;

/** Reads a request's body, as far as a limit. */
public final class BodyReader {
    private BodyReader() {}

    /**
     * The body in one array, which is empty where there is none. More than {@code maxBytes} ends in
     * {@link BadHttp#tooLarge}, at once if {@code Content-Length} says so; a malformed or late body in the
     * {@link Rejection} that says so; a client that goes away in an error. Every buffer is released, on error and cancel
     * too. At most one subscriber.
     */
    public static Mono<byte[]> read(HttpServerRequest request, long maxBytes) {
        return Mono.using(
                Segments::new,
                body -> read(request, maxBytes, body).then(Mono.fromSupplier(body::toBytes)),
                Segments::release);
    }

    /**
     * As the other form, but for where the body goes: memory follows what has arrived, not what a client announces.
     *
     * @param into empty; the caller's to release, whatever comes of this, and not before it has ended or was cancelled
     */
    public static Mono<Void> read(HttpServerRequest request, long maxBytes, Segments into) {
        if (announced(request) > maxBytes) {
            return Mono.error(BadHttp.tooLarge(maxBytes));
        }
        return Mono.create(sink -> request.receiveObject().subscribe(new Gathering(sink, maxBytes, into)));
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
        private final MonoSink<Void> sink;
        private final long maxBytes;
        private final Segments body;
        private @Nullable Subscription subscription;
        private boolean done;

        Gathering(MonoSink<Void> sink, long maxBytes, Segments body) {
            this.sink = sink;
            this.maxBytes = maxBytes;
            this.body = body;
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
            if (body.length() + (long) part.readableBytes() <= maxBytes) {
                body.add(part);
                return;
            }
            done = true;
            if (subscription != null) {
                subscription.cancel();
            }
            sink.error(BadHttp.tooLarge(maxBytes));
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
                sink.success();
            }
        }
    }
}
