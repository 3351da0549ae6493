package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.util.AsciiString;
import io.sluice.bridge.NewToOld;
import io.sluice.cache.Kept;
import io.sluice.cache.Place;
import io.sluice.cache.ResultCache;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.catalog.ParamHeader;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.listener.Lane;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Event;
import io.sluice.upstream.ModernHead;
import io.sluice.upstream.Reply;
import io.sluice.upstream.SseWriter;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Carries one call of a modern client to a modern backend and brings the answer back byte for byte. Changed are the
 * target's name, an id that is not the client's, a result that does not say that it is complete, and errors that are about this
 * gateway's own request: those would poison what the client believes of the gateway.
 */
final class Relay {
    private static final Pattern TRACEPARENT = Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    private static final AsciiString TRACEPARENT_HEADER = AsciiString.cached("traceparent");

    private final Call call;
    private final Target target;
    private final Upstream upstream;
    private final List<Map.Entry<String, String>> params;
    private final TaskIds tasks;

    private Relay(Call call, Target target, Upstream upstream, List<Map.Entry<String, String>> params, TaskIds tasks) {
        this.call = call;
        this.target = target;
        this.upstream = upstream;
        this.params = params;
        this.tasks = tasks;
    }

    /** @param params the {@code Mcp-Param-*} headers of the client, which go on as they are */
    static Mono<Answer> send(
            Call call,
            Target target,
            Upstream upstream,
            List<Map.Entry<String, String>> params,
            TaskIds tasks,
            Terms terms,
            ResultCache cache) {
        Relay relay = new Relay(call, target, upstream, params, tasks);
        Place place = cache.place(call, target, upstream, Era.MODERN, null);
        return place == null ? relay.send(terms) : relay.send(terms, place);
    }

    private Mono<Answer> send(Terms terms, Place place) {
        Kept kept = ExposedUris.change(call, target) ? null : place.find();
        if (kept != null) {
            return Mono.just(new Answer.Relayed(200, Mono.fromSupplier(() -> place.answer(kept))));
        }
        return place.reply(Replies.goesAlone(call), () -> asked(terms), () -> asked(terms))
                .map(this::exposed);
    }

    /** As {@link #send}, on the lane, where nothing has to be waited for if that can be had. */
    static Lane.Ride ride(
            Call call,
            Target target,
            Upstream upstream,
            List<Map.Entry<String, String>> params,
            TaskIds tasks,
            Terms terms,
            Lane.Turn turn) {
        Relay relay = new Relay(call, target, upstream, params, tasks);
        DirectRide ride = new DirectRide(
                call,
                upstream,
                turn,
                true,
                json -> relay.response(Replies.read(ExposedUris.in(json, call, target), relay.backend())),
                reply -> reply.map(relay::exposed));
        ride.passing(() -> new PassingAnswer(call, relay.backend(), turn, ride, ExposedUris.renaming(call, target)));
        return ride.depart(
                () -> upstream.postModernNow(
                        Targets.rename(call, target).toBytes(), relay.head(), terms, turn.eventLoop(), ride),
                () -> relay.send(terms));
    }

    private Mono<Answer> send(Terms terms) {
        return asked(terms).map(this::exposed);
    }

    private Mono<Reply> asked(Terms terms) {
        return upstream.postModern(Targets.rename(call, target), head(), terms);
    }

    private Answer exposed(Reply reply) {
        Reply uris = ExposedUris.in(reply, call, target);
        return answer(call.method().target() == McpMethod.Target.TASK_ID ? tasks.in(uris, call, target) : uris);
    }

    private ModernHead head() {
        Envelope envelope = call.envelope();
        return new ModernHead(
                envelope.method(),
                Targets.nameUpstream(call, target),
                Targets.mirrored(params, target),
                traceparent(envelope),
                Hops.before(call.inbound()));
    }

    private @Nullable String traceparent(Envelope envelope) {
        Span inBody = envelope.metaTraceparent();
        String value = envelope.isString(inBody)
                ? envelope.text(inBody)
                : call.inbound().headers().get(TRACEPARENT_HEADER);
        return value != null && TRACEPARENT.matcher(value).matches() ? value : null;
    }

    private Answer answer(Reply reply) {
        if (reply instanceof Reply.Json json) {
            Flux<ByteBuf> body = new RelayedBody(call, backend(), this::response).of(json.body());
            return new Answer.Relayed(json.status(), json.small() ? body.single() : body);
        }
        if (reply instanceof Reply.Events events) {
            return answer(Replies.untilResponse(events.events(), call, backend(), this::seen));
        }
        if (reply instanceof Reply.Refused refused) {
            return answer(refused);
        }
        throw Replies.unanswered(backend());
    }

    private Answer answer(Flux<Event> events) {
        return call.inbound().accept().events()
                ? new Answer.Events(events.map(Relay::frame))
                : new Answer.Relayed(200, Replies.last(events));
    }

    static ByteBuf frame(Event event) {
        return Replies.bytes(
                event instanceof Event.Message message ? SseWriter.event(null, message.json()) : SseWriter.comment());
    }

    private String backend() {
        return upstream.backend().name();
    }

