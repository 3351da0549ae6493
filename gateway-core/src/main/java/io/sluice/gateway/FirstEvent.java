package io.sluice.gateway;

import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Event;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Decides by the first event of a call what its answer looks like: a response becomes one JSON message, a refusal keeps
 * its HTTP status, and anything else begins an event stream that carries the rest. Each event is asked for by whoever
 * reads the answer, except for the first.
 */
final class FirstEvent extends BaseSubscriber<Event> {
    private final Call call;
    private final MonoSink<Answer> answer;
    private final AtomicBoolean closed = new AtomicBoolean();
    private boolean decided;
    private volatile @Nullable FluxSink<Event> reader;
    private volatile @Nullable Throwable failure;
    private volatile boolean ended;

    private FirstEvent(Call call, MonoSink<Answer> answer) {
        this.call = call;
        this.answer = answer;
    }

    /** @param events of one call, ending with its response; cancelled when the client leaves before that */
    static Mono<Answer> answer(Call call, Flux<Event> events) {
        if (!call.inbound().accept().events()) {
            return events.filter(FirstEvent::isResponse).next().map(FirstEvent::message);
        }
        return Mono.create(sink -> {
            FirstEvent waiting = new FirstEvent(call, sink);
            sink.onCancel(waiting);
            events.subscribe(waiting);
        });
    }

    private static boolean isResponse(Event event) {
        return event instanceof Event.Message message && Replies.isResponse(message);
    }

    private static Answer message(Event response) {
        return Answer.Message.of(((Event.Message) response).json());
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        subscription.request(1);
    }

    @Override
    protected void hookOnNext(Event event) {
        if (decided) {
            Objects.requireNonNull(reader).next(event); // nobody else asked for it
            return;
        }
        decided = true;
        if (isResponse(event)) {
            answer.success(message(event));
        } else {
            Flux<Event> rest = Flux.create(this::read);
            answer.success(new Answer.Events(
                    Flux.concat(Mono.just(event), rest).doOnCancel(this::cancel).map(Relay::frame)));
        }
    }

    private void read(FluxSink<Event> sink) {
        reader = sink;
        sink.onRequest(this::request);
        close();
    }

    @Override
    protected void hookOnError(Throwable error) {
        if (decided) {
            failure = error;
            ended = true;
            close();
        } else {
            answer.error(error);
        }
    }

    @Override
    protected void hookOnComplete() {
        if (!decided) {
            answer.error(new IllegalStateException("a call ended without a word"));
        }
        ended = true;
        close();
    }

    /** Ends the stream once there is a reader and an end; a failure within a stream is told in the stream. */
    private void close() {
        FluxSink<Event> sink = reader;
        if (sink == null || !ended || !closed.compareAndSet(false, true)) {
            return;
        }
        Throwable error = failure;
        if (error instanceof Rejection refused) {
            sink.next(new Event.Message(Replies.inBand(call, refused)));
        } else if (error != null) {
            sink.error(error);
            return;
        }
        sink.complete();
    }
}
