package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.auth.Caller;
import io.sluice.bridge.OldToNew;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.Inbound;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Mount;
import io.sluice.catalog.ParamHeader;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.session.LiveSession;
import io.sluice.session.LiveSessions;
import io.sluice.session.ServerRequestId;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.Inbox;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.ModernHead;
import io.sluice.upstream.Reply;
import io.sluice.upstream.SseWriter;
import io.sluice.upstream.Upstream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Serves legacy clients (2025-03-26 to 2025-11-25): the handshake, sessions and their streams, calls, and the messages that travel against the direction of a call. A client that loses its
 * connection has not cancelled: calls run on, and what they say is kept for resumption.
 */
final class LegacyCalls {
    private static final Logger log = LoggerFactory.getLogger(LegacyCalls.class);
    private static final ObjectMapper JSON = JsonMapper.shared();
    private static final Set<String> LOG_LEVELS =
            Set.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");
    private static final byte[] EMPTY_RESULT = "{}".getBytes(StandardCharsets.US_ASCII);

    private final SessionIds sessionIds;
    private final SessionStore store;
    private final LiveSessions sessions;
    private final ResourceUpdates updates;
    private final GatewaySettings settings;
    private final Clock clock;

    LegacyCalls(
            SessionIds sessionIds,
            SessionStore store,
            LiveSessions sessions,
            ResourceUpdates updates,
            GatewaySettings settings,
            Clock clock) {
        this.sessionIds = sessionIds;
        this.store = store;
        this.sessions = sessions;
        this.updates = updates;
        this.settings = settings;
        this.clock = clock;
    }

    // Sessions

    /** The session that a message belongs to, or empty for one that names none. */
    Optional<SessionTicket> ticket(Inbound inbound, Caller caller) {
        String id = inbound.sessionId();
        if (id == null) {
            return Optional.empty();
        }
        SessionTicket ticket = sessionIds
                .open(id, caller, inbound.mount(), clock.instant())
                .filter(open -> !store.ended(open.id()))
                .orElseThrow(Rejection.UnknownSession::new);
        return Optional.of(ticket);
    }

    /** DELETE: ends the session here and, through the store, on every replica. */
    Answer end(Inbound inbound, Caller caller) {
        SessionTicket ticket = ticket(inbound, caller)
                .orElseThrow(() -> Rejection.BadHttp.badRequest("Header " + McpHeaders.SESSION_ID + " is missing"));
        end(ticket);
        return new Answer.Empty(204, Map.of());
    }

    private void end(SessionTicket ticket) {
        store.end(ticket.id(), ticket.expiresAt());
        sessions.close(ticket);
    }

    /** GET: the stream of messages that belong to no call, or the rest of a stream that was cut. */
    Answer openStream(Inbound inbound, Caller caller) {
        if (!inbound.accept().events()) {
            throw Rejection.BadHttp.notAcceptable("text/event-stream");
        }
        SessionTicket ticket = ticket(inbound, caller)
                .orElseThrow(() -> Rejection.BadHttp.badRequest("Header " + McpHeaders.SESSION_ID + " is missing"));
        Classifier.legacyVersion(inbound, ticket.version());
        LiveSession session = sessions.obtain(ticket);
        String lastEventId = inbound.single(McpHeaders.LAST_EVENT_ID);
        if (lastEventId == null || lastEventId.isEmpty()) {
            Answer.Events all =
                    events(session.standalone(), session.standalone().freshStart(), ticket.version());
            // Told once there is a reader: what changes before then is remembered, what changes afterwards is told.
            return new Answer.Events(Flux.from(all.frames())
                    .doOnSubscribe(s -> ListChanges.publish(session.standalone(), session.takeChanged())));
        }
        int dot = lastEventId.lastIndexOf('.');
        if (dot > 0 && lastEventId.substring(dot + 1).matches("\\d{1,18}")) {
            long seq = Long.parseLong(lastEventId.substring(dot + 1));
            EventStream stream = session.stream(lastEventId.substring(0, dot)).orElse(null);
            if (stream != null && stream.canResumeAfter(seq)) {
                return events(stream, seq, ProtocolVersion.V2025_03_26);
            }
        }
        throw Rejection.BadHttp.badRequest(
                "Nothing can be resumed after event '" + lastEventId + "': it is unknown here or too old");
    }

