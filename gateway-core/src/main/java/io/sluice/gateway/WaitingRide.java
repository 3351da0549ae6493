package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.sluice.call.Answer;
import io.sluice.listener.Lane;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * A call that has to wait for something, on the lane all the same: what it waits for is a publisher, but a whole message
 * in the end needs none of what Reactor Netty keeps for an exchange. An answer that comes in parts is handed over. State
 * is owned by the event loop of the client's connection; what happens elsewhere is told there.
 */
final class WaitingRide implements Lane.Ride, Lane.Begun, Ahead {
    private final Lane.Turn turn;
    private final Disposable.Swap running = Disposables.swap();

    /** Whether somebody else has it now, or nobody. */
    private boolean gone;

    private boolean abandoned;
    private boolean answered;
    private int status;
    private boolean inBody;
    private Mono<Answer> rest = Mono.empty();
    private @Nullable Answer unclaimed;
    private @Nullable MonoSink<Answer> answerSink;
    private @Nullable MonoSink<ByteBuf> bodySink;

    private WaitingRide(Lane.Turn turn) {
        this.turn = turn;
    }

    /** @param answer subscribed to at once, and cancelled when the client leaves */
    static WaitingRide start(Mono<Answer> answer, Lane.Turn turn) {
        WaitingRide ride = new WaitingRide(turn);
        ride.running.update(answer.subscribe(
                value -> ride.run(() -> ride.answered(value)),
                error -> ride.run(() -> ride.failed(error)),
                () -> ride.run(ride::completed)));
        return ride;
    }

    private void run(Runnable task) {
        if (turn.eventLoop().inEventLoop()) {
            task.run();
            return;
        }
        try {
            turn.eventLoop().execute(task);
        } catch (RejectedExecutionException closing) {
            task.run(); // the loop ends, and its connections with it
        }
    }

    private void answered(Answer answer) {
        answered = true;
        MonoSink<Answer> elsewhere = answerSink;
        if (abandoned) {
            Answers.discard(answer);
        } else if (elsewhere != null) {
            elsewhere.success(answer);
        } else if (answer instanceof Answer.Message message) {
            gone = true;
            turn.answer(message.status(), message.headers(), message.contentType(), message.json());
        } else if (answer instanceof Answer.Empty empty) {
            gone = true;
            turn.answer(empty.status(), empty.headers(), null, new byte[0]);
        } else if (answer instanceof Answer.Relayed relayed && relayed.json() instanceof Mono<ByteBuf> whole) {
            status = relayed.status();
            inBody = true;
            running.update(whole.map(WaitingRide::taken)
                    .subscribe(json -> run(() -> arrived(json)), error -> run(() -> failed(error))));
        } else {
            unclaimed = answer;
            handOver(Mono.just(answer));
        }
    }

    private static byte[] taken(ByteBuf part) {
        try {
            return ByteBufUtil.getBytes(part);
        } finally {
            part.release();
        }
    }

    private void arrived(byte[] json) {
        MonoSink<ByteBuf> elsewhere = bodySink;
        if (elsewhere != null) {
            elsewhere.success(Replies.bytes(json));
        } else if (!gone) {
            gone = true;
            turn.answer(status, Map.of(), "application/json", json);
        }
    }

    private void failed(Throwable error) {
        if (bodySink != null) {
            bodySink.error(error);
        } else if (answerSink != null) {
            answerSink.error(error);
        } else if (!gone) {
            handOver(Mono.error(error));
        }
    }

    private void completed() {
        if (answered) {
            return;
        }
        if (answerSink != null) {
            answerSink.success();
        } else if (!gone) {
            handOver(Mono.empty());
        }
    }

    private void handOver(Mono<Answer> further) {
        gone = true;
        rest = further;
        turn.handOver(this);
    }

    @Override
    public Mono<Answer> rest() {
        unclaimed = null;
        return rest;
    }

    @Override
    public void handOver() {
        if (gone) {
            return;
        }
        if (inBody) {
            Mono<ByteBuf> body = Mono.create(sink -> {
                bodySink = sink;
                sink.onCancel(running);
            });
            handOver(Mono.just(new Answer.Relayed(status, body)));
        } else {
            handOver(Mono.create(sink -> {
                answerSink = sink;
                sink.onCancel(running);
            }));
        }
    }

    @Override
    public void left() {
        abandon();
    }

    @Override
    public void abandon() {
        gone = true;
        abandoned = true;
        Answer nobodys = unclaimed;
        unclaimed = null;
        if (nobodys != null) {
            Answers.discard(nobodys);
        }
        running.dispose();
    }
}
