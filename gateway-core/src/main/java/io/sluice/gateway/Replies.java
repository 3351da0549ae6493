package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Event;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Upstream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Reads what backends answered, as far as the gateway must understand it. */
final class Replies {
    private static final int MAX_WHOLE_BYTES = 16 << 20;

    private Replies() {}

    /** Whether a client wants to hear of its call before the answer, and can, or has a limit of its own. */
    static boolean goesAlone(Call call) {
        return call.inbound().headers().contains(McpHeaders.TIMEOUT)
                || call.inbound().accept().events()
                        && (call.envelope().metaProgressToken().isPresent()
                                || call.envelope().metaLogLevel().isPresent());
    }

    /** A message of a backend, whose mistakes are the backend's. */
    static Envelope read(byte[] json, String backend) {
        return MessageReader.read(json)
                .orElseThrow(() -> Rejection.BackendFailure.unavailable(
                        backend,
                        "Backend '" + backend + "' sent something that is not a JSON-RPC message",
                        Duration.ZERO));
    }

    static Envelope read(Event.Message message, String backend) {
        Envelope known = message.read();
        return known != null ? known : read(message.json(), backend);
    }

    static boolean isResponse(Event.Message message) {
        Envelope known = message.read();
        return known != null ? known.kind() == Kind.RESPONSE : isResponse(message.json());
    }

    static boolean isResponse(byte[] json) {
        return MessageReader.read(json)
                .filter(message -> message.kind() == Kind.RESPONSE)
                .isPresent();
    }

    /** One message that arrives in parts, changed as a whole. */
    static Mono<ByteBuf> changed(Reply.Json reply, String backend, Function<Envelope, byte @Nullable []> change) {
        return whole(reply.body(), backend).map(json -> {
            byte[] changed = change.apply(read(json, backend));
            if (changed == null) {
                throw unanswered(backend);
            }
            return bytes(changed);
        });
    }

    /** A backend's answer, of which more than 16 MiB are not taken. */
    static Mono<byte[]> whole(Publisher<ByteBuf> body, String backend) {
        return whole(
                body,
                () -> Rejection.BackendFailure.unavailable(
                        backend,
                        "Backend '" + backend + "' sent an answer of more than " + MAX_WHOLE_BYTES
                                + " bytes, which cannot be translated for this client",
                        Duration.ZERO));
    }

    /**
     * Everything that comes, in one piece; the buffers are released.
     *
     * @param tooLarge what more than 16 MiB end in
     */
    static Mono<byte[]> whole(Publisher<ByteBuf> body, Supplier<Rejection> tooLarge) {
        return Flux.from(body)
                .collect(ByteArrayOutputStream::new, (whole, part) -> take(whole, part, tooLarge))
                .doOnDiscard(ByteBuf.class, ByteBuf::release) // what arrives while nobody waits any more
                .map(ByteArrayOutputStream::toByteArray);
    }

    private static void take(ByteArrayOutputStream whole, ByteBuf part, Supplier<Rejection> tooLarge) {
        try {
            if (whole.size() + part.readableBytes() > MAX_WHOLE_BYTES) {
                throw tooLarge.get();
            }
            whole.writeBytes(ByteBufUtil.getBytes(part));
        } finally {
            part.release();
        }
    }

    /** The body as it comes; a failure before its first byte becomes an in-band answer. */
    static Flux<ByteBuf> guarded(Publisher<ByteBuf> body, Call call) {
        return Flux.from(body)
                .switchOnFirst((first, all) -> first.getThrowable() instanceof Rejection failure
                        ? Flux.just(bytes(inBand(call, failure)))
                        : all);
    }

    /** The events up to and including the response. A stream that ends without one gets an in-band failure in its place, so that the client never waits in vain. */
    static Flux<Event> untilResponse(Flux<Event> events, Call call, String backend) {
        return Flux.defer(() -> {
            boolean[] answered = new boolean[1];
            return events.doOnNext(event -> {
                        if (event instanceof Event.Message message && isResponse(message)) {
                            answered[0] = true;
                        }
                    })
                    .takeUntil(event -> answered[0])
                    .onErrorResume(error -> Mono.just(broken(call, backend, answered, error)))
                    .concatWith(Mono.defer(
                            () -> answered[0] ? Mono.empty() : Mono.just(broken(call, backend, answered, null))));
        });
    }

    /**
     * The same, of events that are turned into what the client sees on the way.
     *
     * @param seen the client's view of a message, the same bytes where nothing changes, null for nothing at all; a {@link Rejection} ends the stream with an in-band failure
     */
    @SuppressWarnings("ReferenceEquality") // the same bytes mean the same event
    static Flux<Event> untilResponse(
            Flux<Event> events, Call call, String backend, Function<Envelope, byte @Nullable []> seen) {
        return Flux.defer(() -> {
            boolean[] answered = new boolean[1];
            return events.<Event>handle((event, sink) -> {
                        if (!(event instanceof Event.Message message)) {
                            sink.next(event);
                            return;
                        }
                        Envelope envelope = read(message, backend);
                        byte[] view = seen.apply(envelope);
                        if (view != null) {
                            answered[0] |= envelope.kind() == Kind.RESPONSE;
                            sink.next(view == message.json() ? event : new Event.Message(view));
                        }
                    })
                    .takeUntil(event -> answered[0])
                    .onErrorResume(error -> Mono.just(broken(call, backend, answered, error)))
                    .concatWith(Mono.defer(
                            () -> answered[0] ? Mono.empty() : Mono.just(broken(call, backend, answered, null))));
        });
    }