    private static Answer.Events events(EventStream stream, long after, ProtocolVersion version) {
        EventStream.Item first =
                version.isAtLeast(ProtocolVersion.V2025_11_25) ? stream.priming(after) : EventStream.Item.comment();
        return new Answer.Events(stream.read(after, first, LegacyCalls::frame));
    }

    private static ByteBuf frame(EventStream.Item item) {
        byte[] data = item.data();
        if (data != null) {
            return Replies.bytes(SseWriter.event(item.id(), data));
        }
        return Replies.bytes(
                item.isComment() ? SseWriter.comment() : SseWriter.retry(Duration.ofMillis(item.retryMillis())));
    }

    // Requests

    Mono<Answer> request(Call call, Optional<SessionTicket> ticket, View view) {
        McpMethod method = call.method();
        if (!call.mount().offers(method, Era.LEGACY)) {
            throw new Rejection.MethodNotFound(method.wire(), false);
        }
        return switch (method) {
            case INITIALIZE -> Mono.just(initialize(call));
            case PING -> Mono.just(result(call, EMPTY_RESULT));
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> {
                Targets.refuseCursor(call.envelope());
                yield Mono.just(
                        result(call, call.mount().list(method, call.version()).bytes()));
            }
            case LOGGING_SET_LEVEL -> setLevel(call, ticket);
            case RESOURCES_SUBSCRIBE -> subscribe(call, ticket, view);
            case RESOURCES_UNSUBSCRIBE -> unsubscribe(call, ticket);
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE -> forward(call, ticket, view);
            default -> throw new Rejection.MethodNotFound(method.wire(), false);
        };
    }

    private static Answer.Message result(Call call, byte[] result) {
        return Answer.Message.of(JsonRpc.result(call.id(), result));
    }

    private Answer initialize(Call call) {
        Envelope envelope = call.envelope();
        ProtocolVersion version = Optional.of(envelope.protocolVersion())
                .filter(span -> span.isPresent() && envelope.isString(span))
                .flatMap(span -> ProtocolVersion.of(envelope.text(span)))
                .filter(known -> known.era() == Era.LEGACY)
                .orElse(ProtocolVersion.LATEST_LEGACY);
        ClientFeatures features = ClientFeatures.NONE;
        if (envelope.capabilities().isPresent()) {
            try {
                JsonNode declared =
                        JSON.readTree(envelope.raw(envelope.capabilities()).bytes());
                features = ClientFeatures.of(declared);
            } catch (JacksonException e) {
                throw new Rejection.InvalidParams("params.capabilities cannot be read");
            }
        }
        SessionTicket ticket = sessionIds.issue(
                call.caller(),
                call.mount().name(),
                version,
                features,
                clientInfo(envelope, "name"),
                clientInfo(envelope, "version"),
                clock.instant());
        return result(call, call.mount().initializeResult(version))
                .with(McpHeaders.SESSION_ID.toString(), sessionIds.seal(ticket));
    }

    private static Optional<String> clientInfo(Envelope envelope, String member) {
        Span info = envelope.clientInfo();
        Span value = info.isPresent() && envelope.isObject(info) ? envelope.member(info, member) : Span.NONE;
        return value.isPresent() && envelope.isString(value) ? Optional.of(envelope.text(value)) : Optional.empty();
    }

    private Mono<Answer> setLevel(Call call, Optional<SessionTicket> ticket) {
        Envelope envelope = call.envelope();
        Span span = envelope.level();
        String level = span.isPresent() && envelope.isString(span) ? envelope.text(span) : "";
        if (!LOG_LEVELS.contains(level)) {
            throw new Rejection.InvalidParams("params.level must be one of "
                    + String.join(", ", LOG_LEVELS.stream().sorted().toList()));
        }
        Answer answer = result(call, EMPTY_RESULT);
        if (ticket.isEmpty()) {
            return Mono.just(answer);
        }
        LiveSession session = sessions.obtain(ticket.get());
        session.logLevel(level);
        return Flux.fromIterable(session.openedUpstreams())
                .flatMap(opened ->
                        opened.flatMap(upstream -> level(upstream, level)).onErrorComplete())
                .then(Mono.just(answer));
    }

    private static Mono<LegacySession> level(LegacySession session, String level) {
        return session.call(McpMethod.LOGGING_SET_LEVEL.wire(), RawJson.of("{\"level\":\"" + level + "\"}"))
                .flatMap(Replies::read)
                .onErrorComplete()
                .thenReturn(session);
    }