    /**
     * What the client sees of a message on the stream. Modern servers send no requests; one that does is not helped.
     */
    private byte @Nullable [] seen(Envelope message) {
        return switch (message.kind()) {
            case RESPONSE -> response(message);
            case NOTIFICATION -> message.body();
            case REQUEST -> null;
        };
    }

    /** The response as the client must see it, or the failure that it means. */
    private byte[] response(Envelope message) {
        if (message.kind() != Kind.RESPONSE) {
            throw Rejection.BackendFailure.unavailable(
                    backend(),
                    "Backend '" + backend() + "' answered with something that is no response",
                    Duration.ZERO);
        }
        int code = Replies.errorCode(message);
        if (isAboutThisHop(code, message)) {
            throw Rejection.BackendFailure.unavailable(
                    backend(),
                    "Backend '" + backend() + "' refused this gateway's request with error " + code,
                    Duration.ZERO);
        }
        byte[] response = underTheClientsId(message, !NewToOld.isComplete(message, call.method()));
        return isTask(message) ? tasks.in(Replies.read(response, backend()), call, target) : response;
    }

    /** Whether a tool's answer is a task: only who says that it may be one gets one. */
    private boolean isTask(Envelope message) {
        if (call.method() != McpMethod.TOOLS_CALL || !TaskIds.declared(call.envelope())) {
            return false;
        }
        Span type = message.resultType();
        return message.isString(type) && message.text(type).equals("task");
    }

    private byte[] underTheClientsId(Envelope message) {
        return underTheClientsId(message, false);
    }

    /** @param lacking whether the result lacks what every modern client must find in it, and gets it here: there are servers that leave it out */
    private byte[] underTheClientsId(Envelope message, boolean lacking) {
        RequestId id = message.id();
        RequestId own = call.id();
        if (own.equals(id) && !lacking) {
            return message.body();
        }
        if (id != null && !unquoted(id).equals(unquoted(own))) {
            throw Rejection.BackendFailure.unavailable(
                    backend(), "Backend '" + backend() + "' answered a request that was not asked", Duration.ZERO);
        }
        Patch patch = new Patch(message);
        if (lacking) {
            NewToOld.complete(message, call.method(), patch);
        }
        if (message.idSpan().isPresent()) {
            return patch.replace(message.idSpan(), own.rawJsonBytes()).toBytes();
        }
        int brace = 0;
        while (message.body()[brace] != '{') {
            brace++;
        }
        return patch.insert(brace + 1, idMember(own)).toBytes();
    }

    private static byte[] idMember(RequestId id) {
        return ("\"id\":" + id.rawJson() + ",").getBytes(StandardCharsets.UTF_8);
    }

    private static String unquoted(RequestId id) {
        String raw = id.rawJson();
        return id.isString() ? raw.substring(1, raw.length() - 1) : raw;
    }

    /**
     * Whether an error says that this gateway, not its client, did something wrong; then the backend may not be what we
     * believe, and is looked at again. A header that mirrors an argument was
     * the client's to compute, from a definition that may be out of date here and there.
     */
    private boolean isAboutThisHop(int code, Envelope message) {
        if (code == ErrorCodes.HEADER_MISMATCH && isAboutParams(message)) {
            upstream.suspectTools();
            return false;
        }
        boolean ours = code == ErrorCodes.HEADER_MISMATCH || code == ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION;
        if (ours) {
            upstream.suspect();
        }
        return ours;
    }

    private boolean isAboutParams(Envelope message) {
        if (params.isEmpty() && target.paramHeaders().isEmpty()) {
            return false;
        }
        Span said = message.member(message.error(), "message");
        String text = message.isString(said) ? message.text(said).toLowerCase(Locale.ROOT) : "";
        return text.contains(McpHeaders.PARAM_PREFIX.toLowerCase(Locale.ROOT))
                || target.paramHeaders().stream()
                        .map(ParamHeader::name)
                        .anyMatch(name -> text.contains(name.toLowerCase(Locale.ROOT)));
    }

    /** Relays a refusal that is about the client's request, with the status that belongs to it. */
    private Answer answer(Reply.Refused refused) {
        Optional<Envelope> message = refused.json() ? MessageReader.read(refused.body()) : Optional.empty();
        int code = message.map(Replies::errorCode).orElse(0);
        int status = switch (code) {
            case ErrorCodes.MISSING_CLIENT_CAPABILITY -> 400;
            case ErrorCodes.HEADER_MISMATCH -> message.filter(this::isRelayable).isPresent() ? 400 : 0;
            case ErrorCodes.INVALID_PARAMS -> refused.status() == 400 ? 400 : 200;
            case ErrorCodes.METHOD_NOT_FOUND -> refused.status() == 400 || refused.status() == 404 ? 404 : 0;
            default -> 0;
        };
        if (status == 0) {
            if (code == ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION || code == ErrorCodes.METHOD_NOT_FOUND) {
                upstream.suspect();
            }
            throw Replies.refusedFailure(backend(), refused);
        }
        return Answer.Message.of(status, message.map(this::underTheClientsId).orElseThrow());
    }

    private boolean isRelayable(Envelope message) {
        return !isAboutThisHop(ErrorCodes.HEADER_MISMATCH, message);
    }
}
