package io.sluice.gateway;

import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.listener.Lane;
import io.sluice.rejection.Rejection;
import io.sluice.session.LiveSession;
import io.sluice.upstream.Direct;
import io.sluice.upstream.Reply;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * One call of a legacy session on the short way, from when it is sent until it is answered, or is a {@link LegacyRun}
 * like any other: that it becomes when its answer is no small message, when it takes long, when it is cancelled, and when
 * its client leaves, since it runs on then. State is owned by the event loop of the client's connection.
 */
final class LegacyRide implements Direct, Lane.Ride, Lane.Begun, Ahead {
    private final Call call;
    private final LiveSession session;
    private final Lane.Turn turn;
    private final Interruption interruption = new Interruption();
    private UnaryOperator<byte[]> seen = UnaryOperator.identity();
    private @Nullable BiFunction<Mono<Reply>, LegacyRun, Mono<Answer>> general;
    private @Nullable Sent sent;
    private @Nullable LegacyRun run;
    private boolean answered;
    private @Nullable Mono<Answer> rest;

    LegacyRide(Call call, LiveSession session, Lane.Turn turn) {
        this.call = call;
        this.session = session;
        this.turn = turn;
    }

    /** @param view what the client sees of a small JSON answer; a {@link Rejection} becomes an in-band failure */
    void seen(UnaryOperator<byte[]> view) {
        seen = view;
    }

    /** What {@link #depart} sent. */
    @Nullable
    Sent sent() {
        return sent;
    }

    /**
     * Sends the request, which has been charged to its limits.
     *
     * @param now null when it has to wait for something
     * @param general what the general way makes of a reply
     * @param waiting the whole call for one that waits
     */
    Lane.Ride depart(
            Supplier<? extends @Nullable Sent> now,
            BiFunction<Mono<Reply>, LegacyRun, Mono<Answer>> general,
            Supplier<Mono<Answer>> waiting) {
        this.general = general;
        session.started(call.id(), interruption);
        try {
            sent = now.get();
        } catch (Rejection refused) {
            return WaitingRide.start(general(Mono.error(refused)), turn);
        }
        if (sent == null) {
            session.finished(call.id(), interruption);
            return WaitingRide.start(detached(Mono.defer(waiting)), turn);
        }
        return this;
    }

    @Override
    public void whole(byte[] json) {
        byte[] view;
        try {
            view = seen.apply(json);
        } catch (Rejection failure) {
            view = Replies.inBand(call, failure);
        } catch (RuntimeException unexpected) {
            otherwise(Mono.error(unexpected));
            return;
        }
        answered = true;
        session.finished(call.id(), interruption);
        turn.answer(200, Map.of(), "application/json", view);
    }

    @Override
    public void otherwise(Mono<Reply> reply) {
        rest = general(reply);
        turn.handOver(this);
    }

    /** From now on it is a run, which is cancelled like all others. */
    private Mono<Answer> general(Mono<Reply> reply) {
        LegacyRun next = new LegacyRun(call.id(), session);
        run = next;
        return detached(Objects.requireNonNull(general).apply(reply, next));
    }

    private Mono<Answer> detached(Mono<Answer> answer) {
        return Detached.from(
                answer.onErrorResume(error -> Mono.just(RequestPath.refusal(call.envelope(), call.mount(), error))),
                LegacyCalls::discard);
    }

    @Override
    public Mono<Answer> rest() {
        Mono<Answer> all = rest;
        rest = null;
        return all == null ? Mono.empty() : all;
    }

    @Override
    public void handOver() {
        if (isUnderWay()) {
            otherwise(Objects.requireNonNull(sent).handOver());
        }
    }

    private boolean isUnderWay() {
        return !answered && run == null && sent != null;
    }

    @Override
    public void left() {
        if (isUnderWay()) {
            rest = general(Objects.requireNonNull(sent).handOver());
            abandon();
        }
    }

    /** It runs on, and nobody will see its answer. */
    @Override
    public void abandon() {
        rest().subscribe(LegacyCalls::discard);
    }

    /** How {@code notifications/cancelled} and a stop of this replica find the call, on any thread. */
    private final class Interruption implements LiveSession.InFlight {
        @Override
        public void cancel(@Nullable String reasonJson) {
            interrupt(under -> under.cancel(reasonJson), () -> {});
        }

        @Override
        public Mono<Void> abandon() {
            Sinks.Empty<Void> done = Sinks.empty();
            interrupt(
                    under -> under.abandon().subscribe(never -> {}, never -> {}, done::tryEmitEmpty),
                    done::tryEmitEmpty);
            return done.asMono();
        }

        private void interrupt(Consumer<LegacyRun> how, Runnable tooLate) {
            Runnable task = () -> {
                handOver();
                LegacyRun under = run;
                if (under == null) {
                    tooLate.run();
                } else {
                    how.accept(under);
                }
            };
            if (turn.eventLoop().inEventLoop()) {
                task.run();
                return;
            }
            try {
                turn.eventLoop().execute(task);
            } catch (RejectedExecutionException closing) {
                tooLate.run(); // the loop ends, and the client's connection with it
            }
        }
    }
}
