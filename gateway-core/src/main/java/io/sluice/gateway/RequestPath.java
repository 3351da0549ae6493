package io.sluice.gateway;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.sluice.auth.Authenticator;
import io.sluice.auth.Caller;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.Inbound;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Audience;
import io.sluice.catalog.Mount;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Segments;
import io.sluice.listener.Lane;
import io.sluice.overload.Overload;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import io.sluice.session.SessionTicket;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The life of a call, read from top to bottom: who asks, which mount, what the body says, which era it belongs to, and then the era's own way. Every stage takes what it needs and returns what it
 * found out, or throws the {@link Rejection} that becomes the answer.
 */
final class RequestPath {
    private static final Logger log = LoggerFactory.getLogger(RequestPath.class);
    private static final int MAX_BATCH = 100;

    private final Authenticator authenticator;
    private final Supplier<View> views;
    private final ModernCalls modern;
    private final LegacySessions legacySessions;
    private final LegacyCalls legacyCalls;
    private final LegacyMessages legacyMessages;
    private final Supplier<GatewaySettings> settings;
    private final Overload overload;

    RequestPath(
            Authenticator authenticator,
            Supplier<View> views,
            ModernCalls modern,
            LegacySessions legacySessions,
            LegacyCalls legacyCalls,
            LegacyMessages legacyMessages,
            Supplier<GatewaySettings> settings,
            Overload overload) {
        this.authenticator = authenticator;
        this.views = views;
        this.modern = modern;
        this.legacySessions = legacySessions;
        this.legacyCalls = legacyCalls;
        this.legacyMessages = legacyMessages;
        this.settings = settings;
        this.overload = overload;
    }

    /**
     * POST. The body is read only once a caller is known.
     *
     * @param arriving ends when all of {@code body} is there, which is released no sooner than the answer is written
     */
    Mono<Answer> post(Inbound inbound, Mono<Void> arriving, Segments body) {
        return post(
                inbound,
                (caller, view, mount) -> arriving.then(Mono.defer(() -> arrived(inbound, caller, view, mount, body))));
    }

    /** The same of a body that is there. */
    Mono<Answer> post(Inbound inbound, byte[] body) {
        return post(inbound, (caller, view, mount) -> serve(inbound, caller, view, mount, body));
    }

    /** What follows when it is known who asks for what. */
    private interface Next {
        Mono<Answer> of(Caller caller, View view, Mount mount);
    }

    private Mono<Answer> post(Inbound inbound, Next next) {
        return Mono.defer(() -> {
                    Caller caller = authenticator.authenticate(inbound.headers());
                    View view = views.get();
                    Mount mount = mount(view, inbound, caller);
                    checkContentType(inbound);
                    return next.of(caller, view, mount);
                })
                .onErrorResume(Rejection.class, rejection -> Mono.just(JsonRpc.refusal(null, rejection)));
    }

    /** A small body is copied, which is cheaper than to look at it where it is. */
    private Mono<Answer> arrived(Inbound inbound, Caller caller, View view, Mount mount, Segments body) {
        if (body.length() > Lane.MAX_BODY_BYTES && !EnvelopeReader.isBatch(body)) {
            return serveLarge(inbound, caller, view, mount, body);
        }
        byte[] bytes = body.toBytes();
        body.release();
        return serve(inbound, caller, view, mount, bytes);
    }

    private Mono<Answer> serve(Inbound inbound, Caller caller, View view, Mount mount, byte[] body) {
        return EnvelopeReader.isBatch(body)
                ? batch(inbound, caller, view, mount, body)
                : serveOne(inbound, caller, view, mount, body);
    }

    private Mono<Answer> serveLarge(Inbound inbound, Caller caller, View view, Mount mount, Segments body) {
        Envelope envelope;
        try {
            envelope = EnvelopeReader.read(body);
        } catch (Rejection malformed) {
            return Mono.just(JsonRpc.refusal(EnvelopeReader.idOf(body.toBytes()), malformed));
        }
        return serve(new Known(inbound, caller, view, mount, envelope));
    }

    /** Who asks. */
    Caller authenticated(Inbound inbound) {
        return authenticator.authenticate(inbound.headers());
    }

    /** Who asks for a mount, if that may be. */
    Caller admitted(Inbound inbound) {
        Caller caller = authenticated(inbound);
        mount(views.get(), inbound, caller);
        return caller;
    }

    /** GET, which only the legacy era knows. */
    Mono<Answer> get(Inbound inbound) {
        Caller caller = authenticator.authenticate(inbound.headers());
        mount(views.get(), inbound, caller);
        overload.checkStream();
        return legacySessions.openStream(inbound, caller);
    }

    /** DELETE, likewise. */
    Answer delete(Inbound inbound) {
        Caller caller = authenticator.authenticate(inbound.headers());
        mount(views.get(), inbound, caller);
        return legacySessions.end(inbound, caller);
    }

