package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.IdRewriter;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A session with a legacy backend, over as many HTTP exchanges as it takes. Safe for use by many threads: what was
 * negotiated is one reference, replaced when the session has to be opened anew.
 *
 * <p>A backend that forgets a session (it answers 404, or a 400 that speaks of sessions) is asked for a new one, and
 * the request is sent again: it cannot have been executed. Only a dedicated session whose client has already been told
 * something on its GET stream is not replaced behind the client's back; it ends, which {@link #onLost()} tells.
 */
public final class LegacySession {
    private static final Logger log = LoggerFactory.getLogger(LegacySession.class);
    private static final int LONGEST_SESSION_ID = 4096;

    /**
     * How long a first call waits for the GET stream, on which many backends ask. Some open it and say so only with
     * the first event.
     */
    private static final Duration STREAM_WAIT = Duration.ofMillis(100);

    private static final List<String> LEVELS =
            List.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

    private final BackendHttp http;
    private final ClientFeatures features;
    private final ProtocolVersion offered;
    private final Runnable onForgotten;
    private final boolean shared;
    private final HandleAgreement agreement;
    private final AtomicReference<@Nullable SessionHandle> handle = new AtomicReference<>();
    private final AtomicLong ids;
    private final AtomicLong handshakes = new AtomicLong();
    private final AtomicInteger loggedFrom = new AtomicInteger(LEVELS.size());
    private final AtomicReference<@Nullable Established> established = new AtomicReference<>();
    private final AtomicReference<@Nullable Renewal> renewal = new AtomicReference<>();

    /** Of a shared session: its counterparts at the other endpoints, each opened when a call is first sent there. */
    private final Map<Endpoint, Mono<Established>> branches = new ConcurrentHashMap<>();

    /** Requests that travel on a branch, for as long as they may be cancelled. */
    private final Map<RequestId, Established> onBranches = new ConcurrentHashMap<>();

    private final Sinks.Empty<Void> lost = Sinks.empty();
    private final Sinks.Empty<Void> listening = Sinks.empty();
    private volatile @Nullable RawJson logLevel;
    private volatile @Nullable GetStream stream;
    private volatile GetStream.@Nullable Listener waitingToListen;
    private volatile @Nullable SessionHandle unsettled;
    private volatile boolean toldSomething;
    private volatile boolean closed;

    /**
     * What one handshake brought. {@code wire} is the revision in the backend's own words, which may be older than any
     * we know.
     */
    record Established(
            ProtocolVersion version,
            String wire,
            RawJson result,
            @Nullable String id,
            Endpoint endpoint,
            long number) {}

    /** How a request is sent. */
    record Way(boolean repeatable, @Nullable String via, Terms terms) {}

    private record Renewal(Established of, Mono<Established> by) {}

    private LegacySession(
            BackendHttp http,
            ClientFeatures features,
            ProtocolVersion offered,
            boolean shared,
            HandleAgreement agreement,
            Runnable onForgotten) {
        this.http = http;
        this.features = features;
        this.offered = offered;
        this.shared = shared;
        this.agreement = agreement;
        this.ids = new AtomicLong(agreement.firstRequestId());
        this.onForgotten = onForgotten;
    }

