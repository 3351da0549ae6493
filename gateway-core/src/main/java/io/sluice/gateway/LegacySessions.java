package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.auth.Caller;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.Inbound;
import io.sluice.catalog.Mount;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.session.FarStreamId;
import io.sluice.session.LiveSession;
import io.sluice.session.LiveSessions;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionNote;
import io.sluice.session.SessionRecord;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.HandleAgreement;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.SseWriter;
import io.sluice.upstream.Upstream;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * The sessions of legacy clients (2025-03-26 to 2025-11-25): the handshake, whose session a message belongs to, the streams of a session, and its end.
 */
final class LegacySessions {
    private static final Logger log = LoggerFactory.getLogger(LegacySessions.class);
    private static final ObjectMapper JSON = JsonMapper.shared();

    private final SessionIds sessionIds;
    private final SessionStore store;
    private final LiveSessions live;
    private final Clock clock;
    private final TaskIds tasks;
    private volatile @Nullable Elsewhere elsewhere;

    LegacySessions(SessionIds sessionIds, SessionStore store, LiveSessions live, Clock clock, TaskIds tasks) {
        this.sessionIds = sessionIds;
        this.store = store;
        this.live = live;
        this.clock = clock;
        this.tasks = tasks;
    }

    /** There are other replicas; said before anything is served. */
    void sharedWith(Elsewhere others) {
        elsewhere = others;
    }

    /** What this replica holds for a session, made at the first use; other replicas are asked then what they know of it. */
    Mono<LiveSession> obtain(SessionTicket ticket) {
        LiveSession session = live.obtain(ticket);
        return elsewhere().isEmpty()
                ? Mono.just(session)
                : session.known(() -> store.load(ticket.id())).thenReturn(session);
    }

    /** Whether {@link #obtain} would ask nobody. */
    boolean isKnown(SessionTicket ticket) {
        return elsewhere == null
                || live.peek(ticket.id()).filter(LiveSession::isKnown).isPresent();
    }

    /** What {@link #obtain} would answer, where it asks nobody. */
    LiveSession live(SessionTicket ticket) {
        return live.obtain(ticket);
    }

    /** As {@link #upstream}, when that is open and agreed on already; else null. */
    @Nullable
    LegacySession openUpstream(SessionTicket ticket, Upstream upstream) {
        LegacySession open = live.peek(ticket.id())
                .map(session -> session.openUpstream(upstream))
                .orElse(null);
        return open != null && open.isAgreed() ? open : null;
    }

    /** The other replicas, where there are any. */
    Optional<Elsewhere> elsewhere() {
        return Optional.ofNullable(elsewhere);
    }

    /** A new stream for the answer to a call. */
    EventStream openCallStream(LiveSession session, Call call) {
        return live.openCallStream(session, call.id());
    }

    /** The session at a backend that is this client's own, opened at the first use. */
    Mono<LegacySession> upstream(LiveSession session, Upstream upstream, Mount mount) {
        SessionTicket ticket = session.ticket();
        String backend = upstream.backend().name();
        HandleAgreement agreement = elsewhere()
                .map(others -> others.agreement(ticket.id(), backend))
                .orElseGet(HandleAgreement::alone);
        return session.upstream(
                        upstream,
                        inbox -> upstream.openSession(ticket.features(), ticket.version(), inbox, agreement)
                                .flatMap(opened -> Mono.justOrEmpty(session.logLevel())
                                        .filter(level -> opened.isKept())
                                        .flatMap(level -> LegacyInterests.level(opened, level))
                                        .defaultIfEmpty(opened)),
                        new StandaloneInbox(this, session, backend, mount, tasks))
                .flatMap(LegacySession::agree);
    }

    /** The session at a backend that is this client's own, whichever replica opened it; empty when none did. */
    Mono<LegacySession> opened(SessionTicket ticket, String backend, Mount mount) {
        Optional<Mono<LegacySession>> here = live.find(ticket).flatMap(session -> session.openedUpstream(backend));
        return here.orElseGet(() -> Mono.justOrEmpty(elsewhere())
                .flatMap(others -> others.handles(ticket))
                .filter(handles -> handles.containsKey(backend))
                .flatMap(handles -> adopt(ticket, backend, mount)));
    }

    private Mono<LegacySession> adopt(SessionTicket ticket, String backend, Mount mount) {
        return Mono.justOrEmpty(elsewhere().flatMap(others -> others.way(backend)))
                .flatMap(upstream -> obtain(ticket).flatMap(session -> upstream(session, upstream, mount)));
    }

    /** All sessions at backends that are this client's own. */
    Flux<LegacySession> allOpened(SessionTicket ticket, Mount mount) {
        Set<String> here = new HashSet<>();
        List<Mono<LegacySession>> found = new ArrayList<>();
        live.find(ticket)
                .ifPresent(session -> session.openedBackends().forEach((backend, opened) -> {
                    here.add(backend);
                    found.add(opened);
                }));
        Flux<LegacySession> known = Flux.fromIterable(found).flatMap(opened -> opened.onErrorComplete());
        return known.concatWith(Mono.justOrEmpty(elsewhere())
                .flatMap(others -> others.handles(ticket))
                .flatMapIterable(Map::keySet)
                .filter(backend -> !here.contains(backend))
                .flatMap(backend -> adopt(ticket, backend, mount).onErrorComplete()));
    }

    /** Remembers a task that a client began, on every replica. */
    void began(LiveSession session, String task) {
        session.began(task);
        if (store.shared()) {
            store.note(session.ticket().id(), new SessionNote.TaskBegun(task));
        }
    }

