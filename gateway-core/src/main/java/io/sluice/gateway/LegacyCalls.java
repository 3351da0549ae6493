package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.bridge.Revisions;
import io.sluice.cache.Place;
import io.sluice.cache.ResultCache;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.catalog.Mount;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.listener.Lane;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.session.LiveSession;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.Direct;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Reply;
import io.sluice.upstream.SseWriter;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The requests of legacy clients: answered from memory, or sent to their backend in whichever era it speaks. A client that loses its connection has not cancelled: calls run on, and what they say is
 * kept for resumption.
 */
final class LegacyCalls {
    private static final int TASKS_AT_ONCE = 8;

    private final LegacySessions sessions;
    private final LegacyInterests interests;
    private final Admission admission;
    private final ResultCache cache;
    private final TaskIds tasks;
    private final GatewaySettings settings;

    LegacyCalls(
            LegacySessions sessions,
            LegacyInterests interests,
            Admission admission,
            ResultCache cache,
            TaskIds tasks,
            GatewaySettings settings) {
        this.sessions = sessions;
        this.interests = interests;
        this.admission = admission;
        this.cache = cache;
        this.tasks = tasks;
        this.settings = settings;
    }

    Mono<Answer> request(Call call, Optional<SessionTicket> ticket, View view) {
        McpMethod method = call.method();
        if (!call.mount().offers(method, Era.LEGACY)) {
            throw new Rejection.MethodNotFound(method.wire(), false);
        }
        return switch (method) {
            case INITIALIZE -> Mono.just(sessions.initialize(call));
            case PING -> Mono.just(Answers.empty(call));
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> {
                Targets.refuseCursor(call.envelope());
                yield Mono.just(Answers.list(call));
            }
            case LOGGING_SET_LEVEL -> interests.setLevel(call, ticket);
            case RESOURCES_SUBSCRIBE -> interests.subscribe(call, ticket, view);
            case RESOURCES_UNSUBSCRIBE -> interests.unsubscribe(call, ticket);
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE ->
                forward(call, Targets.of(call), ticket, view);
            case TASKS_GET, TASKS_RESULT, TASKS_CANCEL -> forward(call, tasks.target(call), ticket, view);
            case TASKS_LIST -> listTasks(call, ticket, view);
            default -> throw new Rejection.MethodNotFound(method.wire(), false);
        };
    }

    /** The tasks that this session began, as their backends describe them now. */
    private Mono<Answer> listTasks(Call call, Optional<SessionTicket> ticket, View view) {
        Targets.refuseCursor(call.envelope());
        return Mono.justOrEmpty(ticket)
                .flatMap(sessions::tasks)
                .flatMapMany(Flux::fromIterable)
                .flatMapSequential(
                        name -> describe(call, ticket.orElseThrow(), name, view).onErrorComplete(), TASKS_AT_ONCE)
                .collect(() -> new StringJoiner(",", "{\"tasks\":[", "]}"), StringJoiner::add)
                .map(list -> Answers.result(call, list.toString().getBytes(StandardCharsets.UTF_8)));
    }

    private Mono<String> describe(Call call, SessionTicket ticket, String name, View view) {
        TaskIds.Holder holder = TaskIds.Holder.of(call);
        return Mono.justOrEmpty(tasks.find(holder, name)).flatMap(task -> {
            Upstream upstream = view.upstream(task.backend());
            RawJson params = RawJson.of("{\"taskId\":" + Json.quote(task.taskId()) + "}");
            return sessions.obtain(ticket)
                    .flatMap(session -> sessionFor(session, upstream, call.mount()))
                    .flatMap(session -> session.call(McpMethod.TASKS_GET.wire(), params))
                    .flatMap(reply -> Replies.response(reply, task.backend()))
                    .flatMap(response -> {
                        if (response.error().isPresent()) {
                            sessions.forgot(ticket, name);
                            return Mono.<String>empty();
                        }
                        Span id = response.member(response.result(), "taskId");
                        Envelope named = Replies.read(
                                new Patch(response).replaceText(id, name).toBytes(), task.backend());
                        return Mono.just(named.raw(named.result()).toString());
                    });
        });
    }