    private Mono<Answer> subscribe(Call call, Optional<SessionTicket> ticket, View view) {
        Target target = Targets.of(call);
        Answer answer = result(call, EMPTY_RESULT);
        if (ticket.isEmpty()) {
            return Mono.error(new Rejection.InvalidParams("A subscription needs a session; start with initialize"));
        }
        LiveSession session = sessions.obtain(ticket.get());
        return updates.add(
                        view.upstream(target.backend()),
                        target.originalName(),
                        new SessionListener(session, target.exposedName()))
                .doOnSuccess(done -> session.subscriptions().put(target.exposedName(), target))
                .thenReturn(answer);
    }

    private Mono<Answer> unsubscribe(Call call, Optional<SessionTicket> ticket) {
        Span uri = call.envelope().uri();
        String exposed = uri.isPresent() && call.envelope().isString(uri)
                ? call.envelope().text(uri)
                : "";
        Answer answer = result(call, EMPTY_RESULT);
        return Mono.justOrEmpty(ticket.flatMap(sessions::find))
                .flatMap(session -> Mono.justOrEmpty(session.subscriptions().remove(exposed))
                        .flatMap(target -> updates.remove(
                                target.backend(), target.originalName(), new SessionListener(session, exposed))))
                .thenReturn(answer);
    }

    /** Gives up what a session that ends was subscribed to. */
    void unsubscribeAll(LiveSession session) {
        session.subscriptions()
                .forEach((exposed, target) -> updates.remove(
                                target.backend(), target.originalName(), new SessionListener(session, exposed))
                        .onErrorComplete()
                        .subscribe());
        session.subscriptions().clear();
    }

    /** Puts updates of one resource on a session's stream. Equal when session and URI are, so that subscribing twice is subscribing once. */
    private record SessionListener(LiveSession session, String exposedUri) implements ResourceUpdates.Listener {
        @Override
        public void updated() {
            session.standalone()
                    .publish(JsonRpc.notification(
                            McpMethod.NOTIFICATION_RESOURCES_UPDATED.wire(),
                            "{\"uri\":" + io.sluice.envelope.Json.quote(exposedUri) + "}"));
        }
    }

    // Calls

    /** Subscribed to at once and for good: a client with a session that leaves does not end its call, {@code notifications/cancelled} does. */
    private Mono<Answer> forward(Call call, Optional<SessionTicket> ticket, View view) {
        Target target = Targets.of(call);
        Upstream upstream = view.upstream(target.backend());
        LiveSession session = ticket.map(sessions::obtain).orElse(null);
        Run run = new Run(call.id(), session);
        Mono<Answer> answer = upstream.speaks(Era.LEGACY)
                .flatMap(legacy -> legacy
                        ? relay(call, ticket, target, upstream, run)
                        : translate(call, ticket, target, upstream, run))
                .onErrorMap(Rejection.UnknownSession.class, e -> forgotten(call, run, target.backend(), e))
                .onErrorMap(Rejection.BackendFailure.class, e -> Replies.sinceWhen(upstream, e))
                .takeUntilOther(run.cancelled())
                .doOnError(e -> run.end())
                .switchIfEmpty(Mono.fromSupplier(() -> {
                    run.end();
                    return Answer.Empty.ACCEPTED;
                }));
        Mono<Answer> whole =
                answer.doOnDiscard(Reply.class, Reply::discard).doOnDiscard(Answer.class, Answers::discard);
        return session == null ? whole : Detached.from(whole, LegacyCalls::discard);
    }

    private Mono<Answer> relay(Call call, Optional<SessionTicket> ticket, Target target, Upstream upstream, Run run) {
        return sessionFor(ticket, upstream, call.mount()).flatMap(upstreamSession -> {
            Exchange exchange = upstreamSession.request(call.envelope(), Targets.rename(call, target));
            run.sent(reason -> upstreamSession.cancel(exchange.upstreamId(), reason));
            boolean mayAsk = ticket.isPresent()
                    && upstreamSession.stateful()
                    && call.inbound().accept().events();
            String backend = upstream.backend().name();
            return exchange.reply()
                    .map(got -> answer(
                            call,
                            run,
                            backend,
                            got,
                            json -> new Answer.Relayed(json.status(), Replies.guarded(json.body(), call)),
                            message -> mayAsk || message.kind() != Kind.REQUEST
                                    ? fromBackend(backend, call.mount(), message)
                                    : decline(upstreamSession, message)));
        });
    }

