package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Ends a call at its {@link TimeLimit}: while it waits for a place, for its answer, and while its answer comes. Reports of
 * progress put the end off as far as they may; while the client is asked something its time stands still. For one call.
 */
final class Limited {
    private volatile TimeLimit limit;
    private final boolean safe;
    private final String backend;
    private final Scheduler timer;
    private final Runnable late;

    /** When the call began, or reported last. Written by who delivers, read by the timer. */
    private volatile long lastNanos;

    /** Since when the client is being asked something; 0 while it is not. */
    private volatile long askedNanos;

    private volatile boolean reported;

    private Limited(TimeLimit limit, boolean safe, String backend, Scheduler timer, Runnable late) {
        this.limit = limit;
        this.safe = safe;
        this.backend = backend;
        this.timer = timer;
        this.late = late;
        this.lastNanos = limit.startNanos();
    }

    /** @param late done when the time is over, besides cancelling */
    static Mono<Reply> on(Mono<Reply> reply, Terms terms, String backend, Scheduler timer, Runnable late) {
        TimeLimit limit = terms.limit();
        return limit == null
                ? reply
                : Mono.defer(() -> new Limited(limit, terms.safe(), backend, timer, late).on(reply));
    }

    private Mono<Reply> on(Mono<Reply> reply) {
        AtomicReference<@Nullable Reply> arrived = new AtomicReference<>();
        return reply.doOnNext(found -> {
                    if (!arrived.compareAndSet(null, found)) {
                        found.discard(); // nobody waits any more
                    }
                })
                .timeout(left(), Mono.defer(() -> tooLate(arrived)), timer)
                .map(this::on);
    }

    private Mono<Reply> tooLate(AtomicReference<@Nullable Reply> arrived) {
        Reply unseen = arrived.getAndSet(Reply.Accepted.INSTANCE);
        if (unseen != null) {
            unseen.discard();
        }
        return Mono.error(failure());
    }

    private Reply on(Reply reply) {
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(bounded(events.events().doOnNext(this::seen)));
        }
        if (reply instanceof Reply.Json json) {
            return new Reply.Json(json.status(), bounded(json.body().map(Limited::onHeap)), json.small());
        }
        return reply;
    }

    private <T> Flux<T> bounded(Flux<T> parts) {
        return parts.timeout(
                Mono.defer(this::end), part -> Mono.defer(this::end), Flux.defer(() -> Flux.error(failure())));
    }

    private Mono<Long> end() {
        return askedNanos != 0 ? Mono.never() : Mono.delay(left(), timer);
    }

    private Duration left() {
        return Duration.ofNanos(Math.max(0, limit.endNanos(lastNanos) - System.nanoTime()));
    }

    private void seen(Event event) {
        Envelope found = event instanceof Event.Message message
                ? MessageReader.read(message.json()).orElse(null)
                : null;
        if (found == null) {
            return;
        }
        long now = System.nanoTime();
        long asked = askedNanos;
        if (asked != 0) {
            limit = limit.from(limit.startNanos() + now - asked); // the time of the client's answer is its own
            long before = lastNanos;
            lastNanos = before + now - asked;
        }
        askedNanos = found.kind() == Kind.REQUEST ? now : 0;
        if (found.kind() == Kind.NOTIFICATION && found.method().equals(McpMethod.NOTIFICATION_PROGRESS.wire())) {
            lastNanos = now;
            reported = true;
        }
    }

    /** What is cut off in the moment in which it arrives leaves nothing to release. */
    private static ByteBuf onHeap(ByteBuf part) {
        try {
            return Unpooled.wrappedBuffer(ByteBufUtil.getBytes(part));
        } finally {
            part.release();
        }
    }

    private BackendFailure failure() {
        late.run();
        boolean all = System.nanoTime() - limit.startNanos() >= limit.atMost().toNanos();
        String time = !reported
                ? "within the " + words(limit.within())
                : all
                        ? "within the " + words(limit.atMost()) + " in all"
                        : "within the " + words(limit.within()) + " after its last report";
        BackendFailure failure = BackendFailure.timeout(
                backend, "Backend '" + backend + "' did not answer the call " + time + " " + limit.given());
        return safe ? failure : failure.outcomeUnknown();
    }

    private static String words(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}
