package io.sluice.gateway;

import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.listener.Lane;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Direct;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Upstream;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** One call on the short way, from when it is sent to its backend until it is answered or handed over. State is owned by the event loop. */
final class DirectRide implements Direct, Lane.Ride, Lane.Begun, Ahead {
    private final Call call;
    private final Upstream upstream;
    private final Lane.Turn turn;
    private final boolean inBand;
    private final UnaryOperator<byte[]> whole;
    private final Function<Mono<Reply>, Mono<Answer>> general;
    private @Nullable Supplier<Flow> passing;
    private @Nullable Sent sent;

    /** A request that fails while it is sent can be handed over, and abandoned, before there is a {@link Sent}. */
    private boolean abandoned;

    private Mono<Answer> rest = Mono.empty();

    /**
     * @param inBand whether a {@link Rejection} by {@code whole} is said in the place of the answer; else it is the call's own
     * @param whole what the client sees of a small JSON answer
     * @param general what the general way makes of a reply
     */
    DirectRide(
            Call call,
            Upstream upstream,
            Lane.Turn turn,
            boolean inBand,
            UnaryOperator<byte[]> whole,
            Function<Mono<Reply>, Mono<Answer>> general) {
        this.call = call;
        this.upstream = upstream;
        this.turn = turn;
        this.inBand = inBand;
        this.whole = whole;
        this.general = general;
    }

    /** @param large who takes a large JSON answer as it comes */
    void passing(Supplier<Flow> large) {
        passing = large;
    }

    /**
     * Sends the request. The call has been charged to its limits, so from here on it is answered, refused or handed over,
     * and never begun anew.
     *
     * @param now null when it has to wait for something
     * @param waiting the same request for one that waits
     */
    Lane.Ride depart(Supplier<@Nullable Sent> now, Supplier<Mono<Answer>> waiting) {
        try {
            sent = now.get();
        } catch (Rejection refused) {
            return WaitingRide.start(answered(Mono.error(refused)), turn);
        }
        if (abandoned) {
            abandon();
        }
        return sent != null ? this : WaitingRide.start(answered(Mono.defer(waiting)), turn);
    }

    @Override
    public void whole(byte[] json) {
        byte[] seen;
        try {
            seen = whole.apply(json);
        } catch (RuntimeException failure) {
            if (inBand && failure instanceof Rejection said) {
                turn.answer(200, Map.of(), "application/json", Replies.inBand(call, said));
            } else {
                otherwise(Mono.error(failure));
            }
            return;
        }
        turn.answer(200, Map.of(), "application/json", seen);
    }

    @Override
    public void otherwise(Mono<Reply> reply) {
        rest = answered(general.apply(reply));
        turn.handOver(this);
    }

    @Override
    public @Nullable Flow flow() {
        return passing == null ? null : passing.get();
    }

    @Override
    public void flowing(boolean takes) {
        Sent onItsWay = sent;
        if (onItsWay != null) {
            onItsWay.reading(takes);
        }
    }

    private Mono<Answer> answered(Mono<Answer> answer) {
        return answer.onErrorMap(Rejection.BackendFailure.class, e -> Replies.sinceWhen(upstream, e))
                .onErrorResume(error -> Mono.just(RequestPath.refusal(call.envelope(), call.mount(), error)));
    }

    @Override
    public Mono<Answer> rest() {
        return rest;
    }

    @Override
    public void handOver() {
        Sent onItsWay = sent;
        if (onItsWay != null) {
            otherwise(onItsWay.handOver());
        }
    }

    @Override
    public void left() {
        abandon();
    }

    @Override
    public void abandon() {
        abandoned = true;
        Sent onItsWay = sent;
        if (onItsWay != null) {
            onItsWay.abandon();
        }
    }
}