    /** Nobody is there whom the backend could ask. */
    private static byte @Nullable [] decline(LegacySession session, Envelope request) {
        send(
                Mono.just(session),
                JsonRpc.error(
                        request.id(), ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + request.method(), null));
        return null;
    }

    private Mono<Answer> translate(
            Call call, Optional<SessionTicket> ticket, Target target, Upstream upstream, Run run) {
        String backend = upstream.backend().name();
        Optional<LiveSession> asking = ticket.filter(known -> known.features().interactive()
                        && call.inbound().accept().events())
                .map(sessions::obtain);
        ClientFeatures features =
                asking.map(session -> session.ticket().features()).orElse(ClientFeatures.NONE);
        Optional<String> level = ticket.flatMap(sessions::find).flatMap(LiveSession::logLevel);
        ModernHead head = new ModernHead(
                call.envelope().method(), Targets.nameUpstream(call, target), paramHeaders(call, target), null);
        Function<Patch, Mono<Reply>> send = patch -> upstream.postModern(
                OldToNew.request(Targets.rename(call, target, patch), settings.implementation(), features, level)
                        .toBytes(),
                head);
        Mono<Reply> first = send.apply(new Patch(call.envelope()));
        Mono<Reply> reply = asking.map(session -> new InputRounds(call, backend, session, send).play(first))
                .orElse(first);
        Function<Envelope, byte @Nullable []> towardsClient = message -> switch (message.kind()) {
            case RESPONSE -> OldToNew.response(message, call.id(), call.method(), backend);
            case NOTIFICATION -> message.body();
            case REQUEST -> asking.isPresent() ? message.body() : null;
        };
        return reply.map(got -> answer(
                call,
                run,
                backend,
                got,
                json -> new Answer.Relayed(200, Replies.guarded(Replies.changed(json, backend, towardsClient), call)),
                towardsClient));
    }

    /**
     * A backend no longer knows a session whose client it had told something, so that starting over in silence would deceive. Where the backend is all there is, its session is the client's; on the
     * aggregate the call says what happened and the next one starts anew.
     */
    private Throwable forgotten(Call call, Run run, String backend, Throwable unknown) {
        LiveSession session = run.session();
        if (session != null && !call.mount().aggregate()) {
            run.end(); // the others of the session are cancelled, this one is answered
            end(session.ticket());
            return unknown;
        }
        return Rejection.BackendFailure.unavailable(
                backend,
                "Backend '" + backend + "' has forgotten the session of this client and what it kept for it; "
                        + "the next call starts a new one",
                Duration.ZERO);
    }

    /** The session at the backend that this call travels in: the shared one, unless the backend keeps state for each session. */
    private Mono<LegacySession> sessionFor(Optional<SessionTicket> ticket, Upstream upstream, Mount mount) {
        Mono<LegacySession> shared = upstream.shared();
        if (ticket.isEmpty()) {
            return shared;
        }
        return shared.flatMap(common -> {
            if (!common.stateful()) {
                return Mono.just(common);
            }
            LiveSession session = sessions.obtain(ticket.get());
            return session.upstream(
                    upstream,
                    inbox -> upstream.openSession(
                                    ticket.get().features(), ticket.get().version(), inbox)
                            .flatMap(opened -> Mono.justOrEmpty(session.logLevel())
                                    .flatMap(level -> level(opened, level))
                                    .defaultIfEmpty(opened)),
                    new StandaloneInbox(session, upstream.backend().name(), mount));
        });
    }

    /** Where messages of a session's own stream at a backend go: to the client's stream. What the gateway announces by itself is not said twice. */
    private record StandaloneInbox(LiveSession session, String backend, Mount mount) implements Inbox {
        private static final Set<String> OWN = Set.of(
                McpMethod.NOTIFICATION_TOOLS_LIST_CHANGED.wire(),
                McpMethod.NOTIFICATION_PROMPTS_LIST_CHANGED.wire(),
                McpMethod.NOTIFICATION_RESOURCES_LIST_CHANGED.wire(),
                McpMethod.NOTIFICATION_RESOURCES_UPDATED.wire());

        @Override
        public void onMessage(byte[] json, Envelope envelope) {
            if (envelope.kind() != Kind.RESPONSE && !OWN.contains(envelope.method())) {
                session.standalone().publish(fromBackend(backend, mount, envelope));
            }
        }

        @Override
        public void onClosed() {}
    }