    /** The backend forgot the session that a request named. */
    static final class Forgotten extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Forgotten() {
            super("the backend forgot the session", null, false, false);
        }
    }

    /** The backend does not do {@code initialize}: it may have changed its era, or never was an MCP server. */
    static final class HandshakeRefused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        HandshakeRefused(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * A session for lists and for calls of any caller, without client features.
     *
     * @param onForgotten told whenever the backend turns out to have forgotten the session, which is what a restart
     *     looks like
     */
    static Mono<LegacySession> openShared(BackendHttp http, Runnable onForgotten) {
        return open(ofAll(http, onForgotten));
    }

    /**
     * As {@link #openShared}, but fails with {@link HandshakeRefused} when the backend has no use for the handshake.
     */
    static Mono<LegacySession> tryShared(BackendHttp http, Runnable onForgotten) {
        LegacySession session = ofAll(http, onForgotten);
        return session.handshake().doOnNext(session.established::set).thenReturn(session);
    }

    private static LegacySession ofAll(BackendHttp http, Runnable onForgotten) {
        return new LegacySession(
                http, ClientFeatures.NONE, ProtocolVersion.LATEST_LEGACY, true, HandleAgreement.alone(), onForgotten);
    }

    /**
     * A session of one client's own: the one that the replicas have agreed on, or a new one. One replica reads its GET
     * stream, from the moment it is opened, into {@code inbox}.
     *
     * @param offered the revision that the client itself speaks, so that it is told nothing newer
     */
    static Mono<LegacySession> openDedicated(
            BackendHttp http,
            ClientFeatures features,
            ProtocolVersion offered,
            Inbox inbox,
            HandleAgreement agreement,
            Runnable onForgotten) {
        LegacySession session = new LegacySession(http, features, offered, false, agreement, onForgotten);
        Delivery delivery = new Delivery(session, inbox);
        return agreement
                .current()
                .flatMap(known -> known.flatMap(session::established)
                        .map(found -> session.goOn(known.get(), found).then(session.keep(delivery)))
                        .orElseGet(() -> open(session)
                                .flatMap(opened -> opened.agreed(known.orElse(null), opened.now()))
                                .doOnNext(session.established::set)
                                .then(session.keep(delivery))))
                .thenReturn(session);
    }

    // ---- what the replicas agree on

    /** A session that another replica opened, unless the backend is no longer where that was or how it was. */
    private Optional<Established> established(SessionHandle known) {
        Optional<ProtocolVersion> version = spoken(known.revision());
        return http.backend().endpoints().stream()
                .filter(endpoint -> endpoint.url().equals(known.endpoint()))
                .findFirst()
                .flatMap(endpoint -> version.map(spoken -> new Established(
                        spoken,
                        known.revision(),
                        RawJson.of("{}"),
                        known.id(),
                        endpoint,
                        handshakes.incrementAndGet())));
    }

    private Mono<Established> goOn(SessionHandle known, Established found) {
        return Mono.fromSupplier(() -> {
            handle.set(known);
            toldSomething |= known.told();
            established.set(found);
            return found;
        });
    }

    /** Lets the replicas know of a session just opened; gives it up when one of them was first. */
    private Mono<Established> agreed(@Nullable SessionHandle before, Established mine) {
        String id = mine.id();
        if (id == null) {
            return Mono.just(mine);
        }
        SessionHandle next =
                new SessionHandle(mine.endpoint().url(), mine.wire(), id, agreement.self(), Optional.empty(), false);
        return agreement
                .settle(before, next)
                .flatMap(kept -> settled(kept, next, mine))
                .switchIfEmpty(Mono.fromSupplier(() -> {
                    unsettled = next;
                    return mine;
                }));
    }

    private Mono<Established> settled(Optional<SessionHandle> kept, SessionHandle next, Established mine) {
        unsettled = null;
        if (kept.filter(next::equals).isPresent()) {
            handle.set(next);
            return Mono.just(mine);
        }
        Optional<Established> others = kept.flatMap(this::established);
        if (others.isEmpty()) {
            return Mono.just(mine);
        }
        delete(mine).subscribe();
        return goOn(kept.get(), others.get());
    }

    /**
     * Agrees with the other replicas on a session that was opened while they could not be asked; theirs wins, if they
     * have one. Completes with this, at once when there is nothing to be agreed on.
     */
    public Mono<LegacySession> agree() {
        return Mono.defer(() -> {
            SessionHandle mine = unsettled;
            if (mine == null) {
                return Mono.just(this);
            }
            Established current = now();
            return agreement
                    .settle(null, mine)
                    .flatMap(kept -> settled(kept, mine, current))
                    .doOnNext(established::set)
                    .thenReturn(this);
        });
    }

    /** Reads the session's own stream, if no other replica does. */
    private Mono<Void> keep(GetStream.Listener listener) {
        return Mono.defer(() -> {
            SessionHandle known = handle.get();
            if (known == null || known.keeper().equals(agreement.self())) {
                listen(listener, Optional.empty());
                return Mono.empty();
            }
            waitingToListen = listener;
            return keep(known);
        });
    }

    /** Reads the session's own stream from now on, if the replica that did has gone. Completes when that is decided. */
    public Mono<Void> keep() {
        return Mono.defer(() -> waitingToListen == null || closed
                ? Mono.empty()
                : agreement
                        .current()
                        .flatMap(known -> Mono.justOrEmpty(known.filter(this::isThis)))
                        .flatMap(this::keep));
    }

    private boolean isThis(SessionHandle other) {
        SessionHandle known = handle.get();
        return known != null && known.sameSession(other);
    }

    private Mono<Void> keep(SessionHandle known) {
        handle.set(known);
        return (known.keeper().isEmpty() ? Mono.just(false) : agreement.isThere(known.keeper()))
                .filter(there -> !there)
                .flatMap(gone -> agreement.settle(known, known.keptBy(agreement.self())))
                .doOnNext(kept -> kept.filter(known::sameSession).ifPresent(now -> {
                    handle.set(now);
                    GetStream.Listener listener = waitingToListen;
                    if (now.keeper().equals(agreement.self()) && listener != null) {
                        waitingToListen = null;
                        listen(listener, known.lastEventId());
                    }
                }))
                .then();
    }

    /** Whether it is for this replica to end the session at the backend, because no other reads its stream. */
    public boolean isKept() {
        SessionHandle known = handle.get();
        return known == null || known.keeper().isEmpty() || known.keeper().equals(agreement.self());
    }

    /** Ends a session at the backend that this replica knows only by its handle. */
    static Mono<Void> end(BackendHttp http, SessionHandle handle) {
        LegacySession session = new LegacySession(
                http, ClientFeatures.NONE, ProtocolVersion.LATEST_LEGACY, false, HandleAgreement.alone(), () -> {});
        return Mono.justOrEmpty(session.established(handle)).flatMap(session::delete);
    }

    private void told() {
        if (!toldSomething) {
            toldSomething = true;
            SessionHandle known = handle.get();
            if (known != null) {
                agreement
                        .settle(known, known.tellingClient())
                        .subscribe(kept ->
                                kept.filter(known::sameSession).ifPresent(now -> handle.compareAndSet(known, now)));
            }
        }
    }

    /**
     * Leaves the session to the other replicas: ends nothing at the backend, and says up to where its stream was read.
     */
    public Mono<Void> leave() {
        return Mono.defer(() -> {
            if (closed) {
                return Mono.empty();
            }
            closed = true;
            GetStream listening = stream;
            Optional<String> readUpTo = Optional.ofNullable(listening).flatMap(GetStream::lastEventId);
            if (listening != null) {
                listening.close();
            }
            SessionHandle known = handle.get();
            return known == null || !known.keeper().equals(agreement.self())
                    ? Mono.empty()
                    : agreement.settle(known, known.left(readUpTo)).then();
        });
    }

    private static Mono<LegacySession> open(LegacySession session) {
        return session.handshake()
                .doOnNext(session.established::set)
                .thenReturn(session)
                .onErrorMap(HandshakeRefused.class, session::refusedHandshake);
    }

    private Throwable refusedHandshake(HandshakeRefused refused) {
        if (!shared) {
            onForgotten.run(); // it did speak a legacy revision: whoever asked for a session believed so
        }
        return http.failures().unavailable(String.valueOf(refused.getMessage()));
    }

    private static final class Delivery implements GetStream.Listener {
        private final LegacySession session;
        private final Inbox inbox;

        private Delivery(LegacySession session, Inbox inbox) {
            this.session = session;
            this.inbox = inbox;
        }

        @Override
        public void onMessage(Envelope message) {
            session.told();
            inbox.onMessage(message.body(), message);
        }

        @Override
        public void onOpen(boolean first, boolean gapless) {
            session.listening.tryEmitEmpty();
        }

        @Override
        public void onClosed() {
            session.listening.tryEmitEmpty();
            inbox.onClosed();
        }
    }

    /**
     * This session once its GET stream is open for the first time, or it is known that there is none, or after a moment
     * in which nothing was heard of it. Many servers send what belongs to a call on that stream, and lose what they send
     * while nobody reads it; so calls come after it.
     */
    Mono<LegacySession> listening() {
        return Mono.defer(() -> stream == null
                ? Mono.just(this) // another replica reads it
                : listening
                        .asMono()
                        .timeout(STREAM_WAIT, http.settings().timer())
                        .onErrorComplete()
                        .thenReturn(this));
    }

    /** A call that knows nothing of earlier ones begins: until it is told something, the session may be replaced. */
    void beginCall() {
        toldSomething = false;
    }

    public ProtocolVersion version() {
        return now().version();
    }

    /** The whole result of {@code initialize}. */
    public RawJson initializeResult() {
        return now().result();
    }

    /** The backend's session id; empty when it keeps no sessions. */
    public Optional<String> id() {
        return Optional.ofNullable(now().id());
    }

    /** Whether the backend keeps a session at all. */
    public boolean stateful() {
        return now().id() != null;
    }

    Established now() {
        Established current = established.get();
        if (current == null) {
            throw new IllegalStateException("the handshake has not ended");
        }
        return current;
    }

    BackendHttp http() {
        return http;
    }

    boolean isClosed() {
        return closed;
    }

    /**
     * Prepares a client's request to go out under an id of this session's own and, on a shared session, under a
     * progress token of its own; both are put back in all that comes back. Messages of the backend's that are requests
     * come as they are, except pings, which are answered here.
     *
     * @param patch changes to {@code request} collected so far; used up by this
     */
    public Exchange request(Envelope request, Patch patch) {
        return request(request, patch, null);
    }

    /** @param via the ids of the gateways that a call came by, or null when it came by none */
    public Exchange request(Envelope request, Patch patch, @Nullable String via) {
        return request(request, patch, via, Terms.ONCE);
    }

    /**
     * @param via the ids of the gateways that a call came by, or null when it came by none
     * @param terms the call's own
     */
    public Exchange request(Envelope request, Patch patch, @Nullable String via, Terms terms) {
        return request(request, patch, via, terms, request.task().isPresent());
    }

    /** As the other form, of a request whose effect the session must know of later: a shared one has it at one endpoint. */
    public Exchange keptRequest(Envelope request, Patch patch, @Nullable String via, Terms terms) {
        return request(request, patch, via, terms, true);
    }

    private Exchange request(Envelope request, Patch patch, @Nullable String via, Terms terms, boolean kept) {
        Relabel relabel = relabel(request, patch);
        Mono<Reply> reply = post(patch.toBytes(), request.method(), relabel, via, terms, kept);
        return new Exchange(
                relabel.upstream(),
                Limited.on(
                        reply,
                        terms,
                        http.backend().name(),
                        http.settings().timer(),
                        () -> cancel(relabel.upstream(), null).onErrorComplete().subscribe()));
    }

    /**
     * As {@link #request}, for a caller on an event loop that does not want to wait: null, and nothing was sent, when
     * there is something to wait for.
     */
    public Direct.@Nullable SentOnSession requestNow(
            Envelope request, Patch patch, @Nullable String via, Terms terms, EventLoop eventLoop, Direct direct) {
        Established current = established.get();
        if (current == null
                || (shared && current.id() != null && http.endpoints().size() > 1)) {
            return null;
        }
        Relabel relabel = relabel(request, patch);
        Way way = new Way(isRepeatable(request.method()), via, terms);
        SessionExchange exchange = new SessionExchange(this, current, way, relabel, patch.toBytes(), direct);
        return exchange.depart(eventLoop) ? exchange : null;
    }

    /** Gives a request the names that it has on this session. */
    private Relabel relabel(Envelope request, Patch patch) {
        RequestId clientId = request.id();
        if (clientId == null) {
            throw new IllegalArgumentException("a request has an id");
        }
        RequestId own = RequestId.of(ids.incrementAndGet());
        patch.replace(request.idSpan(), own.rawJsonBytes());
        byte[] token = null;
        Span tokenSpan = request.metaProgressToken();
        if (shared && tokenSpan.isPresent()) {
            token = request.raw(tokenSpan).bytes();
            patch.replace(tokenSpan, own.rawJsonBytes());
        }
        return new Relabel(own, clientId, token);
    }

    /**
     * The gateway's own request on this session. The reply bears the session's id for it, which nobody needs to know.
     */
    public Mono<Reply> call(String method, @Nullable RawJson params) {
        return Mono.defer(() -> {
            if (method.equals(McpMethod.LOGGING_SET_LEVEL.wire())) {
                logLevel = params;
            }
            RequestId own = RequestId.of(ids.incrementAndGet());
            return post(Messages.request(own, method, params), method, Relabel.none(own), null, Terms.OWN, false);
        });
    }

    /**
     * Has the backend log from this level on, if it logs at all and does not log from a lower level already; nothing
     * for an absent level. Completes when it may be relied on, or the backend would not.
     */
    public Mono<Void> logging(Optional<String> level) {
        return Mono.defer(() -> {
            int wanted = level.map(LEVELS::indexOf).orElse(-1);
            if (wanted < 0 || wanted >= loggedFrom.get() || !logs()) {
                return Mono.<Void>empty();
            }
            loggedFrom.accumulateAndGet(wanted, Math::min);
            logLevel = RawJson.of("{\"level\":\"" + LEVELS.get(loggedFrom.get()) + "\"}");
            Mono<Void> elsewhere = Flux.fromIterable(branches.values())
                    .flatMap(branch -> branch.flatMap(this::restored).onErrorComplete())
                    .then();
            return restored(now()).then(elsewhere);
        });
    }

    private boolean logs() {
        Envelope result = Messages.opened(now().result());
        return result.member(result.member(result.result(), "capabilities"), "logging")
                .isPresent();
    }

    /** Tells the backend that nobody waits for a request any more. */
    public Mono<Void> cancel(RequestId upstreamId, @Nullable String reasonJson) {
        String reason = reasonJson == null ? "" : ",\"reason\":" + reasonJson;
        RawJson params = RawJson.of("{\"requestId\":" + upstreamId.rawJson() + reason + "}");
        byte[] json = Messages.notification(McpMethod.NOTIFICATION_CANCELLED.wire(), params);
        return Mono.defer(() -> {
            Established there = onBranches.remove(upstreamId);
            return send(json, there == null ? now() : there);
        });
    }

    /** Sends a notification or a response as it is. Fails when the backend does not take it. */
    public Mono<Void> send(byte[] json) {
        return Mono.defer(() -> send(json, now()));
    }

    private Mono<Void> send(byte[] json, Established current) {
        return post(json, current, false).flatMap(answer -> {
            if (answer.isSuccess()) {
                answer.drop();
                return Mono.empty();
            }
            return answer.refused().flatMap(refused -> {
                if (isForgotten(refused, current)) {
                    onForgotten.run();
                }
                return Mono.error(
                        http.failures().answered(refused, current.endpoint().url()));
            });
        });
    }

    /** Ends the session at the backend too; one that does not support that, or has forgotten it, is left alone. */
    public Mono<Void> close() {
        return Mono.defer(() -> {
            if (closed) {
                return Mono.empty();
            }
            closed = true;
            GetStream listening = stream;
            if (listening != null) {
                listening.close();
            }
            Established current = established.get();
            SessionHandle known = handle.get();
            Mono<?> forgetting = known == null ? Mono.empty() : agreement.settle(known, null);
            return Flux.fromIterable(branches.values())
                    .flatMap(branch -> branch.onErrorComplete().flatMap(this::delete))
                    .then(Mono.when(current == null ? Mono.empty() : delete(current), forgetting));
        });
    }

    private Mono<Void> delete(Established current) {
        if (current.id() == null) {
            return Mono.empty();
        }
        Ask delete = new Ask(
                HttpMethod.DELETE,
                current.endpoint(),
                false,
                headers -> head(headers, current, MediaTypes.BOTH),
                null,
                http.probeTimeout(),
                false,
                false,
                Terms.OWN);
        return http.send(delete).doOnNext(Answer::drop).onErrorComplete().then();
    }

    /**
     * Completes when the session has ended at the backend and was not replaced, because its client would notice. Never
     * fails.
     */
    public Mono<Void> onLost() {
        return lost.asMono();
    }

    /** Opens the GET stream, once. */
    void listen(GetStream.Listener listener) {
        listen(listener, Optional.empty());
    }

    private void listen(GetStream.Listener listener, Optional<String> after) {
        GetStream opened = new GetStream(this, listener, after.orElse(null));
        stream = opened;
        opened.start();
        if (closed) {
            opened.close();
        }
    }

    // ---- requests

    private Mono<Reply> post(
            byte[] body, String method, Relabel relabel, @Nullable String via, Terms terms, boolean kept) {
        boolean stays = kept || isAboutTheSession(method);
        Way way = new Way(isRepeatable(method), via, terms);
        return surely(Mono.defer(() -> {
            Established current = now();
            Endpoint chosen = chosen(current, terms.affinity());
            if (shared && !stays && !chosen.equals(current.endpoint())) {
                return branch(chosen)
                        .flatMap(there -> onBranch(body, there, way, relabel))
                        .onErrorResume(LegacySession::cannotBeThere, left -> primary(body, current, way, relabel));
            }
            return primary(body, current, way, relabel);
        }));
    }

    private Mono<Reply> surely(Mono<Reply> reply) {
        return reply.onErrorMap(Forgotten.class, e -> http.failures().unavailable("it forgets its sessions at once"))
                .onErrorMap(HttpAttempts.Unreached.class, HttpAttempts.Unreached::refusal)
                .doOnDiscard(Reply.class, Reply::discard);
    }

    /** Whether a method is about what the session itself holds, or hears on its GET stream. */
    private static boolean isAboutTheSession(String method) {
        return McpMethod.of(method)
                .map(known -> switch (known) {
                    case RESOURCES_SUBSCRIBE,
                            RESOURCES_UNSUBSCRIBE,
                            LOGGING_SET_LEVEL,
                            TASKS_GET,
                            TASKS_RESULT,
                            TASKS_CANCEL -> true;
                    default -> false;
                })
                .orElse(false);
    }

    /**
     * Where a request goes. What a backend keeps for a session it keeps at one endpoint; only a session that several
     * callers share, so that nobody can rely on what it holds, may have counterparts elsewhere.
     */
    private Endpoint chosen(Established current, long affinity) {
        return shared && current.id() != null
                ? http.endpoints().choose(affinity, System.nanoTime())
                : current.endpoint();
    }

    private Mono<Reply> primary(byte[] body, Established current, Way way, Relabel relabel) {
        return renewing(once(body, current, way, relabel), body, current, way, relabel);
    }

    /** What comes of a request that was sent at once. */
    Mono<Reply> reply(Mono<Answer> outcome, byte[] body, Established current, Way way, Relabel relabel) {
        return surely(renewing(reply(outcome, current, way, relabel), body, current, way, relabel));
    }

    /** Once more on a new session, if the backend has forgotten this one. */
    private Mono<Reply> renewing(Mono<Reply> first, byte[] body, Established current, Way way, Relabel relabel) {
        return first.onErrorResume(
                lost -> lost instanceof Forgotten || lost instanceof HttpAttempts.Unreached,
                lost -> renew(current)
                        .onErrorMap(
                                failed -> lost instanceof HttpAttempts.Unreached
                                        && failed instanceof Rejection.BackendFailure,
                                failed -> ((HttpAttempts.Unreached) lost).refusal())
                        .flatMap(next -> once(body, next, way, relabel)));
    }

    private Mono<Established> branch(Endpoint at) {
        return branches.computeIfAbsent(
                at,
                there -> handshake(there)
                        .flatMap(made -> restored(made).thenReturn(made))
                        .doOnError(ignored -> branches.remove(there))
                        .onErrorMap(failed -> new NoBranch())
                        .cache());
    }

    private Mono<Reply> onBranch(byte[] body, Established there, Way way, Relabel relabel) {
        onBranches.put(relabel.upstream(), there);
        return once(body, there, way, relabel)
                .map(reply -> watched(reply, relabel.upstream()))
                .doOnError(ignored -> leave(there, relabel));
    }

    private void leave(Established there, Relabel relabel) {
        onBranches.remove(relabel.upstream());
        Mono<Established> left = branches.get(there.endpoint());
        if (left != null) {
            left.subscribe(
                    known -> {
                        if (known.equals(there)) {
                            branches.remove(there.endpoint(), left);
                        }
                    },
                    ignored -> {});
        }
    }

    private Reply watched(Reply reply, RequestId id) {
        if (reply instanceof Reply.Json json) {
            return new Reply.Json(json.status(), json.body().doFinally(end -> onBranches.remove(id)), json.small());
        }
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(events.events().doOnTerminate(() -> onBranches.remove(id)));
        }
        onBranches.remove(id);
        return reply;
    }

    /**
     * Completes when this endpoint answers a ping, in the session that is kept there, which is opened if there is none:
     * a check leaves nothing behind that is not used again. Of shared sessions only.
     */
    Mono<Void> check(Endpoint at) {
        return Mono.defer(() -> {
            Established current = now();
            Mono<Established> place = current.endpoint().equals(at) ? Mono.just(current) : branch(at);
            return place.flatMap(there -> {
                byte[] ping = Messages.request(RequestId.of(ids.incrementAndGet()), McpMethod.PING.wire(), null);
                Way way = new Way(false, null, Terms.OWN);
                return http.send(asked(ping, there, way, false).at(at).aside())
                        .flatMap(answer -> answer.refused().flatMap(said -> pinged(said, there)));
            });
        });
    }

    private Mono<Void> pinged(Reply.Refused said, Established there) {
        if (isForgotten(said, there)) {
            branches.remove(there.endpoint()); // it was restarted, and is well
            return Mono.empty();
        }
        return said.status() >= 500
                ? Mono.error(http.failures().answered(said, there.endpoint().url()))
                : Mono.empty();
    }

    private static boolean cannotBeThere(Throwable error) {
        return error instanceof Forgotten || error instanceof HttpAttempts.Unreached || error instanceof NoBranch;
    }

    /** No session could be opened at an endpoint. */
    private static final class NoBranch extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NoBranch() {
            super("no session there", null, false, false);
        }
    }

    /** Repeating these has no effect beyond the first time. */
    static boolean isRepeatable(String method) {
        return McpMethod.of(method)
                .map(known -> switch (known) {
                    case PING,
                            TOOLS_LIST,
                            PROMPTS_LIST,
                            PROMPTS_GET,
                            RESOURCES_LIST,
                            RESOURCE_TEMPLATES_LIST,
                            RESOURCES_READ,
                            RESOURCES_SUBSCRIBE,
                            RESOURCES_UNSUBSCRIBE,
                            COMPLETION_COMPLETE,
                            LOGGING_SET_LEVEL,
                            DISCOVER -> true;
                    default -> false;
                })
                .orElse(false);
    }

    private Mono<Answer> post(byte[] body, Established current, boolean repeatable) {
        return http.send(asked(body, current, new Way(repeatable, null, Terms.OWN), false));
    }

    Ask asked(byte[] body, Established current, Way way, boolean movable) {
        return Ask.call(
                body,
                headers -> {
                    head(headers, current, MediaTypes.BOTH);
                    http.via(headers, way.via());
                },
                http.backend().timeout(),
                way.repeatable(),
                way.terms(),
                shared && current.id() == null ? null : current.endpoint(),
                movable);
    }

    static void head(HttpHeaders headers, Established current, String accept) {
        headers.set(HttpHeaderNames.ACCEPT, accept);
        headers.set(McpHeaders.PROTOCOL_VERSION, current.wire());
        if (current.id() != null) {
            headers.set(McpHeaders.SESSION_ID, current.id());
        }
    }

    private Mono<Reply> once(byte[] body, Established current, Way way, Relabel relabel) {
        return reply(http.send(asked(body, current, way, true)), current, way, relabel);
    }

    private Mono<Reply> reply(Mono<Answer> outcome, Established current, Way way, Relabel relabel) {
        return outcome.flatMap(answer -> {
            if (answer.isEventStream()) {
                return Mono.<Reply>just(new Reply.Events(
                        http.inTime(new CallStream(this, current, relabel, answer).events(), way.terms())));
            }
            if (answer.isSuccess() && answer.isEmpty()) {
                answer.drop();
                return Mono.error(http.failures().unavailable("it accepted a request and did not answer it"));
            }
            if (answer.isSuccess() && answer.isJson()) {
                return Mono.just(new Reply.Json(answer.status(), relabelled(answer, relabel), answer.isSmall()));
            }
            return answer.refused().flatMap(refused -> refused(refused, current, relabel));
        });
    }

    private Flux<ByteBuf> relabelled(Answer answer, Relabel relabel) {
        return Flux.defer(() -> {
            IdRewriter rewriter = new IdRewriter(relabel.downstream());
            if (answer.isSmall()) {
                return answer.body().handle((part, sink) -> {
                    ByteBuf rewritten = rewriter.push(part);
                    if (rewriter.isResponse()) {
                        sink.next(rewritten);
                    } else {
                        rewritten.release();
                        sink.error(
                                http.failures().unavailable("it answered with something that is no JSON-RPC response"));
                    }
                });
            }
            return answer.body()
                    .map(rewriter::push)
                    .concatWith(Flux.defer(() -> rewriter.isResponse()
                            ? Flux.empty()
                            : Flux.error(http.failures().unavailable("its answer was no complete JSON-RPC response"))));
        });
    }

    /** The same of a whole small body. */
    byte[] relabelled(byte[] json, Relabel relabel) {
        IdRewriter rewriter = new IdRewriter(relabel.downstream());
        byte[] rewritten = rewriter.whole(json);
        if (!rewriter.isResponse()) {
            throw http.failures().unavailable("it answered with something that is no JSON-RPC response");
        }
        return rewritten;
    }

    private Mono<Reply> refused(Reply.Refused refused, Established current, Relabel relabel) {
        if (isForgotten(refused, current)) {
            return Mono.error(new Forgotten());
        }
        if (Failures.concernsBackend(refused.status()) || refused.status() < 300) {
            return Mono.error(
                    http.failures().answered(refused, current.endpoint().url()));
        }
        return Mono.just(MessageReader.read(refused.body())
                .filter(relabel::isAnswer)
                .map(message ->
                        new Reply.Refused(refused.status(), relabel.downstream(message), true, refused.headers()))
                .orElse(refused));
    }

    /** The protocol says 404; a widely copied server says 400 and speaks of sessions. */
    static boolean isForgotten(Reply.Refused refused, Established current) {
        if (current.id() == null) {
            return false;
        }
        if (refused.status() == 404) {
            return MessageReader.read(refused.body())
                    .map(message -> Probe.code(message) != ErrorCodes.METHOD_NOT_FOUND)
                    .orElse(true);
        }
        return refused.status() == 400
                && Failures.errorMessage(refused.body())
                        .filter(text -> text.toLowerCase(Locale.ROOT).contains("session"))
                        .isPresent();
    }

    /** Answers what is between the backend and this hop; true when the message is dealt with. */
    boolean answersItself(Envelope message, Established at) {
        if (message.kind() != Kind.REQUEST) {
            return false;
        }
        RequestId id = message.id();
        if (id == null) {
            return false;
        }
        if (message.knownMethod().filter(McpMethod.PING::equals).isPresent()) {
            reply(Messages.emptyResult(id), at);
            return true;
        }
        return false;
    }

    /** Says no to a request that nobody behind this session could answer. */
    void decline(Envelope message) {
        RequestId id = message.id();
        if (id != null) {
            reply(Messages.error(id, ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + message.method()), now());
        }
    }

    private void reply(byte[] json, Established at) {
        send(json, at)
                .subscribe(
                        ignored -> {},
                        error -> log.debug(
                                "Backend '{}' did not take an answer: {}",
                                http.backend().name(),
                                error.getMessage()));
    }

    // ---- opening and reopening

    /** A session in the place of one the backend forgot; those who find out at the same time share one handshake. */
    Mono<Established> renew(Established forgotten) {
        return Mono.defer(() -> {
            Established current = now();
            if (!current.equals(forgotten)) {
                return Mono.just(current);
            }
            if (closed) {
                return Mono.error(new Rejection.UnknownSession());
            }
            return renewal(forgotten);
        });
    }

    /** What the replicas use by now in the place of a forgotten session, or a new one, or none if the client would notice. */
    private Mono<Established> replacement() {
        SessionHandle before = handle.get();
        if (shared || before == null) {
            return !shared && toldSomething ? lose(before) : handshake();
        }
        return agreement.current().flatMap(known -> {
            Optional<Established> others =
                    known.filter(now -> !now.sameSession(before)).flatMap(this::established);
            if (others.isPresent()) {
                return goOn(known.get(), others.get());
            }
            if (toldSomething || known.filter(SessionHandle::told).isPresent()) {
                return lose(known.orElse(null));
            }
            return handshake().flatMap(mine -> agreed(known.orElse(null), mine));
        });
    }

    private Mono<Established> lose(@Nullable SessionHandle known) {
        return Mono.defer(() -> {
            log.info(
                    "Backend '{}' forgot a session whose client had been told something; it ends",
                    http.backend().name());
            closed = true;
            if (known != null) {
                agreement.settle(known, null).subscribe();
            }
            lost.tryEmitEmpty();
            GetStream listening = stream;
            if (listening != null) {
                listening.close();
            }
            return Mono.error(new Rejection.UnknownSession());
        });
    }

    private Mono<Established> renewal(Established forgotten) {
        while (true) {
            Renewal running = renewal.get();
            if (running != null && running.of().equals(forgotten)) {
                return running.by();
            }
            Renewal next = new Renewal(forgotten, reopen().cache());
            if (renewal.compareAndSet(running, next)) {
                onForgotten.run();
                return next.by();
            }
        }
    }

    /** Whether there is nothing left to {@link #agree} on. */
    public boolean isAgreed() {
        return unsettled == null;
    }

    /** Whether no handshake is under way. */
    boolean isSettled() {
        Renewal running = renewal.get();
        return running == null || !running.of().equals(established.get());
    }

    /** This session once a handshake that is under way has ended. */
    Mono<LegacySession> settled() {
        return Mono.defer(() -> {
            Renewal running = renewal.get();
            return running != null && running.of().equals(established.get())
                    ? running.by().thenReturn(this)
                    : Mono.just(this);
        });
    }

    private Mono<Established> reopen() {
        return replacement()
                .flatMap(next -> restored(next).thenReturn(next))
                .doOnNext(this::adopt)
                .onErrorMap(HandshakeRefused.class, e -> http.failures().unavailable(String.valueOf(e.getMessage())))
                .doOnError(ignored -> renewal.set(null));
    }

    private void adopt(Established next) {
        established.set(next);
        log.info(
                "Backend '{}' forgot a session, or its endpoint is away; a new one was opened",
                http.backend().name());
        GetStream listening = stream;
        if (listening == null) {
            return;
        }
        SessionHandle agreed = handle.get();
        if (agreed == null || agreed.keeper().equals(agreement.self())) {
            listening.renewed();
        } else {
            waitingToListen = listening.listener();
            stream = null;
            listening.stop();
        }
    }

    private Mono<Void> restored(Established next) {
        RawJson level = logLevel;
        if (level == null) {
            return Mono.empty();
        }
        RequestId own = RequestId.of(ids.incrementAndGet());
        byte[] body = Messages.request(own, McpMethod.LOGGING_SET_LEVEL.wire(), level);
        return post(body, next, true)
                .flatMap(answer -> Messages.response(answer, http.settings()))
                .onErrorComplete()
                .then();
    }

    private Mono<Established> handshake() {
        return handshake(null);
    }

    /** @param at where, or null for wherever there is room */
    private Mono<Established> handshake(@Nullable Endpoint at) {
        return Mono.defer(() -> {
            byte[] body = Messages.request(
                    RequestId.of(ids.incrementAndGet()),
                    McpMethod.INITIALIZE.wire(),
                    Messages.initializeParams(offered, features, http.settings().clientInfo()));
            Ask ask = Ask.post(body, headers -> headers.set("Accept", MediaTypes.BOTH), http.probeTimeout(), true)
                    .at(at);
            return http.send(ask).flatMap(this::welcome).flatMap(this::confirm);
        });
    }

    private Mono<Established> welcome(Answer answer) {
        if (answer.isEventStream() || (answer.isSuccess() && !answer.isEmpty() && answer.isJson())) {
            return Messages.response(answer, http.settings())
                    .timeout(
                            http.probeTimeout(),
                            Mono.error(() -> http.failures().silent(http.probeTimeout())))
                    .switchIfEmpty(Mono.error(() -> new HandshakeRefused("it answered initialize with nothing")))
                    .flatMap(message -> agree(answer, message));
        }
        return answer.refused().flatMap(refused -> {
            if (Failures.concernsBackend(refused.status())) {
                return Mono.error(
                        http.failures().answered(refused, answer.endpoint().url()));
            }
            String said = Failures.errorMessage(refused.body())
                    .map(text -> ": " + text)
                    .orElse("");
            String hint = refused.status() == 404 || refused.status() == 405
                    ? "; is " + Failures.shown(answer.endpoint().url()) + " its MCP endpoint?"
                    : "";
            return Mono.error(new HandshakeRefused("it refused initialize with " + refused.status() + said + hint));
        });
    }

    private Mono<Established> agree(Answer answer, Envelope message) {
        if (message.error().isPresent() || !message.isObject(message.result())) {
            return Mono.error(new HandshakeRefused("it answered initialize with an error: "
                    + Failures.errorMessage(message.body()).orElse("no result")));
        }
        Span named = message.member(message.result(), "protocolVersion");
        String wire = message.isString(named) ? message.text(named) : "";
        Optional<ProtocolVersion> version = spoken(wire);
        if (version.isEmpty()) {
            return Mono.error(new HandshakeRefused(
                    "it answered initialize with protocol version '" + wire + "', which this gateway does not speak"));
        }
        String id = answer.header(McpHeaders.SESSION_ID);
        if (id != null && !isVisibleAscii(id)) {
            return Mono.error(new HandshakeRefused(
                    "its session id is not visible ASCII of at most " + LONGEST_SESSION_ID + " characters"));
        }
        return Mono.just(new Established(
                version.get(),
                wire,
                message.raw(message.result()),
                id,
                answer.endpoint(),
                handshakes.incrementAndGet()));
    }

    /**
     * Home-made servers often name the revision before Streamable HTTP while speaking it; the oldest we know is what
     * they mean.
     */
    private static Optional<ProtocolVersion> spoken(String wire) {
        if (wire.equals("2024-11-05") || wire.equals("2024-10-07")) {
            return Optional.of(ProtocolVersion.ASSUMED);
        }
        return ProtocolVersion.of(wire).filter(v -> v.era() == io.sluice.protocol.Era.LEGACY);
    }

    private static boolean isVisibleAscii(String id) {
        return !id.isEmpty() && id.length() <= LONGEST_SESSION_ID && id.chars().allMatch(c -> c >= 0x21 && c <= 0x7E);
    }

    /** A backend that chokes on the notification has still opened the session. */
    private Mono<Established> confirm(Established next) {
        byte[] body = Messages.notification(McpMethod.NOTIFICATION_INITIALIZED.wire(), null);
        return post(body, next, true)
                .doOnNext(answer -> {
                    if (!answer.isSuccess()) {
                        log.debug(
                                "Backend '{}' answered notifications/initialized with {}",
                                http.backend().name(),
                                answer.status());
                    }
                    answer.drop();
                })
                .thenReturn(next);
    }
}
