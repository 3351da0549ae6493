package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpRequest;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.Inbound;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.RenderedList;
import io.sluice.listener.Lane;
import io.sluice.overload.Overload;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The short way beside {@link Gateway#handler()}, by the stages of {@link RequestPath}. A call for which nothing has to be
 * waited is sent at once, and a small JSON answer to it written at once ({@link DirectRide}); any other waits for its
 * publisher, and is written so if its answer turns out to be one whole message ({@link WaitingRide}). Whatever else comes
 * of a call is handed over to the general way with what there is of it, and a request that is refused before it is
 * understood goes that way from the start; one that is refused later is answered with that refusal, since it may have been
 * charged to its limits by then. So nothing is refused, or fails, in a way of the lane's own.
 *
 * <p>What it saves is Reactor Netty's exchange on the side of the client and, for the first kind, all operators: about
 * half of what a small call costs ({@code benchmarks/run}).
 */
final class DirectCalls implements Lane {
    /** Of a request that was answered before it was taken. */
    static final Ride ANSWERED = new Ride() {
        @Override
        public void left() {}

        @Override
        public void handOver() {}
    };

    static Ride answered(Answer.Message message, Turn turn) {
        turn.answer(message.status(), message.headers(), message.contentType(), message.json());
        return ANSWERED;
    }

    /** Answers with the list that a call asks for. */
    static Ride list(Call call, Turn turn) {
        RenderedList list = call.mount().list(call.method(), call.version());
        turn.answer(200, Map.of(), "application/json", JsonRpc.buffer(call.id(), list));
        return ANSWERED;
    }

    private final RequestPath path;
    private final Supplier<View> views;
    private final long maxBodyBytes;
    private final Overload overload;

    DirectCalls(RequestPath path, Supplier<View> views, long maxBodyBytes, Overload overload) {
        this.path = path;
        this.views = views;
        this.maxBodyBytes = maxBodyBytes;
        this.overload = overload;
    }

    @Override
    public @Nullable Ride take(HttpRequest request, ByteBuf body, Turn turn) {
        String mount = Gateway.mount(request.uri());
        if (mount == null || body.readableBytes() > maxBodyBytes || overload.refusesAll()) {
            return null;
        }
        View view = views.get();
        RequestPath.Known known;
        try {
            known = path.read(Inbound.of(mount, request.headers()), view, Replies.array(body));
        } catch (RuntimeException refused) {
            return null; // to be refused the general way, or to fail there
        }
        return known == null ? null : take(known, turn);
    }

    /** Not refused by saying no: the general way would charge the call to its limits once more. */
    private Ride take(RequestPath.Known known, Turn turn) {
        Ride ride;
        try {
            ride = path.serveNow(known, turn);
        } catch (RuntimeException refused) {
            return WaitingRide.start(Mono.just(RequestPath.refusal(known.envelope(), known.mount(), refused)), turn);
        }
        return ride != null ? ride : WaitingRide.start(path.serve(known), turn);
    }
}