    /** A message of a backend as the client must see it: ids and tokens that the backend chose say whose they are. Responses pass untouched. */
    private static byte[] fromBackend(String backend, Mount mount, Envelope message) {
        if (message.kind() == Kind.RESPONSE) {
            return message.body();
        }
        RequestId id = message.id();
        if (id != null) {
            Patch patch = new Patch(message).replace(message.idSpan(), rawExposed(backend, id));
            Span token = message.metaProgressToken();
            if (mount.aggregate() && token.isPresent()) {
                message.requestIdAt(token).ifPresent(original -> patch.replace(token, rawExposed(backend, original)));
            }
            return patch.toBytes();
        }
        if (message.method().equals(McpMethod.NOTIFICATION_CANCELLED.wire())
                && message.requestId().isPresent()) {
            Optional<RequestId> cancelled = message.requestIdAt(message.requestId());
            if (cancelled.isPresent()) {
                return new Patch(message)
                        .replace(message.requestId(), rawExposed(backend, cancelled.get()))
                        .toBytes();
            }
        }
        return message.body();
    }

    private static byte[] rawExposed(String backend, RequestId original) {
        return new ServerRequestId(backend, original).exposed().rawJsonBytes();
    }

    private static List<Map.Entry<String, String>> paramHeaders(Call call, Target target) {
        List<Map.Entry<String, String>> headers =
                new ArrayList<>(target.paramHeaders().size());
        for (ParamHeader param : target.paramHeaders()) {
            String value = ModernChecks.argument(call.envelope(), param.path());
            if (value != null) {
                headers.add(Map.entry(McpHeaders.PARAM_PREFIX + param.name(), HeaderValue.encode(value)));
            }
        }
        return headers;
    }

    /** A call under way, from before its session at the backend is open until its answer is complete. */
    private static final class Run implements LiveSession.InFlight {
        private final RequestId id;
        private final @Nullable LiveSession session;
        private final Sinks.Empty<Void> cancelled = Sinks.empty();
        private volatile Function<@Nullable String, Mono<Void>> tellBackend = reason -> Mono.empty();

        Run(RequestId id, @Nullable LiveSession session) {
            this.id = id;
            this.session = session;
            if (session != null) {
                session.started(id, this);
            }
        }

        void sent(Function<@Nullable String, Mono<Void>> cancellation) {
            tellBackend = cancellation;
        }

        Mono<Void> cancelled() {
            return cancelled.asMono();
        }

        @Override
        public void cancel(@Nullable String reasonJson) {
            tellBackend.apply(reasonJson).onErrorComplete().subscribe();
            cancelled.tryEmitEmpty();
        }

        void end() {
            if (session != null) {
                session.finished(id, this);
            }
        }

        @Nullable
        LiveSession session() {
            return session;
        }
    }

    private Answer answer(
            Call call,
            Run run,
            String backend,
            Reply got,
            Function<Reply.Json, Answer> jsonAnswer,
            Function<Envelope, byte @Nullable []> towardsClient) {
        if (got instanceof Reply.Events events) {
            return eventsAnswer(call, run, backend, events.events(), towardsClient);
        }
        run.end();
        if (got instanceof Reply.Json json) {
            return jsonAnswer.apply(json);
        }
        if (got instanceof Reply.Refused refused) {
            return refusedAnswer(backend, refused, towardsClient);
        }
        throw Replies.unanswered(backend);
    }

    private static void discard(Answer answer) {
        if (answer instanceof Answer.Relayed relayed) {
            Flux.from(relayed.json())
                    .doOnNext(ByteBuf::release)
                    .onErrorComplete()
                    .subscribe();
        }
    }

    private Answer eventsAnswer(
            Call call,
            Run run,
            String backend,
            Flux<Event> events,
            Function<Envelope, byte @Nullable []> towardsClient) {
        Flux<Event> mapped = Replies.untilResponse(events, call, backend)
                .<Event>handle((event, sink) -> {
                    if (!(event instanceof Event.Message message)) {
                        sink.next(event);
                        return;
                    }
                    byte[] towards = towardsClient.apply(Replies.read(message.json(), backend));
                    if (towards != null) {
                        sink.next(new Event.Message(towards));
                    }
                })
                .takeUntilOther(run.cancelled());
        if (!call.inbound().accept().events()) {
            return new Answer.Relayed(200, Replies.last(mapped).doFinally(signal -> run.end()));
        }
        LiveSession session = run.session();
        if (session == null) {
            return new Answer.Events(mapped.filter(event -> !(event instanceof Event.Paused))
                    .map(event -> event instanceof Event.Message message
                            ? Replies.bytes(SseWriter.event(null, message.json()))
                            : Replies.bytes(SseWriter.comment()))
                    .doFinally(signal -> run.end()));
        }
        EventStream stream = session.openCallStream();
        mapped.subscribe(new StreamFeeder(stream, call.version(), () -> {
            run.end();
            session.complete(stream);
        }));
        return events(stream, 0, call.version());
    }