    /** Subscribed to at once and for good: a client with a session that leaves does not end its call, {@code notifications/cancelled} does. */
    private Mono<Answer> forward(Call call, Target target, Optional<SessionTicket> ticket, View view) {
        Upstream upstream = view.upstream(target.backend());
        Terms terms = admission.admit(call, target, upstream);
        if (ticket.isEmpty()) {
            return run(call, null, target, upstream, terms);
        }
        return Detached.from(
                sessions.obtain(ticket.get()).flatMap(session -> run(call, session, target, upstream, terms)),
                LegacyCalls::discard);
    }

    private Mono<Answer> run(Call call, @Nullable LiveSession session, Target target, Upstream upstream, Terms terms) {
        LegacyRun run = new LegacyRun(call.id(), session);
        Mono<Answer> answer = upstream.speaks(Era.LEGACY)
                .flatMap(legacy -> legacy
                        ? relay(call, session, target, upstream, run, terms)
                        : translate(call, session, target, upstream, run, terms));
        return ended(answer, call, target, upstream, run);
    }

    /** What all calls end in. */
    private Mono<Answer> ended(Mono<Answer> answer, Call call, Target target, Upstream upstream, LegacyRun run) {
        Mono<Answer> ended = answer.onErrorMap(
                        Rejection.UnknownSession.class, e -> forgotten(call, run, target.backend(), e))
                .onErrorMap(Rejection.BackendFailure.class, e -> Replies.sinceWhen(upstream, e))
                .takeUntilOther(run.cancelled())
                .doOnError(e -> run.end())
                .switchIfEmpty(Mono.fromSupplier(() -> {
                    run.end();
                    return Answer.Empty.ACCEPTED;
                }));
        return ended.doOnDiscard(Reply.class, Reply::discard).doOnDiscard(Answer.class, Answers::discard);
    }

    private Mono<Answer> relay(
            Call call, @Nullable LiveSession session, Target target, Upstream upstream, LegacyRun run, Terms terms) {
        return sessionFor(session, upstream, call.mount()).flatMap(upstreamSession -> {
            Supplier<Exchange> exchange = () -> upstreamSession.request(
                    call.envelope(), Targets.rename(call, target), Hops.before(call.inbound()), terms);
            Supplier<Mono<Reply>> own = () -> {
                Exchange sent = exchange.get();
                run.sent(reason -> upstreamSession.cancel(sent.upstreamId(), reason));
                return sent.reply();
            };
            Place place = cache.place(
                    call,
                    target,
                    upstream,
                    Era.LEGACY,
                    session != null && upstreamSession.stateful()
                            ? session.ticket().id()
                            : null);
            Mono<Reply> replied = place == null
                    ? own.get()
                    : place.reply(
                            isHeardOnTheWay(call, session),
                            () -> QuietExchange.reply(upstreamSession, exchange.get()),
                            own);
            return relayed(replied, call, session, target, upstream, upstreamSession, run);
        });
    }

    private Mono<Answer> relayed(
            Mono<Reply> replied,
            Call call,
            @Nullable LiveSession session,
            Target target,
            Upstream upstream,
            LegacySession upstreamSession,
            LegacyRun run) {
        boolean mayAsk = session != null
                && upstreamSession.stateful()
                && call.inbound().accept().events();
        String backend = upstream.backend().name();
        return replied.map(reply ->
                        tasks.in(ExposedUris.in(reply, call, target), call, target, name -> began(session, name)))
                .map(got -> answer(
                        call,
                        run,
                        backend,
                        got,
                        json -> new Answer.Relayed(json.status(), body(json, call, session, backend)),
                        message -> mayAsk || message.kind() != Kind.REQUEST
                                ? towards(message, call, session, upstreamSession, backend)
                                : LegacyMessages.decline(upstreamSession, message)));
    }

    /** A message of a backend of perhaps a later revision, as the client must see it; null when it must not. */
    private static byte @Nullable [] towards(
            Envelope message, Call call, @Nullable LiveSession session, LegacySession upstreamSession, String backend) {
        ProtocolVersion spoken =
                session == null ? call.version() : session.ticket().version();
        Optional<Revisions.Refusal> refusal = Revisions.refusal(message, spoken);
        if (refusal.isPresent()) {
            return LegacyMessages.refuse(Mono.just(upstreamSession), message, refusal.get());
        }
        return message.kind() == Kind.RESPONSE && isEarlier(call, session)
                ? Revisions.response(message)
                : LegacyMessages.fromBackend(backend, call.mount(), message);
    }

