package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpResponse;
import io.sluice.balance.Attempt;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.MonoSink;

/**
 * One time that a request is sent: tells whoever waits for the answer, and teaches the endpoint's attempt and the
 * backend's permit what came of it, with the last byte. State is owned by the event loop of its exchange.
 */
class Sending implements Received.Listener {
    private final HttpExchanges exchanges;
    final Ask ask;
    final Attempt attempt;
    final @Nullable Permit permit;
    final Received received;
    private @Nullable MonoSink<Answer> sink;
    private @Nullable Outcome outcome;

    /** @param permit ended when the answer is over, but not when there is none */
    Sending(HttpExchanges exchanges, Ask ask, Attempt attempt, @Nullable Permit permit, EventLoop eventLoop) {
        this.exchanges = exchanges;
        this.ask = ask;
        this.attempt = attempt;
        this.permit = permit;
        this.received = new Received(eventLoop, this);
    }

    /** From now on the outcome goes there. */
    void tell(MonoSink<Answer> whoWaits) {
        sink = whoWaits;
        whoWaits.onCancel(received::giveUp);
    }

    boolean isAwaited() {
        return sink != null;
    }

    @Override
    public void head(HttpResponse head) {
        attempt.answered(System.nanoTime());
        int status = head.status().code();
        outcome = outcome(status);
        if (ask.longLived()) {
            // It is nothing that the next call would have to wait for.
            attempt.end(outcome, System.nanoTime());
        }
        exchanges.answered(status, attempt.nanosToHead());
        answered(head);
    }

    void answered(HttpResponse head) {
        if (sink != null) {
            sink.success(answer(head));
        }
    }

    final Answer answer(HttpResponse head) {
        return new HttpAnswer(head, received, attempt, ask.timeout(), exchanges.failures());
    }

    @Override
    public void unanswered(Throwable error) {
        attempt.end(Outcome.FAILED, System.nanoTime());
        failed(error);
    }

    void failed(Throwable error) {
        if (sink != null) {
            sink.error(error);
        }
    }

    /** The permit of what was given up before its head came goes back with the publisher that gave it up. */
    @Override
    public void over() {
        long now = System.nanoTime();
        exchanges.received(received.bytes());
        Outcome told = outcome;
        if (told == null) {
            attempt.end(Outcome.IGNORED, now);
            return;
        }
        Outcome taught = received.isBroken() ? Outcome.FAILED : told;
        attempt.end(taught, now);
        if (permit != null) {
            permit.end(taught, attempt.nanosToHead(), now);
        }
    }

    /** What a status says of the endpoint. A limit is no failing: it would be worse elsewhere. */
    private static Outcome outcome(int status) {
        return status == 429 || status == 425
                ? Outcome.IGNORED
                : Failures.concernsBackend(status) ? Outcome.FAILED : Outcome.SUCCEEDED;
    }
}
