package io.sluice.cache;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.upstream.Event;
import io.sluice.upstream.Reply;
import java.util.Optional;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What came of a request that several may be waiting for. */
sealed interface Outcome {
    /** One message, whole. */
    record Answered(int status, byte[] message) implements Outcome {
        /** As it would have come to the request {@code id}; it came to {@code asked}. */
        Reply under(RequestId id, RequestId asked) {
            byte[] seen = named(message, id, asked);
            return new Reply.Json(status, Flux.defer(() -> Flux.just(Unpooled.wrappedBuffer(seen))), true);
        }
    }

    /** A refusal of the request. */
    record Refused(Reply.Refused refusal) implements Outcome {
        Reply under(RequestId id, RequestId asked) {
            return refusal.json()
                    ? new Reply.Refused(refusal.status(), named(refusal.body(), id, asked), true, refusal.headers())
                    : refusal;
        }
    }

    /** Whatever else: too much of it to be held, or nothing. For one reader. */
    record Other(Reply reply) implements Outcome {}

    /** Reads a reply to its end, as far as it is no more than {@code limit} bytes. */
    static Mono<Outcome> of(Reply reply, int limit) {
        if (reply instanceof Reply.Json json) {
            return Gathering.of(json, limit);
        }
        if (reply instanceof Reply.Events events) {
            return events.events()
                    .ofType(Event.Message.class)
                    .filter(message -> isResponse(message.json()))
                    .next()
                    .map(message -> new Answered(200, message.json()));
        }
        return Mono.just(reply instanceof Reply.Refused refused ? new Refused(refused) : new Other(reply));
    }

    static boolean isResponse(byte[] json) {
        return MessageReader.read(json)
                .filter(message -> message.kind() == Kind.RESPONSE)
                .isPresent();
    }

    /** A message that bears the id of another request altogether stays as it is, for everybody to see. */
    private static byte[] named(byte[] message, RequestId id, RequestId asked) {
        if (id.equals(asked)) {
            return message;
        }
        Optional<Envelope> read = MessageReader.read(message).filter(found -> isFor(found, asked));
        return read.isEmpty()
                ? message
                : new Patch(read.get())
                        .replace(read.get().idSpan(), id.rawJsonBytes())
                        .toBytes();
    }

    /** Whether a message bears this id; some backends make a string of a number, or a number of a string. */
    static boolean isFor(Envelope message, RequestId asked) {
        RequestId id = message.id();
        return id != null && (id.equals(asked) || unquoted(id).equals(unquoted(asked)));
    }

    private static String unquoted(RequestId id) {
        String raw = id.rawJson();
        return id.isString() ? raw.substring(1, raw.length() - 1) : raw;
    }

    /** A body that turned out to be too long to be held: what was read of it, and what follows. */
    static Outcome passing(int status, Flux<ByteBuf> body) {
        return new Other(new Reply.Json(status, body));
    }
}
