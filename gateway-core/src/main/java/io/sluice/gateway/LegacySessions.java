package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.auth.Caller;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.Inbound;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.session.LiveSession;
import io.sluice.session.LiveSessions;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.SseWriter;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import reactor.core.publisher.Flux;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * The sessions of legacy clients (2025-03-26 to 2025-11-25): the handshake, whose session a message belongs to, the streams of a session, and its end.
 */
final class LegacySessions {
    private static final ObjectMapper JSON = JsonMapper.shared();

    private final SessionIds sessionIds;
    private final SessionStore store;
    private final LiveSessions live;
    private final Clock clock;

    LegacySessions(SessionIds sessionIds, SessionStore store, LiveSessions live, Clock clock) {
        this.sessionIds = sessionIds;
        this.store = store;
        this.live = live;
        this.clock = clock;
    }

    /** What this replica holds for a session, made at the first use. */
    LiveSession obtain(SessionTicket ticket) {
        return live.obtain(ticket);
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
        live.close(ticket);
    }

    /** GET: the stream of messages that belong to no call, or the rest of a stream that was cut. */
    Answer openStream(Inbound inbound, Caller caller) {
        if (!inbound.accept().events()) {
            throw Rejection.BadHttp.notAcceptable("text/event-stream");
        }
        SessionTicket ticket = ticket(inbound, caller)
                .orElseThrow(() -> Rejection.BadHttp.badRequest("Header " + McpHeaders.SESSION_ID + " is missing"));
        Classifier.legacyVersion(inbound, ticket.version());
        LiveSession session = obtain(ticket);
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
