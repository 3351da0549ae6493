package io.sluice.upstream;

import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.McpHeaders;
import io.sluice.rejection.Rejection.BackendFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Sends modern requests, each an exchange for itself (2026-07-28, <em>Streamable HTTP</em>): writes the headers that
 * mirror the body, and reads the reply without touching its bytes, which are whoever's reads it. Keeps nothing between
 * requests; safe for use by many threads.
 */
final class ModernExchanges {
    private final BackendHttp http;
    private final Verdicts verdicts;
    private final @Nullable BuiltIn local;

    /** @param local what answers when the backend is part of this process, or null */
    ModernExchanges(BackendHttp http, Verdicts verdicts, @Nullable BuiltIn local) {
        this.http = http;
        this.verdicts = verdicts;
        this.local = local;
    }

    /**
     * Sends a modern request as it is, with the headers that mirror it. The reply's bytes are the backend's. Fails
     * with {@link BackendFailure} when the backend cannot do its part, which includes 401, 403, 429 and 5xx.
     * Cancelling, before or during the reply, closes the exchange.
     *
     * @param body a whole, valid modern request; not to be written to afterwards
     */
    Mono<Reply> post(byte[] body, ModernHead head, Terms terms) {
        return local != null ? answered(local, body) : post(asked(body, head, terms));
    }

    /** As the other form, of a message that is sent from where it is, and must be there until the reply has begun. */
    Mono<Reply> post(Patch message, ModernHead head, Terms terms) {
        return local == null && message.isHeld()
                ? post(asked(null, head, terms).carrying(message))
                : post(message.toBytes(), head, terms);
    }

    private Mono<Reply> post(Ask ask) {
        Terms terms = ask.terms();
        return Limited.on(
                reply(http.send(ask), terms),
                terms,
                http.backend().name(),
                http.settings().timer(),
                () -> {});
    }

    /**
     * As {@link #post}, for a caller on an event loop that does not want to wait: null, and nothing was done, when
     * there is something to wait for.
     */
    Direct.@Nullable Sent postNow(byte[] body, ModernHead head, Terms terms, EventLoop eventLoop, Direct direct) {
        if (local != null) {
            return null;
        }
        Prompted sent = http.sendNow(asked(body, head, terms), eventLoop, new Prompt() {
            @Override
            public void whole(byte[] json) {
                direct.whole(json);
            }

            @Override
            public void otherwise(Mono<Answer> outcome) {
                direct.otherwise(reply(outcome, terms));
            }

            @Override
            public Direct.@Nullable Flow flow() {
                return direct.flow();
            }
        });
        return sent == null
                ? null
                : new Direct.Sent() {
                    @Override
                    public void abandon() {
                        sent.abandon();
                    }

                    @Override
                    public void reading(boolean on) {
                        sent.reading(on);
                    }

                    @Override
                    public Mono<Reply> handOver() {
                        return reply(sent.handOver(), terms);
                    }
                };
    }

    private Ask asked(byte @Nullable [] body, ModernHead head, Terms terms) {
        return Ask.call(
                body,
                headers -> write(head, headers),
                http.backend().timeout(),
                Way.isRepeatable(head.method()),
                terms,
                null,
                false);
    }

    private void write(ModernHead head, HttpHeaders headers) {
        headers.set(HttpHeaderNames.ACCEPT, MediaTypes.BOTH);
        headers.set(McpHeaders.PROTOCOL_VERSION, verdicts.modernVersion().wire());
        headers.set(McpHeaders.METHOD, head.method());
        if (head.name() != null) {
            headers.set(McpHeaders.NAME, HeaderValue.encode(head.name()));
        }
        for (Map.Entry<String, String> param : head.paramHeaders()) {
            headers.set(param.getKey(), param.getValue());
        }
        if (head.traceparent() != null) {
            headers.set("traceparent", head.traceparent());
        }
        http.via(headers, head.via());
    }

    private Mono<Reply> reply(Mono<Answer> outcome, Terms terms) {
        return outcome.flatMap(answer -> reply(answer, terms)).doOnDiscard(Reply.class, Reply::discard);
    }

    private static Mono<Reply> answered(BuiltIn server, byte[] body) {
        return Mono.justOrEmpty(MessageReader.read(body))
                .flatMap(server::answer)
                .map(answer -> new Reply.Json(200, Flux.just(Unpooled.wrappedBuffer(answer)), true));
    }

    private Mono<Reply> reply(Answer answer, Terms terms) {
        if (answer.isEventStream()) {
            return Mono.just(new Reply.Events(http.inTime(events(answer), terms)));
        }
        if (answer.isSuccess() && answer.isEmpty()) {
            answer.drop();
            return Mono.just(Reply.Accepted.INSTANCE);
        }
        if (answer.isSuccess() && answer.isJson()) {
            return Mono.just(new Reply.Json(answer.status(), answer.body(), answer.isSmall()));
        }
        return answer.refused().flatMap(refused -> {
            if (Failures.concernsBackend(refused.status()) || refused.status() < 300) {
                return Mono.error(
                        http.failures().answered(refused, answer.endpoint().url()));
            }
            suspectIfStrange(refused);
            return Mono.just(refused);
        });
    }

    /** These say that the backend may no longer speak what we believe; anything else is about the request. */
    private void suspectIfStrange(Reply.Refused refused) {
        int code = MessageReader.read(refused.body()).map(Probe::code).orElse(0);
        boolean strange = code == 0
                || code == ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION
                || code == ErrorCodes.HEADER_MISMATCH
                || code == ErrorCodes.INVALID_REQUEST
                || (code <= -32000 && code > ErrorCodes.HEADER_MISMATCH);
        if (strange) {
            verdicts.suspect();
        }
    }

    private Flux<Event> events(Answer answer) {
        SseReader reader = new SseReader(http.settings().maxEventBytes());
        AtomicReference<@Nullable Event> response = new AtomicReference<>();
        return answer.items(reader, () -> response.get() != null)
                .concatMapIterable(item -> events(item, response), 1)
                .takeUntil(event -> event.equals(response.get()))
                .concatWith(Flux.defer(() -> response.get() != null
                        ? Flux.empty()
                        : Flux.error(http.failures().unavailable("it ended the stream of a call before it answered"))));
    }

    private static List<Event> events(SseItem item, AtomicReference<@Nullable Event> response) {
        if (item instanceof SseItem.Comment) {
            return List.of(Event.Comment.INSTANCE);
        }
        List<Event> found = new ArrayList<>(1);
        for (Envelope message : Messages.messagesOf(item)) {
            if (response.get() == null) {
                Event event = new Event.Message(message);
                found.add(event);
                if (message.kind() == Kind.RESPONSE) {
                    response.set(event);
                }
            }
        }
        return found;
    }
}
