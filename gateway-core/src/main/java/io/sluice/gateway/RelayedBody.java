package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.sluice.bridge.NewToOld;
import io.sluice.call.Call;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.ResponseFilter;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;

/**
 * The JSON answer of a backend on its way to the client, for one subscription. A small one is held until it is whole,
 * so that it can be looked at, and so that whatever is wrong with it can still
 * be said in its place. Of a larger one the beginning is held that long; then it passes as it comes, with nothing but
 * its id replaced, and its result completed.
 *
 * <p>State belongs to whichever thread delivers at the moment. What is held is on the heap, so that a client that
 * leaves leaves nothing to release.
 */
final class RelayedBody {
    private static final int HELD_BYTES = 64 * 1024;

    private final Call call;
    private final String backend;
    private final Function<Envelope, byte[]> response;
    private final List<byte[]> held = new ArrayList<>(2);
    private int heldBytes;
    private @Nullable ResponseFilter passing;

    /** @param response the client's view of a whole response, or the {@link Rejection} that it means */
    RelayedBody(Call call, String backend, Function<Envelope, byte[]> response) {
        this.call = call;
        this.backend = backend;
        this.response = response;
    }

    /** The buffers of {@code body} are released or passed on; those that come out are the subscriber's. */
    Flux<ByteBuf> of(Flux<ByteBuf> body) {
        return body.handle(this::take).concatWith(Mono.defer(this::end)).onErrorResume(this::failed);
    }

    private void take(ByteBuf part, SynchronousSink<ByteBuf> sink) {
        ResponseFilter filter = passing;
        if (filter != null) {
            sink.next(filter.push(part));
            return;
        }
        hold(part);
        if (heldBytes > HELD_BYTES) {
            requireObject();
            sink.next(passed());
        }
    }

    private void hold(ByteBuf part) {
        try {
            byte[] bytes = Replies.array(part);
            held.add(bytes);
            heldBytes += bytes.length;
        } finally {
            part.release();
        }
    }

    private ByteBuf passed() {
        ResponseFilter filter = new ResponseFilter(call.id(), null, NewToOld.required(call.method()));
        passing = filter;
        ByteBuf beginning = ByteBufAllocator.DEFAULT.directBuffer(heldBytes);
        held.forEach(beginning::writeBytes);
        held.clear();
        return filter.push(beginning);
    }

    private void requireObject() {
        for (byte[] piece : held) {
            for (byte b : piece) {
                if (b < 0 || b > ' ') {
                    if (b == '{') {
                        return;
                    }
                    throw failure("answered with something that is no JSON-RPC response");
                }
            }
        }
        throw failure("answered with something that is no JSON-RPC response");
    }

    private byte[] whole() {
        if (held.size() == 1) {
            return held.get(0);
        }
        byte[] whole = new byte[heldBytes];
        int at = 0;
        for (byte[] piece : held) {
            System.arraycopy(piece, 0, whole, at, piece.length);
            at += piece.length;
        }
        return whole;
    }

    private Mono<ByteBuf> end() {
        ResponseFilter filter = passing;
        if (filter == null) {
            return Mono.just(Replies.bytes(response.apply(Replies.read(whole(), backend))));
        }
        return filter.finish().complete()
                ? Mono.empty()
                : Mono.error(failure("sent an answer that is no complete JSON-RPC response"));
    }

    /**
     * Too late once something has passed: then the connection is cut, which is how HTTP says that a body is not whole.
     */
    private Mono<ByteBuf> failed(Throwable error) {
        return passing == null && error instanceof Rejection failure
                ? Mono.just(Replies.bytes(Replies.inBand(call, failure)))
                : Mono.error(error);
    }

    private Rejection failure(String what) {
        return Rejection.BackendFailure.unavailable(backend, "Backend '" + backend + "' " + what, Duration.ZERO);
    }
}