    private Mount mount(View view, Inbound inbound, Caller caller) {
        Mount mount = view.catalog()
                .mount(inbound.mount(), new Audience(caller.managing(), Hops.any(inbound)))
                .orElseThrow(() -> new Rejection.NotFound("Nothing is mounted at /mcp/" + inbound.mount()));
        if (mount.managing() && !caller.managing()) {
            throw new Rejection.Forbidden("/mcp/" + mount.name() + " manages the gateway, and this token may not");
        }
        Hops.check(inbound, settings.get().gatewayId(), mount);
        return mount;
    }

    private static void checkContentType(Inbound inbound) {
        String type = inbound.single(HttpHeaderNames.CONTENT_TYPE);
        if ("application/json".equals(type)) {
            return;
        }
        String bare = type == null ? "" : type.toLowerCase(Locale.ROOT);
        int parameters = bare.indexOf(';');
        String charset = parameters < 0
                ? ""
                : bare.substring(parameters + 1).replace(" ", "").replace("\"", "");
        String media = parameters < 0 ? bare : bare.substring(0, parameters).strip();
        if (!media.equals("application/json") || !(charset.isEmpty() || charset.equals("charset=utf-8"))) {
            throw Rejection.BadHttp.unsupportedMediaType(
                    "Content-Type must be application/json in UTF-8, not " + (type == null ? "absent" : type));
        }
    }

    private Mono<Answer> serveOne(Inbound inbound, Caller caller, View view, Mount mount, byte[] body) {
        Envelope envelope;
        try {
            envelope = EnvelopeReader.read(body);
        } catch (Rejection malformed) {
            return Mono.just(JsonRpc.refusal(EnvelopeReader.idOf(body), malformed));
        }
        return serve(new Known(inbound, caller, view, mount, envelope));
    }

    private Mono<Answer> dispatch(Inbound inbound, Caller caller, View view, Mount mount, Envelope envelope) {
        if (Classifier.classify(inbound, envelope) == Era.MODERN) {
            return modern(inbound, caller, view, mount, envelope);
        }
        return legacy(inbound, caller, view, mount, envelope.onHeap()); // its call may outlive its request
    }

    /** What is known of a message before it is served. */
    record Known(Inbound inbound, Caller caller, View view, Mount mount, Envelope envelope) {}

    /** The first stages for the lane, where the body is there already. Null for a batch; what is refused is thrown. */
    @Nullable
    Known read(Inbound inbound, View view, byte[] body) {
        Caller caller = authenticator.authenticate(inbound.headers());
        Mount mount = mount(view, inbound, caller);
        checkContentType(inbound);
        return EnvelopeReader.isBatch(body) ? null : new Known(inbound, caller, view, mount, EnvelopeReader.read(body));
    }

    /**
     * The remaining stages for the lane, or null when something has to be waited for; what is refused is thrown, and may
     * have been charged to its limits by then.
     */
    Lane.@Nullable Ride serveNow(Known known, Lane.Turn turn) {
        Inbound inbound = known.inbound();
        Envelope envelope = known.envelope();
        if (envelope.kind() != Kind.REQUEST) {
            return null;
        }
        if (Classifier.classify(inbound, envelope) == Era.MODERN) {
            return modern.serveNow(modernCall(inbound, known.caller(), known.mount(), envelope), known.view(), turn);
        }
        Legacy legacy = legacy(inbound, known.caller(), envelope);
        Call call = legacyCall(inbound, known.caller(), known.mount(), envelope, legacy.version());
        return legacyCalls.requestNow(call, legacy.ticket().orElse(null), known.view(), turn);
    }

    /** The remaining stages. Never fails: a refusal is an answer. */
    Mono<Answer> serve(Known known) {
        return Mono.defer(
                        () -> dispatch(known.inbound(), known.caller(), known.view(), known.mount(), known.envelope()))
                .onErrorResume(error -> Mono.just(refusal(known.envelope(), known.mount(), error)));
    }

    private Call modernCall(Inbound inbound, Caller caller, Mount mount, Envelope envelope) {
        ProtocolVersion version = ModernChecks.check(inbound, envelope);
        McpMethod method = method(envelope, Era.MODERN);
        spare(method);
        return new Call(inbound, caller, mount, envelope, method, version);
    }

    private Mono<Answer> modern(Inbound inbound, Caller caller, View view, Mount mount, Envelope envelope) {
        if (envelope.kind() == Kind.NOTIFICATION) {
            return Mono.just(Answer.Empty.ACCEPTED);
        }
        return modern.serve(modernCall(inbound, caller, mount, envelope), view);
    }

    /** A legacy message of which it is known whose it is, before anything is done about it. */
    private record Legacy(Optional<SessionTicket> ticket, ProtocolVersion version) {}

    private Legacy legacy(Inbound inbound, Caller caller, Envelope envelope) {
        boolean initialize = envelope.knownMethod().orElse(null) == McpMethod.INITIALIZE;
        Optional<SessionTicket> ticket = initialize ? Optional.empty() : legacySessions.ticket(inbound, caller);
        ProtocolVersion version = Classifier.legacyVersion(
                inbound, ticket.map(SessionTicket::version).orElse(null));
        if (ticket.isEmpty() && !initialize && !settings.get().sessionless()) {
            throw Rejection.BadHttp.badRequest("Header Mcp-Session-Id is missing; start with initialize");
        }
        return new Legacy(ticket, version);
    }

