package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.call.Call;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.IdRewriter;
import io.sluice.rejection.Rejection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;

/**
 * The JSON answer of a backend on its way to the client, for one subscription. A small one is held until it is whole,
 * so that it can be looked at, and so that whatever is wrong with it can still
 * be said in its place. Of a larger one the beginning is held that long; then it passes as it comes, with nothing but
 * its id replaced.
 *
 * <p>State belongs to whichever thread delivers at the moment. What is held is on the heap, so that a client that
 * leaves leaves nothing to release.
 */
final class RelayedBody {
    private static final int HELD_BYTES = 64 * 1024;

    private final Call call;
    private final String backend;
    private final Function<Envelope, byte[]> response;
    private ByteArrayOutputStream held = new ByteArrayOutputStream(0);
    private @Nullable IdRewriter passing;

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
        IdRewriter rewriter = passing;
        if (rewriter != null) {
            sink.next(rewriter.push(part));
            return;
        }
        hold(part);
        if (held.size() > HELD_BYTES) {
            byte[] beginning = held.toByteArray();
            requireObject(beginning);
            held = new ByteArrayOutputStream(0);
            passing = new IdRewriter(call.id());
            sink.next(passing.push(Replies.bytes(beginning)));
        }
    }

    private void hold(ByteBuf part) {
        try {
            if (held.size() == 0) {
                held = new ByteArrayOutputStream(part.readableBytes());
            }
            part.readBytes(held, part.readableBytes());
        } catch (IOException e) {
            throw new IllegalStateException("memory does not fail so", e);
        } finally {
            part.release();
        }
    }

    private void requireObject(byte[] beginning) {
        int i = 0;
        while (i < beginning.length && beginning[i] <= ' ' && beginning[i] >= 0) {
            i++;
        }
        if (i == beginning.length || beginning[i] != '{') {
            throw failure("answered with something that is no JSON-RPC response");
        }
    }

    private Mono<ByteBuf> end() {
        IdRewriter rewriter = passing;
        if (rewriter == null) {
            return Mono.just(Replies.bytes(response.apply(Replies.read(held.toByteArray(), backend))));
        }
        return rewriter.finish().complete()
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
