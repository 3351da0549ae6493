package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.bridge.NewToOld;
import io.sluice.call.Call;
import io.sluice.envelope.ResponseFilter;
import io.sluice.listener.Lane;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Direct;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A large JSON answer on the lane: what {@link RelayedBody} does, from one connection to the other. Buffers pass as they
 * were read, and leave together when no more has arrived for now. Owned by the event loop of both.
 */
final class PassingAnswer implements Direct.Flow {
    private final Call call;
    private final String backend;
    private final Lane.Turn turn;
    private final Lane.Begun ride;
    private final ResponseFilter filter;
    private Lane.@Nullable Body client;

    /**
     * @param ride abandoned when the answer is none
     * @param uris other URIs for the resources that it speaks of, where that may be needed
     */
    PassingAnswer(Call call, String backend, Lane.Turn turn, Lane.Begun ride, @Nullable UnaryOperator<String> uris) {
        this.call = call;
        this.backend = backend;
        this.turn = turn;
        this.ride = ride;
        this.filter = new ResponseFilter(call.id(), uris, NewToOld.required(call.method()));
    }

    @Override
    public void begin(Iterable<ByteBuf> held) {
        Lane.Body to = turn.begin("application/json");
        if (isObject(held)) {
            client = to;
            return;
        }
        ride.abandon();
        Rejection failure = Rejection.BackendFailure.unavailable(
                backend,
                "Backend '" + backend + "' answered with something that is no JSON-RPC response",
                Duration.ZERO);
        to.write(Replies.bytes(Replies.inBand(call, failure)));
        to.end();
    }

    private static boolean isObject(Iterable<ByteBuf> held) {
        for (ByteBuf part : held) {
            for (int i = part.readerIndex(); i < part.writerIndex(); i++) {
                byte b = part.getByte(i);
                if (b < 0 || b > ' ') {
                    return b == '{';
                }
            }
        }
        return false;
    }

    @Override
    public void part(ByteBuf part) {
        Lane.Body to = client;
        if (to == null) {
            part.release();
        } else {
            to.write(filter.push(part));
        }
    }

    @Override
    public void pauseInArrival() {
        Lane.Body to = client;
        if (to != null) {
            to.flush();
        }
    }

    @Override
    public void end() {
        Lane.Body to = client;
        if (to == null) {
            return;
        }
        to.write(filter.rest());
        if (filter.finish().complete()) {
            to.end();
        } else {
            to.cut();
        }
    }

    @Override
    public void failed() {
        Lane.Body to = client;
        if (to != null) {
            to.cut();
        }
    }
}