    /** Whether the client has said that it speaks a revision that does not have all that results may hold; one that says none is not taken for one. */
    static boolean isEarlier(Call call, @Nullable LiveSession session) {
        return (session != null || call.inbound().versionHeader() != null)
                && Revisions.changes(call.method(), call.version());
    }

    private static Publisher<ByteBuf> body(Reply.Json json, Call call, @Nullable LiveSession session, String backend) {
        return isEarlier(call, session)
                ? Replies.guarded(Replies.changed(json, backend, Revisions::response), call)
                        .single()
                : guarded(json, call);
    }

    private void began(@Nullable LiveSession session, String task) {
        if (session != null) {
            sessions.began(session, task);
        }
    }

    /** Whether the client can be asked something in the course of its call, or wants to hear of it. */
    private static boolean isHeardOnTheWay(Call call, @Nullable LiveSession session) {
        return Replies.goesAlone(call)
                || session != null
                        && call.inbound().accept().events()
                        && (session.ticket().features().interactive()
                                || session.logLevel().isPresent());
    }

    /** A small body goes out as one write, with its length. */
    private static Publisher<ByteBuf> guarded(Reply.Json json, Call call) {
        Flux<ByteBuf> body = Replies.guarded(json.body(), call);
        return json.small() ? body.single() : body;
    }

    private Mono<Answer> translate(
            Call call, @Nullable LiveSession own, Target target, Upstream upstream, LegacyRun run, Terms terms) {
        OldCall old = new OldCall(call, own, target, upstream, terms, settings);
        Place place = cache.place(call, target, upstream, Era.MODERN, old.variant());
        return translated(old.send(place, isHeardOnTheWay(call, own)), old, call, target, upstream, run);
    }

    private Mono<Answer> translated(
            Mono<Reply> replied, OldCall old, Call call, Target target, Upstream upstream, LegacyRun run) {
        String backend = upstream.backend().name();
        return replied.map(got -> ExposedUris.in(got, call, target))
                .map(got -> answer(
                        call,
                        run,
                        backend,
                        got,
                        json -> new Answer.Relayed(
                                200,
                                Replies.guarded(Replies.changed(json, backend, old::towardsClient), call)
                                        .single()),
                        old::towardsClient));
    }

    // ---- the same on the lane

    /** As {@link #request}, on the short way: null for what has to wait for something. */
    Lane.@Nullable Ride requestNow(Call call, @Nullable SessionTicket ticket, View view, Lane.Turn turn) {
        McpMethod method = call.method();
        if (!call.mount().offers(method, Era.LEGACY)) {
            return null;
        }
        return switch (method) {
            case PING -> DirectCalls.answered(Answers.empty(call), turn);
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> {
                Targets.refuseCursor(call.envelope());
                yield DirectCalls.list(call, turn);
            }
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE ->
                ticket == null || TaskIds.concern(call) || Revisions.changes(method, call.version())
                        ? null
                        : forwardNow(call, ticket, view, turn);
            default -> null;
        };
    }

    private Lane.@Nullable Ride forwardNow(Call call, SessionTicket ticket, View view, Lane.Turn turn) {
        Target target = Targets.of(call);
        Upstream upstream = view.upstream(target.backend());
        LegacySession shared = upstream.sharedNow();
        if (cache.place(call, target, upstream, shared != null ? Era.LEGACY : Era.MODERN, null) != null) {
            return null; // may be for several, and has to be waited for
        }
        if (shared != null) {
            LegacySession own = shared.stateful() ? sessions.openUpstream(ticket, upstream) : shared;
            return own == null || !sessions.isKnown(ticket)
                    ? null
                    : relayNow(call, ticket, target, upstream, own, turn);
        }
        return upstream.isKnownToBeModernOnly()
                        && sessions.isKnown(ticket)
                        && !(ticket.features().interactive()
                                && call.inbound().accept().events())
                ? translateNow(call, ticket, target, upstream, turn)
                : null;
    }

