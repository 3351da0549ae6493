package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.sluice.call.Answer;
import io.sluice.rejection.Rejection;
import java.util.Map;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/** Writes answers to the wire: one write for a whole message, one flush for each frame of a stream. */
final class Answers {
    private Answers() {}

    static Publisher<Void> write(Answer answer, HttpServerResponse response) {
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
            return response.send(events.frames(), frame -> true);
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
        return response.send(relayed.json());
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