    private static Answer refusedAnswer(
            String backend, Reply.Refused refused, Function<Envelope, byte @Nullable []> towardsClient) {
        if (refused.json()) {
            Envelope message = Replies.read(refused.body(), backend);
            boolean error = message.kind() == Kind.RESPONSE && message.error().isPresent() && message.id() != null;
            byte[] towards = error ? towardsClient.apply(message) : null;
            if (towards != null) {
                return Answer.Message.of(towards);
            }
        }
        throw Replies.refusedFailure(backend, refused);
    }

    // Messages without an answer

    Answer notification(Inbound inbound, Mount mount, Envelope envelope, Optional<SessionTicket> ticket) {
        Optional<LiveSession> session = ticket.flatMap(sessions::find);
        if (session.isEmpty()) {
            return Answer.Empty.ACCEPTED;
        }
        switch (envelope.knownMethod().orElse(McpMethod.NOTIFICATION_INITIALIZED)) {
            case NOTIFICATION_CANCELLED -> cancel(session.get(), envelope);
            case NOTIFICATION_PROGRESS -> progress(session.get(), mount, envelope);
            case NOTIFICATION_ROOTS_LIST_CHANGED ->
                session.get().openedUpstreams().forEach(opened -> send(opened, envelope.body()));
            default -> log.debug("Notification {} has no receiver", envelope.method());
        }
        return Answer.Empty.ACCEPTED;
    }

    private static void cancel(LiveSession session, Envelope envelope) {
        if (!envelope.requestId().isPresent()) {
            return;
        }
        Span reason = envelope.member(envelope.params(), "reason");
        String reasonJson = reason.isPresent() ? envelope.raw(reason).toString() : null;
        envelope.requestIdAt(envelope.requestId())
                .flatMap(session::takeInFlight)
                .ifPresent(call -> call.cancel(reasonJson));
    }

    private static void progress(LiveSession session, Mount mount, Envelope envelope) {
        Span token = envelope.progressToken();
        if (!token.isPresent()) {
            return;
        }
        if (!mount.aggregate()) {
            session.openedUpstream(mount.name()).ifPresent(opened -> send(opened, envelope.body()));
        } else if (envelope.isString(token)) {
            ServerRequestId.parse(envelope.text(token))
                    .ifPresent(named -> session.openedUpstream(named.backend())
                            .ifPresent(opened -> send(
                                    opened,
                                    new Patch(envelope)
                                            .replace(token, named.original().rawJsonBytes())
                                            .toBytes())));
        }
    }

    /** The client's answer to a request of a backend: its id says whose it was. */
    Answer response(Envelope envelope, Optional<SessionTicket> ticket) {
        LiveSession session = ticket.flatMap(sessions::find).orElse(null);
        RequestId id = envelope.id();
        if (session == null || id == null || session.answered(id, envelope) || !envelope.isString(envelope.idSpan())) {
            return Answer.Empty.ACCEPTED;
        }
        ServerRequestId.parse(envelope.text(envelope.idSpan()))
                .ifPresent(named -> session.openedUpstream(named.backend())
                        .ifPresent(opened -> send(
                                opened,
                                new Patch(envelope)
                                        .replace(
                                                envelope.idSpan(),
                                                named.original().rawJsonBytes())
                                        .toBytes())));
        return Answer.Empty.ACCEPTED;
    }

    private static void send(Mono<LegacySession> session, byte[] json) {
        session.flatMap(open -> open.send(json))
                .subscribe(
                        done -> {},
                        error -> log.info("A client's message could not be delivered: {}", error.getMessage()));
    }

    /** Tells every reader when to come back, for a shutdown: a moment that differs for each, so that they do not return all at once. */
    void pauseStreams() {
        sessions.pauseAll(() -> ThreadLocalRandom.current().nextLong(500, 3000));
    }
}