    private Lane.Ride relayNow(
            Call call, SessionTicket ticket, Target target, Upstream upstream, LegacySession on, Lane.Turn turn) {
        Terms terms = admission.admit(call, target, upstream);
        LiveSession session = sessions.live(ticket);
        LegacyRide ride = new LegacyRide(call, session, turn);
        return ride.depart(
                () -> {
                    Direct.SentOnSession sent = on.requestNow(
                            call.envelope(),
                            Targets.rename(call, target),
                            Hops.before(call.inbound()),
                            terms,
                            turn.eventLoop(),
                            ride);
                    if (sent != null) {
                        ride.seen(json -> ExposedUris.in(sent.downstream(json), call, target));
                    }
                    return sent;
                },
                (reply, run) -> {
                    if (ride.sent() instanceof Direct.SentOnSession sent) {
                        run.sent(reason -> on.cancel(sent.upstreamId(), reason));
                    }
                    return ended(relayed(reply, call, session, target, upstream, on, run), call, target, upstream, run);
                },
                () -> run(call, session, target, upstream, terms));
    }

    private Lane.Ride translateNow(Call call, SessionTicket ticket, Target target, Upstream upstream, Lane.Turn turn) {
        Terms terms = admission.admit(call, target, upstream);
        LiveSession session = sessions.live(ticket);
        OldCall old = new OldCall(call, session, target, upstream, terms, settings);
        LegacyRide ride = new LegacyRide(call, session, turn);
        byte[] body = old.body(old.patch());
        String backend = target.backend();
        ride.seen(json -> {
            byte[] seen = old.towardsClient(Replies.read(ExposedUris.in(json, call, target), backend));
            if (seen == null) {
                throw Replies.unanswered(backend);
            }
            return seen;
        });
        return ride.depart(
                () -> upstream.postModernNow(body, old.head(), terms, turn.eventLoop(), ride),
                (reply, run) -> ended(
                        translated(old.secondTry(reply, body), old, call, target, upstream, run),
                        call,
                        target,
                        upstream,
                        run),
                () -> run(call, session, target, upstream, terms));
    }

    /**
     * A backend no longer knows a session whose client it had told something, so that starting over in silence would deceive. Where the backend is all there is, its session is the client's; on the
     * aggregate the call says what happened and the next one starts anew.
     */
    private Throwable forgotten(Call call, LegacyRun run, String backend, Throwable unknown) {
        LiveSession session = run.session();
        if (session != null && !call.mount().aggregate()) {
            run.end(); // the others of the session are cancelled, this one is answered
            sessions.end(session.ticket());
            return unknown;
        }
        return Rejection.BackendFailure.unavailable(
                backend,
                "Backend '" + backend + "' has forgotten the session of this client and what it kept for it; "
                        + "the next call starts a new one",
                Duration.ZERO);
    }

    /** The session at the backend that this call travels in: the shared one, unless the backend keeps state for each session. */
    private Mono<LegacySession> sessionFor(@Nullable LiveSession session, Upstream upstream, Mount mount) {
        Mono<LegacySession> shared = upstream.shared();
        return session == null
                ? shared
                : shared.flatMap(
                        common -> common.stateful() ? sessions.upstream(session, upstream, mount) : Mono.just(common));
    }

    private Answer answer(
            Call call,
            LegacyRun run,
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

    /** Reads to its end what nobody waits for any more. */
    static void discard(Answer answer) {
        if (answer instanceof Answer.Relayed relayed) {
            Flux.from(relayed.json())
                    .doOnNext(ByteBuf::release)
                    .onErrorComplete()
                    .subscribe();
        }
    }

    private Answer eventsAnswer(
            Call call,
            LegacyRun run,
            String backend,
            Flux<Event> events,
            Function<Envelope, byte @Nullable []> towardsClient) {
        Flux<Event> mapped = Replies.untilResponse(events, call, backend)
                .<Event>handle((event, sink) -> {
                    if (!(event instanceof Event.Message message)) {
                        sink.next(event);
                        return;
                    }
                    byte[] towards = towardsClient.apply(Replies.read(message, backend));
                    if (towards != null) {
                        sink.next(new Event.Message(towards));
                    }
                })
                .takeUntilOther(run.cancelled())
                .onErrorResume(
                        Rejection.Unavailable.class,
                        stopping -> Flux.just(new Event.Message(Replies.inBand(call, stopping))));
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
        EventStream stream = sessions.openCallStream(session, call);
        mapped.subscribe(new StreamFeeder(stream, call.version(), () -> {
            session.complete(stream);
            run.end();
        }));
        return LegacySessions.events(stream, 0, call.version());
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
}
