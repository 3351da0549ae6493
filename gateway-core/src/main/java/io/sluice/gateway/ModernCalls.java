package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.bridge.NewToOld;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.ModernHead;
import io.sluice.upstream.Reply;
import io.sluice.upstream.SseWriter;
import io.sluice.upstream.Upstream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Answers the requests of modern clients (2026-07-28): what the catalog knows from memory, the rest from the one backend that has the target. A client that goes away cancels the subscription
 * to the answer, which closes the exchange with the backend: that is the modern way to cancel.
 */
final class ModernCalls {
    private final Listens listens;

    ModernCalls(Listens listens) {
        this.listens = listens;
    }

    Mono<Answer> serve(Call call, View view) {
        McpMethod method = call.method();
        if (!call.mount().offers(method, Era.MODERN)) {
            throw new Rejection.MethodNotFound(method.wire(), true);
        }
        return switch (method) {
            case DISCOVER -> answer(call, call.mount().discoverResult());
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> {
                Targets.refuseCursor(call.envelope());
                yield answer(call, call.mount().list(method, call.version()).bytes());
            }
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE -> forward(call, view);
            case SUBSCRIPTIONS_LISTEN -> listens.open(call, view);
            default -> throw new Rejection.MethodNotFound(method.wire(), true);
        };
    }

    private static Mono<Answer> answer(Call call, byte[] result) {
        return Mono.just(Answer.Message.of(JsonRpc.result(call.id(), result)));
    }

    private Mono<Answer> forward(Call call, View view) {
        Target target = Targets.of(call);
        ModernChecks.checkParams(call.inbound(), call.envelope(), target);
        Upstream upstream = view.upstream(target.backend());
        return upstream.verdict()
                .flatMap(verdict -> verdict.era() == Era.MODERN
                        ? relay(call, target, upstream)
                        : translate(call, target, upstream));
    }

    private Mono<Answer> relay(Call call, Target target, Upstream upstream) {
        Envelope envelope = call.envelope();
        Patch patch = Targets.rename(call, target);
        ModernHead head = new ModernHead(
                envelope.method(), Targets.nameUpstream(call, target), paramHeaders(call), traceparent(call));
        return upstream.postModern(patch.toBytes(), head).map(reply -> toAnswer(call, target, upstream, reply));
    }

    private Answer toAnswer(Call call, Target target, Upstream upstream, Reply reply) {
        if (reply instanceof Reply.Json json) {
            return new Answer.Relayed(json.status(), Replies.guarded(json.body(), call));
        }
        if (reply instanceof Reply.Events events) {
            return eventsAnswer(call, upstream, events.events());
        }
        if (reply instanceof Reply.Refused refused) {
            return refusedAnswer(call, target, upstream, refused);
        }
        throw Replies.unanswered(upstream.backend().name());
    }

    private Answer eventsAnswer(Call call, Upstream upstream, Flux<Event> events) {
        if (!call.inbound().accept().events()) {
            return new Answer.Relayed(
                    200, Replies.finalResponse(events, call, upstream.backend().name()));
        }
        return new Answer.Events(
                Replies.untilResponse(events, call, upstream.backend().name()).map(ModernCalls::frame));
    }

    private static ByteBuf frame(Event event) {
        return Replies.bytes(
                event instanceof Event.Message message ? SseWriter.event(null, message.json()) : SseWriter.comment());
    }

    /**
     * A refusal that is about the client's request is relayed; one that is about this gateway's own hop would poison the client's idea of the gateway and is not.
     */
    private static Answer refusedAnswer(Call call, Target target, Upstream upstream, Reply.Refused refused) {
        if (refused.json()) {
            int code =
                    MessageReader.read(refused.body()).map(Replies::errorCode).orElse(0);
            boolean clientComputed =
                    !paramHeaders(call).isEmpty() || !target.paramHeaders().isEmpty();
            boolean aboutTheRequest = switch (code) {
                case ErrorCodes.MISSING_CLIENT_CAPABILITY, ErrorCodes.INVALID_PARAMS -> true;
                case ErrorCodes.HEADER_MISMATCH -> clientComputed;
                case ErrorCodes.METHOD_NOT_FOUND -> refused.status() == 404 || refused.status() == 400;
                default -> false;
            };
            if (aboutTheRequest) {
                return Answer.Message.of(refused.status(), refused.body());
            }
            if (code == ErrorCodes.HEADER_MISMATCH
                    || code == ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION
                    || code == ErrorCodes.METHOD_NOT_FOUND) {
                upstream.suspect();
            }
        }
        throw Replies.refusedFailure(upstream.backend().name(), refused);
    }

