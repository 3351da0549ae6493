package io.sluice.adapter;

import io.sluice.adapter.Adapter.Outcome;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.concurrent.Queues;

/**
 * What arrives for one request. The first message decides its shape: the response alone is the whole outcome, anything before it makes a stream. Told by one thread at a time; the asker may leave from
 * any other.
 */
final class Incoming {
    /** A reader that is this far behind has stopped reading. */
    private static final int MOST_WAITING = 2048;

    private static final Sinks.EmitFailureHandler PATIENT = Sinks.EmitFailureHandler.busyLooping(Duration.ofSeconds(1));

    private final Sinks.One<Outcome> head = Sinks.one();
    private final Sinks.Many<byte[]> rest = Sinks.many()
            .unicast()
            .onBackpressureBuffer(Queues.<byte[]>get(MOST_WAITING).get());
    private final Runnable left;
    private final AtomicBoolean over = new AtomicBoolean();
    private boolean streaming;

    /** @param left told, once, when the asker leaves before the end */
    Incoming(Runnable left) {
        this.left = left;
    }

    Mono<Outcome> outcome() {
        return head.asMono().doOnCancel(this::leave);
    }

    /** All messages, for what is a stream from the start. */
    Flux<byte[]> stream() {
        streaming = true;
        return messages();
    }

    private Flux<byte[]> messages() {
        return rest.asFlux().doOnCancel(this::leave);
    }

    private void leave() {
        if (over.compareAndSet(false, true)) {
            left.run();
        }
    }

    /** Something that comes before the response. */
    void message(byte[] json) {
        if (over.get()) {
            return;
        }
        if (!streaming) {
            streaming = true;
            head.tryEmitValue(new Outcome.Messages(messages()));
        }
        if (rest.tryEmitNext(json) != Sinks.EmitResult.OK) {
            leave();
            rest.emitError(new IllegalStateException("its reader stopped reading"), PATIENT);
        }
    }

    void response(byte[] json, @Nullable String session) {
        if (!over.compareAndSet(false, true)) {
            return;
        }
        if (!streaming) {
            head.tryEmitValue(new Outcome.Message(json, session));
        } else if (rest.tryEmitNext(json) == Sinks.EmitResult.OK) {
            rest.emitComplete(PATIENT);
        } else {
            rest.emitError(new IllegalStateException("its reader stopped reading"), PATIENT);
        }
    }

    /** The stream ends without a response, which only one that listens may. */
    void end() {
        if (over.compareAndSet(false, true)) {
            if (streaming) {
                rest.emitComplete(PATIENT);
            } else {
                head.tryEmitEmpty();
            }
        }
    }

    void fail(Throwable error) {
        if (over.compareAndSet(false, true)) {
            if (streaming) {
                rest.emitError(error, PATIENT);
            } else {
                head.tryEmitError(error);
            }
        }
    }
}
