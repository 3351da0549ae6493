package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A session with a legacy backend, over as many HTTP exchanges as it takes. Safe for use by many threads: what was
 * negotiated is one reference, replaced when the session has to be opened anew.
 *
 * <p>A backend that forgets a session (it answers 404, or a 400 that speaks of sessions) is asked for a new one, and
 * the request is sent again: it cannot have been executed. Only a dedicated session whose client has already been told
 * something on its GET stream is not replaced behind the client's back; it ends, which {@link #onLost()} tells.
 *
 * <p>Here is decided where a request goes. What stands for the session at the backend is kept by {@code SessionLife},
 * opened by {@code Handshake} and agreed on with the other replicas by {@code AgreedHandle}; its counterparts at other
 * endpoints are {@code SessionBranches}, its GET stream is {@code SessionStream}. {@code SessionHttp} writes its
 * messages, {@code SessionReplies} reads what comes back.
 */
public final class LegacySession {
    private final boolean shared;
    private final Runnable onForgotten;
    private final SessionHttp messages;
    private final SessionReplies replies;
    private final Handshake handshake;
    private final SessionLogging logging;
    private final SessionBranches branches;
    private final AgreedHandle agreed;
    private final SessionStream stream;
    private final SessionLife life;

    private LegacySession(
            BackendHttp http,
            ClientFeatures features,
            ProtocolVersion offered,
            boolean shared,
            HandleAgreement agreement,
            Runnable onForgotten) {
        this.shared = shared;
        this.onForgotten = onForgotten;
        this.messages = new SessionHttp(http, shared, agreement.firstRequestId(), onForgotten);
        this.replies = new SessionReplies(messages);
        this.handshake = new Handshake(messages, features, offered);
        this.logging = new SessionLogging(messages);
        this.branches = new SessionBranches(messages, handshake, logging);
        this.agreed = new AgreedHandle(agreement, handshake, messages);
        this.stream = new SessionStream(this, agreed);
        this.life = new SessionLife(http, handshake, agreed, logging, stream, onForgotten);
    }

    // ---- opening

    /**
     * A session for lists and for calls of any caller, without client features.
     *
     * @param onForgotten told whenever the backend turns out to have forgotten the session, which is what a restart
     *     looks like
     */
    static Mono<LegacySession> openShared(BackendHttp http, Runnable onForgotten) {
        LegacySession session = ofAll(http, onForgotten);
        return session.open().doOnNext(session.life::begin).thenReturn(session);
    }

    /**
     * As {@link #openShared}, but fails with {@link Handshake.Refused} when the backend has no use for the handshake.
     */
    static Mono<LegacySession> tryShared(BackendHttp http, Runnable onForgotten) {
        LegacySession session = ofAll(http, onForgotten);
        return session.handshake.open(null).doOnNext(session.life::begin).thenReturn(session);
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
        return session.agreed
                .join(session.open())
                .doOnNext(session.life::begin)
                .then(session.stream.keep(inbox))
                .thenReturn(session);
    }

    private Mono<Established> open() {
        return handshake.open(null).onErrorMap(Handshake.Refused.class, this::refusedHandshake);
    }

    private Throwable refusedHandshake(Handshake.Refused refused) {
        if (!shared) {
            onForgotten.run(); // it did speak a legacy revision: whoever asked for a session believed so
        }
        return http().failures().unavailable(String.valueOf(refused.getMessage()));
    }

    // ---- what it is

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

    /** What stands for it at the moment. */
    Established now() {
        return life.now();
    }

    BackendHttp http() {
        return messages.http();
    }

    boolean isClosed() {
        return life.isClosed();
    }

    /** Whether no handshake is under way. */
    boolean isSettled() {
        return life.isSettled();
    }

    /** This session once a handshake that is under way has ended. */
    Mono<LegacySession> settled() {
        return life.settled().thenReturn(this);
    }

    /** What stands in the place of one that the backend forgot. Fails when the session is over. */
    Mono<Established> renew(Established forgotten) {
        return life.renew(forgotten);
    }

    /** A call that knows nothing of earlier ones begins: until it is told something, the session may be replaced. */
    void beginCall() {
        agreed.forgetTelling();
    }

    // ---- shared among replicas

    /** Whether there is nothing left to {@link #agree} on. */
    public boolean isAgreed() {
        return agreed.isSettled();
    }

    /**
     * Agrees with the other replicas on a session that was opened while they could not be asked; theirs wins, if they
     * have one. Completes with this, at once when there is nothing to be agreed on.
     */
    public Mono<LegacySession> agree() {
        return Mono.defer(() -> isAgreed()
                ? Mono.just(this)
                : agreed.agree(now()).doOnNext(life::begin).thenReturn(this));
    }