    private static Event broken(Call call, String backend, boolean[] answered, @Nullable Throwable error) {
        answered[0] = true;
        Rejection failure = error instanceof Rejection rejection
                ? rejection
                : Rejection.BackendFailure.unavailable(
                        backend,
                        "Backend '" + backend + "' ended the stream before it answered; whether it acted is unknown",
                        Duration.ZERO);
        return new Event.Message(inBand(call, failure));
    }

    /** The message that reports a failure inside an answer that has already begun, or as a whole answer of status 200. */
    static byte[] inBand(Call call, Rejection failure) {
        if (call.method() == McpMethod.TOOLS_CALL && failure instanceof Rejection.BackendFailure) {
            return JsonRpc.toolFailure(
                    call.id(),
                    call.version().era(),
                    failure.reason(),
                    failure.data().orElse(null));
        }
        return JsonRpc.error(
                call.id(), failure.code(), failure.reason(), failure.data().orElse(null));
    }

    /** Only the response out of a stream, for a client that takes no streams. */
    static Mono<ByteBuf> finalResponse(Flux<Event> events, Call call, String backend) {
        return last(untilResponse(events, call, backend));
    }

    /** The response out of the stream that ends with it; nothing where the call was cancelled before. */
    static Mono<ByteBuf> last(Flux<Event> untilResponse) {
        return untilResponse
                .filter(event -> event instanceof Event.Message message && isResponse(message))
                .next()
                .map(event -> bytes(((Event.Message) event).json()));
    }

    /** Reads a reply to its end for the sake of its connection, whatever it says. */
    static Mono<Void> read(Reply reply) {
        if (reply instanceof Reply.Json json) {
            return json.body().doOnNext(ByteBuf::release).then();
        }
        return reply instanceof Reply.Events events ? events.events().then() : Mono.empty();
    }

    /** The response to a request of the gateway's own, whichever way it came. */
    static Mono<Envelope> response(Reply reply, String backend) {
        if (reply instanceof Reply.Json json) {
            return whole(json.body(), backend).map(bytes -> read(bytes, backend));
        }
        if (reply instanceof Reply.Events events) {
            return events.events()
                    .ofType(Event.Message.class)
                    .map(message -> read(message.json(), backend))
                    .filter(message -> message.kind() == Kind.RESPONSE)
                    .next()
                    .switchIfEmpty(Mono.error(() -> unanswered(backend)));
        }
        if (reply instanceof Reply.Refused refused && refused.json()) {
            return Mono.just(read(refused.body(), backend))
                    .filter(message -> message.kind() == Kind.RESPONSE)
                    .switchIfEmpty(Mono.error(() -> refusedFailure(backend, refused)));
        }
        return Mono.error(
                () -> reply instanceof Reply.Refused refused ? refusedFailure(backend, refused) : unanswered(backend));
    }

    /** The code of a JSON-RPC error message, or 0 when it is none. */
    static int errorCode(Envelope message) {
        Span error = message.error();
        Span code = error.isPresent() && message.isObject(error) ? message.member(error, "code") : Span.NONE;
        if (!code.isPresent()) {
            return 0;
        }
        try {
            return Integer.parseInt(
                    new String(message.body(), code.start(), code.end() - code.start(), StandardCharsets.US_ASCII));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** The same failure, with the time since when the backend has been in this trouble, if it still is. */
    static Throwable sinceWhen(Upstream upstream, Rejection.BackendFailure failure) {
        String what = failure.reason().substring(failure.reason().indexOf(": ") + 1);
        return upstream.trouble()
                .filter(sentence -> sentence.endsWith(what))
                .<Throwable>map(sentence ->
                        Rejection.BackendFailure.unavailable(failure.backend(), sentence, Duration.ofSeconds(1)))
                .orElse(failure);
    }

    static Rejection refusedFailure(String backend, Reply.Refused refused) {
        String why = refused.status() == 404
                ? "has no MCP endpoint at the registered URL (HTTP 404)"
                : "refused this gateway's request with HTTP " + refused.status();
        return Rejection.BackendFailure.unavailable(backend, "Backend '" + backend + "' " + why, Duration.ZERO);
    }

    static Rejection unanswered(String backend) {
        return Rejection.BackendFailure.unavailable(
                backend, "Backend '" + backend + "' accepted the request but gave no answer to it", Duration.ZERO);
    }

    /** What is readable, without a copy where it is all there is in an array; the buffer is not to be written to. */
    static byte[] array(ByteBuf part) {
        return part.hasArray()
                        && part.arrayOffset() == 0
                        && part.readerIndex() == 0
                        && part.array().length == part.readableBytes()
                ? part.array()
                : ByteBufUtil.getBytes(part);
    }

    static ByteBuf bytes(byte[] json) {
        return Unpooled.wrappedBuffer(json);
    }
}
