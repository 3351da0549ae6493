package io.sluice.cache;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.upstream.Reply;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Holds a body on the heap until it is whole, or until it is too long for that: then what was held, and the rest at the
 * reader's own pace, go to one reader.
 */
final class Gathering extends BaseSubscriber<ByteBuf> {
    private final int status;
    private final int limit;
    private final MonoSink<Outcome> outcome;
    private final ByteArrayOutputStream held = new ByteArrayOutputStream(512);
    private final AtomicBoolean closed = new AtomicBoolean();
    private boolean passing;
    private volatile @Nullable FluxSink<ByteBuf> reader;
    private volatile @Nullable Throwable failure;
    private volatile boolean ended;

    private Gathering(int status, int limit, MonoSink<Outcome> outcome) {
        this.status = status;
        this.limit = limit;
        this.outcome = outcome;
    }

    /** The buffers of the body are released, or passed on to whoever reads the rest. */
    static Mono<Outcome> of(Reply.Json reply, int limit) {
        return Mono.create(sink -> {
            Gathering gathering = new Gathering(reply.status(), limit, sink);
            sink.onCancel(gathering);
            reply.body().subscribe(gathering);
        });
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        subscription.request(1);
    }

    @Override
    protected void hookOnNext(ByteBuf part) {
        FluxSink<ByteBuf> rest = reader;
        if (passing && rest != null) {
            rest.next(part);
            return;
        }
        try {
            part.readBytes(held, part.readableBytes());
        } catch (IOException e) {
            throw new IllegalStateException("memory does not fail so", e);
        } finally {
            part.release();
        }
        if (held.size() <= limit) {
            request(1);
            return;
        }
        passing = true;
        Flux<ByteBuf> body = Flux.concat(
                        Mono.fromSupplier(() -> Unpooled.wrappedBuffer(held.toByteArray())),
                        Flux.<ByteBuf>create(this::read))
                .doOnDiscard(ByteBuf.class, ByteBuf::release)
                .doOnCancel(this::cancel);
        outcome.success(Outcome.passing(status, body));
    }

    private void read(FluxSink<ByteBuf> sink) {
        reader = sink;
        sink.onRequest(this::request);
        close();
    }

    @Override
    protected void hookOnError(Throwable error) {
        if (!passing) {
            outcome.error(error);
            return;
        }
        failure = error;
        ended = true;
        close();
    }

    @Override
    protected void hookOnComplete() {
        if (!passing) {
            outcome.success(new Outcome.Answered(status, held.toByteArray()));
            return;
        }
        ended = true;
        close();
    }

    private void close() {
        FluxSink<ByteBuf> sink = reader;
        if (sink == null || !ended || !closed.compareAndSet(false, true)) {
            return;
        }
        Throwable error = failure;
        if (error == null) {
            sink.complete();
        } else {
            sink.error(error);
        }
    }
}
