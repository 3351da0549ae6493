package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** Writes answers to the wire: one write for a whole message, one flush for each frame of a stream. */
final class Answers {
    private static final byte[] EMPTY_RESULT = "{}".getBytes(StandardCharsets.US_ASCII);

    private Answers() {}

    /** The answer of the gateway itself to a call. */
    static Answer.Message result(Call call, byte[] resultJson) {
        return Answer.Message.of(JsonRpc.result(call.id(), resultJson));
    }

    /** The list that a call asks for. */
    static Answer.Message list(Call call) {
        return Answer.Message.of(JsonRpc.result(call.id(), call.mount().list(call.method(), call.version())));
    }

    /** That it is done, where nothing needs to be said. */
    static Answer.Message empty(Call call) {
        return result(call, EMPTY_RESULT);
    }

    /**
     * @param silence how long a stream may say nothing before a comment is written into it
     * @param streams counts the answer if it is one
     */
    static Publisher<Void> write(Answer answer, HttpServerResponse response, Duration silence, OpenStreams streams) {
        if (answer instanceof Answer.Message message) {
            return message(message, response);
        }
        if (answer instanceof Answer.Relayed relayed) {
            return relayed(relayed, response);
        }
        if (answer instanceof Answer.Events events) {
            response.status(HttpResponseStatus.OK)
                    .header(HttpHeaderNames.CONTENT_TYPE, "text/event-stream")
                    .header(HttpHeaderNames.CACHE_CONTROL, "no-cache")
                    .header("X-Accel-Buffering", "no");
            return SignsOfLife.during(
                    GatheredFlushes.during(
                            owning(events.frames(), frames -> response.send(frames, frame -> true)), response),
                    response,
                    silence,
                    streams);
        }
        Answer.Empty empty = (Answer.Empty) answer;
        headers(response, empty.headers());
        response.status(empty.status());
        if (empty.status() != 204) {
            response.header(HttpHeaderNames.CONTENT_LENGTH, "0");
        }
        return response.send();
    }

    private static Publisher<Void> message(Answer.Message message, HttpServerResponse response) {
        headers(response, message.headers());
        response.status(message.status())
                .header(HttpHeaderNames.CONTENT_TYPE, message.contentType())
                .header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(message.json().length));
        return response.sendObject(Unpooled.wrappedBuffer(message.json()));
    }

    private static Publisher<Void> relayed(Answer.Relayed relayed, HttpServerResponse response) {
        response.status(relayed.status()).header(HttpHeaderNames.CONTENT_TYPE, "application/json");
        Publisher<Void> sending = owning(relayed.json(), response::send);
        return relayed.json() instanceof Mono ? sending : GatheredFlushes.during(sending, response);
    }

    /** Whoever writes an answer owns the exchange with the backend behind it, also when the client is gone before anything is written. */
    private static Publisher<Void> owning(Publisher<ByteBuf> body, Function<Publisher<ByteBuf>, Publisher<Void>> send) {
        AtomicBoolean subscribed = new AtomicBoolean();
        // a Mono goes out as one write, with its length
        Publisher<ByteBuf> watched = body instanceof Mono<ByteBuf> whole
                ? whole.doOnSubscribe(ignored -> subscribed.set(true))
                : Flux.from(body).doOnSubscribe(ignored -> subscribed.set(true));
        return Mono.from(send.apply(watched)).doFinally(end -> {
            if (subscribed.compareAndSet(false, true)) {
                abandon(body);
            }
        });
    }

    /** Gives up an answer that nobody will write. */
    static void discard(Answer answer) {
        if (answer instanceof Answer.Relayed relayed) {
            abandon(relayed.json());
        } else if (answer instanceof Answer.Events events) {
            abandon(events.frames());
        }
    }

    private static void abandon(Publisher<ByteBuf> body) {
        Flux.from(body).subscribe(ByteBuf::release, alreadyGone -> {}).dispose();
    }

    private static void headers(HttpServerResponse response, Map<String, String> headers) {
        headers.forEach(response::header);
    }

    /** The whole JSON of an answer that is a message; empty for one without. */
    static Mono<byte[]> bytes(Answer answer) {
        if (answer instanceof Answer.Message message) {
            return Mono.just(message.json());
        }
        if (answer instanceof Answer.Relayed relayed) {
            return Replies.whole(
                    relayed.json(),
                    () -> new Rejection.InvalidRequest("An answer is too large for a batch; ask for it alone"));
        }
        if (answer instanceof Answer.Events events) {
            return Flux.from(events.frames()).doOnNext(ByteBuf::release).then(Mono.empty());
        }
        return Mono.empty();
    }
}
