package io.sluice.gateway;

import io.sluice.protocol.ProtocolVersion;
import io.sluice.session.EventStream;
import io.sluice.upstream.Event;
import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.SignalType;

/** Carries the events of a backend's answer into the stream that the client reads, no faster than a reading client takes them. */
final class StreamFeeder extends BaseSubscriber<Event> {
    private final EventStream stream;
    private final boolean mayPause;
    private final Runnable finished;
    private final AtomicBoolean waiting = new AtomicBoolean();

    StreamFeeder(EventStream stream, ProtocolVersion version, Runnable finished) {
        this.stream = stream;
        this.mayPause = version.isAtLeast(ProtocolVersion.V2025_11_25);
        this.finished = finished;
        stream.onRoom(this::continueWhenRoom);
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        subscription.request(1);
    }

    @Override
    protected void hookOnNext(Event event) {
        if (event instanceof Event.Message message) {
            stream.publish(message.json());
        } else if (event instanceof Event.Paused paused && mayPause) {
            stream.pause(paused.retry().toMillis());
        } else if (event instanceof Event.Comment) {
            stream.heartbeat();
        }
        waiting.set(true);
        continueWhenRoom();
    }

    private void continueWhenRoom() {
        if (stream.hasRoom() && waiting.compareAndSet(true, false)) {
            request(1);
        }
    }

    @Override
    protected void hookFinally(SignalType type) {
        finished.run();
    }
}