    /** There is no such task any more. */
    void forgot(SessionTicket ticket, String task) {
        live.find(ticket).ifPresent(session -> session.forgot(task));
        if (store.shared()) {
            store.note(ticket.id(), new SessionNote.TaskForgotten(task));
        }
    }

    /** The tasks that a client began on any replica, under the names that it knows. */
    Mono<Set<String>> tasks(SessionTicket ticket) {
        Set<String> here = live.find(ticket).map(LiveSession::tasks).orElse(Set.of());
        return store.load(ticket.id())
                .map(SessionRecord::tasks)
                .onErrorReturn(Set.of())
                .map(noted -> {
                    Set<String> all = new TreeSet<>(here);
                    all.addAll(noted);
                    return all;
                });
    }

    /** Puts a message on the client's standing stream, wherever that is. */
    void say(LiveSession session, byte[] json) {
        elsewhere()
                .ifPresentOrElse(
                        others -> others.standing().say(session, json),
                        () -> session.standalone().publish(json));
    }

    /** What this replica holds for a session, if it holds anything. */
    Optional<LiveSession> find(SessionTicket ticket) {
        return live.find(ticket);
    }

    /** The handshake: a session that exists in its id alone until it does more than introduce itself. */
    Answer initialize(Call call) {
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
        return Answers.result(call, call.mount().initializeResult(version))
                .with(McpHeaders.SESSION_ID.toString(), sessionIds.seal(ticket));
    }

    private static Optional<String> clientInfo(Envelope envelope, String member) {
        Span info = envelope.clientInfo();
        Span value = info.isPresent() && envelope.isObject(info) ? envelope.member(info, member) : Span.NONE;
        return value.isPresent() && envelope.isString(value) ? Optional.of(envelope.text(value)) : Optional.empty();
    }

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

    /** Ends a session whose client has not asked for it. */
    void end(SessionTicket ticket) {
        store.end(ticket.id(), ticket.expiresAt());
        elsewhere()
                .map(others -> others.end(ticket))
                .orElseGet(() -> live.close(ticket.id()))
                .subscribe(
                        done -> {}, error -> log.debug("A session was not ended everywhere: {}", error.getMessage()));
    }

    /** GET: the stream of messages that belong to no call, or the rest of a stream that was cut. */
    Mono<Answer> openStream(Inbound inbound, Caller caller) {
        if (!inbound.accept().events()) {
            throw Rejection.BadHttp.notAcceptable("text/event-stream");
        }
        SessionTicket ticket = ticket(inbound, caller)
                .orElseThrow(() -> Rejection.BadHttp.badRequest("Header " + McpHeaders.SESSION_ID + " is missing"));
        Classifier.legacyVersion(inbound, ticket.version());
        LiveSession session = live.obtain(ticket);
        String lastEventId = inbound.single(McpHeaders.LAST_EVENT_ID);
        if (lastEventId == null || lastEventId.isEmpty()) {
            Answer.Events all =
                    events(session.standalone(), session.standalone().freshStart(), ticket.version());
            // Told once there is a reader: what changes before then is remembered, what changes afterwards is told.
            return Mono.just(new Answer.Events(Flux.from(all.frames()).doOnSubscribe(s -> {
                elsewhere().ifPresent(others -> others.standing().take(session));
                ListChanges.publish(session.standalone(), session.takeChanged());
            })));
        }
        return resume(session, lastEventId);
    }

    private Mono<Answer> resume(LiveSession session, String lastEventId) {
        int dot = lastEventId.lastIndexOf('.');
        EventStream ofCall =
                session.callStream(lastEventId.substring(0, Math.max(0, dot))).orElse(null);
        if (ofCall != null) {
            return Mono.just(resume(ofCall, ofCall.position(lastEventId), lastEventId));
        }
        FarStreamId far = FarStreamId.ofEvent(lastEventId).orElse(null);
        Elsewhere others = elsewhere;
        if (others == null || far == null) {
            return Mono.just(resume(session.standalone(), session.standalone().position(lastEventId), lastEventId));
        }
        if (!far.isStanding()) {
            return others.far()
                    .resume(session.ticket(), far, lastEventId)
                    .map(items -> new Answer.Events(items.map(LegacySessions::frame)));
        }
        return others.standing()
                .resume(session, lastEventId)
                .map(position -> events(session.standalone(), position, ProtocolVersion.V2025_03_26));
    }

    private static Answer resume(EventStream stream, OptionalLong position, String lastEventId) {
        return events(stream, position.orElseThrow(() -> FarStreams.unknown(lastEventId)), ProtocolVersion.V2025_03_26);
    }

    /** What is on a stream after an event, and then what comes, as it goes to the client. */
    static Answer.Events events(EventStream stream, long after, ProtocolVersion version) {
        EventStream.Item first =
                version.isAtLeast(ProtocolVersion.V2025_11_25) ? stream.priming(after) : EventStream.Item.comment();
        return new Answer.Events(stream.read(after, first, LegacySessions::frame));
    }

    private static ByteBuf frame(EventStream.Item item) {
        byte[] data = item.data();
        if (data != null) {
            return Replies.bytes(SseWriter.event(item.id(), data));
        }
        return Replies.bytes(
                item.isComment() ? SseWriter.comment() : SseWriter.retry(Duration.ofMillis(item.retryMillis())));
    }

    /** Tells every reader when to come back, for a shutdown: a moment that differs for each, so that they do not return all at once. */
    void pauseStreams() {
        live.pauseAll(() -> ThreadLocalRandom.current().nextLong(500, 3000));
    }
}