    private static Mono<Answer> translate(Call call, Target target, Upstream upstream) {
        String backend = upstream.backend().name();
        return upstream.shared().flatMap(session -> {
            Patch patch = NewToOld.request(call.envelope(), Targets.rename(call, target));
            Exchange exchange = session.request(call.envelope(), patch);
            Runnable cancel = () -> session.cancel(exchange.upstreamId(), null)
                    .onErrorComplete()
                    .subscribe();
            return exchange.reply()
                    .map(reply -> translated(call, backend, session, reply, cancel))
                    .doOnCancel(cancel);
        });
    }

    private static Answer translated(Call call, String backend, LegacySession session, Reply reply, Runnable cancel) {
        if (reply instanceof Reply.Json json) {
            Mono<ByteBuf> body = Replies.changed(json, backend, message -> NewToOld.response(message, call.method()));
            return new Answer.Relayed(200, Replies.guarded(body.doOnCancel(cancel), call));
        }
        if (reply instanceof Reply.Events events) {
            Flux<Event> modern = events.events().concatMap(event -> translated(call, backend, session, event), 1);
            if (!call.inbound().accept().events()) {
                return new Answer.Relayed(
                        200, Replies.finalResponse(modern, call, backend).doOnCancel(cancel));
            }
            return new Answer.Events(Replies.untilResponse(modern, call, backend)
                    .map(ModernCalls::frame)
                    .doOnCancel(cancel));
        }
        if (reply instanceof Reply.Refused refused && refused.json()) {
            Envelope message = Replies.read(refused.body(), backend);
            if (message.error().isPresent() && message.id() != null) {
                return Answer.Message.of(NewToOld.response(message, call.method()));
            }
        }
        throw reply instanceof Reply.Refused refused
                ? Replies.refusedFailure(backend, refused)
                : Replies.unanswered(backend);
    }

    /** What of a legacy backend's stream a modern client may see. Nothing can be asked of it here, and log messages come only when the call wants them. */
    private static Mono<Event> translated(Call call, String backend, LegacySession session, Event event) {
        if (!(event instanceof Event.Message message)) {
            return event instanceof Event.Comment ? Mono.just(event) : Mono.empty();
        }
        Envelope envelope = Replies.read(message.json(), backend);
        return switch (envelope.kind()) {
            case RESPONSE -> Mono.just(new Event.Message(NewToOld.response(envelope, call.method())));
            case NOTIFICATION -> {
                boolean logMessage = envelope.method().equals(McpMethod.NOTIFICATION_MESSAGE.wire());
                boolean wanted = !logMessage || call.envelope().metaLogLevel().isPresent();
                yield wanted ? Mono.just(event) : Mono.empty();
            }
            case REQUEST ->
                session.send(JsonRpc.error(
                                envelope.id(),
                                ErrorCodes.METHOD_NOT_FOUND,
                                "The client of this call cannot be asked for " + envelope.method(),
                                null))
                        .onErrorComplete()
                        .then(Mono.empty());
        };
    }

    static List<Map.Entry<String, String>> paramHeaders(Call call) {
        List<Map.Entry<String, String>> found = new ArrayList<>(0);
        for (Map.Entry<String, String> header : call.inbound().headers()) {
            if (header.getKey().length() > McpHeaders.PARAM_PREFIX.length()
                    && header.getKey()
                            .substring(0, McpHeaders.PARAM_PREFIX.length())
                            .toLowerCase(Locale.ROOT)
                            .equals("mcp-param-")) {
                found.add(header);
            }
        }
        return found;
    }

    private static @Nullable String traceparent(Call call) {
        Envelope envelope = call.envelope();
        if (envelope.metaTraceparent().isPresent() && envelope.isString(envelope.metaTraceparent())) {
            String value = envelope.text(envelope.metaTraceparent());
            return value.matches("[0-9a-f-]{55}") ? value : null;
        }
        return null;
    }
}