    private Call legacyCall(Inbound inbound, Caller caller, Mount mount, Envelope envelope, ProtocolVersion version) {
        if (!inbound.accept().json() && !inbound.accept().events()) {
            throw Rejection.BadHttp.notAcceptable("application/json and text/event-stream");
        }
        McpMethod method = method(envelope, Era.LEGACY);
        spare(method);
        return new Call(inbound, caller, mount, envelope, method, version);
    }

    private Mono<Answer> legacy(Inbound inbound, Caller caller, View view, Mount mount, Envelope envelope) {
        Legacy legacy = legacy(inbound, caller, envelope);
        Optional<SessionTicket> ticket = legacy.ticket();
        return switch (envelope.kind()) {
            case NOTIFICATION -> Mono.just(legacyMessages.notification(mount, envelope, ticket));
            case RESPONSE -> Mono.just(legacyMessages.response(mount, envelope, ticket));
            case REQUEST ->
                legacyCalls.request(legacyCall(inbound, caller, mount, envelope, legacy.version()), ticket, view);
        };
    }

    /** While the gateway is overloaded some things are left undone. */
    private void spare(McpMethod method) {
        switch (method) {
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> overload.checkList();
            case SUBSCRIPTIONS_LISTEN -> overload.checkStream();
            default -> {
                // calls, and what keeps a client going, as long as anything is served
            }
        }
    }

    private static McpMethod method(Envelope envelope, Era era) {
        return envelope.knownMethod()
                .filter(known -> known.sentByClientsOf(era))
                .orElseThrow(() -> new Rejection.MethodNotFound(envelope.method(), era == Era.MODERN));
    }

    /** Batches exist in 2025-03-26 alone: each message is served by itself, the responses come back in one array. */
    private Mono<Answer> batch(Inbound inbound, Caller caller, View view, Mount mount, byte[] body) {
        List<byte[]> messages = EnvelopeReader.readBatch(body);
        if (messages.isEmpty() || messages.size() > MAX_BATCH) {
            throw new Rejection.InvalidRequest("A batch holds 1 to " + MAX_BATCH + " messages, not " + messages.size());
        }
        boolean modern = messages.stream()
                .anyMatch(message ->
                        EnvelopeReader.read(message).metaProtocolVersion().isPresent());
        ProtocolVersion version = modern
                ? ProtocolVersion.LATEST_MODERN
                : Classifier.legacyVersion(
                        inbound,
                        legacySessions
                                .ticket(inbound, caller)
                                .map(SessionTicket::version)
                                .orElse(null));
        if (version != ProtocolVersion.V2025_03_26) {
            throw new Rejection.InvalidRequest(
                    "Batches exist in revision 2025-03-26 only; send one message in each request");
        }
        Inbound jsonOnly =
                new Inbound(inbound.mount(), inbound.headers(), new io.sluice.call.Accept(true, false, false));
        return Flux.fromIterable(messages)
                .concatMap(message -> serveOne(jsonOnly, caller, view, mount, message))
                .concatMap(Answers::bytes)
                .collectList()
                .map(RequestPath::join);
    }

    private static Answer join(List<byte[]> answers) {
        if (answers.isEmpty()) {
            return Answer.Empty.ACCEPTED;
        }
        ByteArrayOutputStream array = new ByteArrayOutputStream();
        for (int i = 0; i < answers.size(); i++) {
            array.write(i == 0 ? '[' : ',');
            array.writeBytes(answers.get(i));
        }
        array.write(']');
        return Answer.Message.of(array.toByteArray());
    }

    /** What a call that fails is answered with. */
    static Answer refusal(Envelope envelope, Mount mount, Throwable error) {
        boolean request = envelope.kind() == Kind.REQUEST;
        if (error instanceof Rejection.BackendFailure failure
                && request
                && envelope.knownMethod().orElse(null) == McpMethod.TOOLS_CALL) {
            Era era = envelope.metaProtocolVersion().isPresent() ? Era.MODERN : Era.LEGACY;
            return Answer.Message.of(JsonRpc.toolFailure(
                    java.util.Objects.requireNonNull(envelope.id()),
                    era,
                    failure.reason(),
                    failure.data().orElse(null)));
        }
        if (error instanceof Rejection rejection) {
            return JsonRpc.refusal(request ? envelope.id() : null, rejection);
        }
        log.error("A call of {} on mount '{}' failed unexpectedly", envelope.method(), mount.name(), error);
        return Answer.Message.of(
                500,
                JsonRpc.error(request ? envelope.id() : null, -32603, "The gateway failed; its log says why", null));
    }

    /** The refusal of a GET or DELETE, whose errors are thrown. */
    static Answer refusal(@Nullable Throwable error) {
        if (error instanceof Rejection rejection) {
            return JsonRpc.refusal(null, rejection);
        }
        log.error("A request failed unexpectedly", error);
        return Answer.Message.of(500, JsonRpc.error(null, -32603, "The gateway failed; its log says why", null));
    }
}