    /** Reads the session's own stream from now on, if the replica that did has gone. Completes when that is decided. */
    public Mono<Void> keep() {
        return stream.keep();
    }

    /** Whether it is for this replica to end the session at the backend, because no other reads its stream. */
    public boolean isKept() {
        return agreed.isKept();
    }

    /**
     * Leaves the session to the other replicas: ends nothing at the backend, and says up to where its stream was read.
     */
    public Mono<Void> leave() {
        return Mono.defer(() -> {
            if (!life.end()) {
                return Mono.empty();
            }
            Optional<String> readUpTo = stream.readUpTo();
            stream.close();
            return agreed.leave(readUpTo);
        });
    }

    // ---- the GET stream

    /** Opens the GET stream, once. */
    void listen(GetStream.Listener listener) {
        stream.open(listener);
    }

    /** This session once its GET stream is open, as {@link SessionStream#listening} says. */
    Mono<LegacySession> listening() {
        return stream.listening().thenReturn(this);
    }

    /** Answers what is between the backend and this hop; true when the message is dealt with. */
    boolean answersItself(Envelope message) {
        return messages.answersItself(message, now());
    }

    /** Says no to a request that nobody behind this session could answer. */
    void decline(Envelope message) {
        messages.decline(message, now());
    }

    // ---- requests

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
        Relabel relabel = messages.relabel(request, patch);
        Mono<Reply> reply = post(patch.toBytes(), request.method(), relabel, via, terms, kept);
        return new Exchange(
                relabel.upstream(),
                Limited.on(
                        reply,
                        terms,
                        http().backend().name(),
                        http().settings().timer(),
                        () -> cancel(relabel.upstream(), null).onErrorComplete().subscribe()));
    }

    /**
     * As {@link #request}, for a caller on an event loop that does not want to wait: null, and nothing was sent, when
     * there is something to wait for.
     */
    public Direct.@Nullable SentOnSession requestNow(
            Envelope request, Patch patch, @Nullable String via, Terms terms, EventLoop eventLoop, Direct direct) {
        Established current = life.current();
        Established there = current == null ? null : placeNow(request, current, terms.affinity());
        if (current == null || there == null) {
            return null;
        }
        Relabel relabel = messages.relabel(request, patch);
        Way way = Way.of(request.method(), via, terms);
        SessionExchange exchange = new SessionExchange(this, current, there, way, relabel, patch.toBytes(), direct);
        return exchange.depart(eventLoop) ? exchange : null;
    }

    /** The session itself, or its counterpart where the request is to go; null when that is not open. */
    private @Nullable Established placeNow(Envelope request, Established current, long affinity) {
        if (!shared || request.task().isPresent() || SessionBranches.isAboutTheSession(request.method())) {
            return current;
        }
        Endpoint chosen = chosen(current, affinity);
        return chosen.equals(current.endpoint()) ? current : branches.openAt(chosen);
    }

    /** A request travels on a branch, or does so no more. */
    void travels(RequestId id, Established branch, boolean begins) {
        if (begins) {
            branches.travels(id, branch);
        } else {
            branches.cancelled(id);
        }
    }

    /**
     * The gateway's own request on this session. The reply bears the session's id for it, which nobody needs to know.
     */
    public Mono<Reply> call(String method, @Nullable RawJson params) {
        return Mono.defer(() -> {
            if (method.equals(McpMethod.LOGGING_SET_LEVEL.wire())) {
                logging.told(params);
            }
            RequestId own = messages.nextId();
            return post(Messages.request(own, method, params), method, Relabel.none(own), null, Terms.OWN, false);
        });
    }

    private Mono<Reply> post(
            byte[] body, String method, Relabel relabel, @Nullable String via, Terms terms, boolean kept) {
        boolean stays = kept || SessionBranches.isAboutTheSession(method);
        Way way = Way.of(method, via, terms);
        return surely(Mono.defer(() -> {
            Established current = now();
            Endpoint chosen = chosen(current, terms.affinity());
            if (shared && !stays && !chosen.equals(current.endpoint())) {
                return branches.at(chosen)
                        .flatMap(there -> branches.on(there, relabel.upstream(), once(body, there, way, relabel)))
                        .onErrorResume(SessionBranches::cannotBeThere, left -> primary(body, current, way, relabel));
            }
            return primary(body, current, way, relabel);
        }));
    }

    private Mono<Reply> surely(Mono<Reply> reply) {
        return reply.onErrorMap(
                        SessionReplies.Forgotten.class,
                        e -> http().failures().unavailable("it forgets its sessions at once"))
                .onErrorMap(HttpAttempts.Unreached.class, HttpAttempts.Unreached::refusal)
                .doOnDiscard(Reply.class, Reply::discard);
    }

    /**
     * Where a request goes. What a backend keeps for a session it keeps at one endpoint; only a session that several
     * callers share, so that nobody can rely on what it holds, may have counterparts elsewhere.
     */
    private Endpoint chosen(Established current, long affinity) {
        return shared && current.id() != null
                ? http().endpoints().choose(affinity, System.nanoTime())
                : current.endpoint();
    }

    private Mono<Reply> primary(byte[] body, Established current, Way way, Relabel relabel) {
        return renewing(once(body, current, way, relabel), body, current, way, relabel);
    }

    private Mono<Reply> once(byte[] body, Established at, Way way, Relabel relabel) {
        return replies.read(http().send(messages.asked(body, at, way, true)), at, way, relabel);
    }

    /** Once more on a new session, if the backend has forgotten this one. */
    private Mono<Reply> renewing(Mono<Reply> first, byte[] body, Established current, Way way, Relabel relabel) {
        return first.onErrorResume(
                lost -> lost instanceof SessionReplies.Forgotten || lost instanceof HttpAttempts.Unreached,
                lost -> renew(current)
                        .onErrorMap(
                                failed -> lost instanceof HttpAttempts.Unreached
                                        && failed instanceof Rejection.BackendFailure,
                                failed -> ((HttpAttempts.Unreached) lost).refusal())
                        .flatMap(next -> once(body, next, way, relabel)));
    }

    /** Sends a request without waiting; null when it would have to wait, and nothing was done. */
    @Nullable
    Prompted sendNow(byte[] body, Established at, Way way, EventLoop eventLoop, Prompt prompt) {
        return http().sendNow(messages.asked(body, at, way, true), eventLoop, prompt);
    }

    /** What comes of a request that was sent at once. */
    Mono<Reply> reply(
            Mono<Answer> outcome, byte[] body, Established current, Established there, Way way, Relabel relabel) {
        Mono<Reply> read = replies.read(outcome, there, way, relabel);
        return surely(
                there.number() == current.number()
                        ? renewing(read, body, current, way, relabel)
                        : branches.on(there, relabel.upstream(), read)
                                .onErrorResume(
                                        SessionBranches::cannotBeThere, left -> primary(body, current, way, relabel)));
    }

    /** As {@link SessionReplies#relabelled}. */
    byte[] relabelled(byte[] json, Relabel relabel) {
        return replies.relabelled(json, relabel);
    }

    /** As {@link SessionBranches#check}. Of shared sessions only. */
    Mono<Void> check(Endpoint at) {
        return Mono.defer(() -> branches.check(at, now()));
    }

    /**
     * Has the backend log from this level on, if it logs at all and does not log from a lower level already; nothing
     * for an absent level. Completes when it may be relied on, or the backend would not.
     */
    public Mono<Void> logging(Optional<String> level) {
        return Mono.defer(() -> logging.from(level, now(), branches.all()));
    }

    /** Tells the backend that nobody waits for a request any more. */
    public Mono<Void> cancel(RequestId upstreamId, @Nullable String reasonJson) {
        String reason = reasonJson == null ? "" : ",\"reason\":" + reasonJson;
        RawJson params = RawJson.of("{\"requestId\":" + upstreamId.rawJson() + reason + "}");
        byte[] json = Messages.notification(McpMethod.NOTIFICATION_CANCELLED.wire(), params);
        return Mono.defer(() -> {
            Established there = branches.cancelled(upstreamId);
            return messages.send(json, there == null ? now() : there);
        });
    }

    /** Sends a notification or a response as it is. Fails when the backend does not take it. */
    public Mono<Void> send(byte[] json) {
        return Mono.defer(() -> messages.send(json, now()));
    }

    // ---- the end

    /** Ends the session at the backend too; one that does not support that, or has forgotten it, is left alone. */
    public Mono<Void> close() {
        return Mono.defer(() -> {
            if (!life.end()) {
                return Mono.empty();
            }
            stream.close();
            Established current = life.current();
            return branches.all()
                    .flatMap(messages::delete)
                    .then(Mono.when(current == null ? Mono.empty() : messages.delete(current), agreed.end()));
        });
    }

    /** Ends a session at the backend that this replica knows only by its handle. */
    static Mono<Void> end(BackendHttp http, SessionHandle handle) {
        SessionHttp messages = new SessionHttp(http, false, 0, () -> {});
        Handshake handshake = new Handshake(messages, ClientFeatures.NONE, ProtocolVersion.LATEST_LEGACY);
        return Mono.justOrEmpty(handshake.of(handle)).flatMap(messages::delete);
    }

    /**
     * Completes when the session has ended at the backend and was not replaced, because its client would notice. Never
     * fails.
     */
    public Mono<Void> onLost() {
        return life.onLost();
    }
}
