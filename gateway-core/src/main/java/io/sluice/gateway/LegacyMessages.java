package io.sluice.gateway;

import io.sluice.bridge.Revisions;
import io.sluice.call.Answer;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Mount;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.session.LiveSession;
import io.sluice.session.ServerRequestId;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.LegacySession;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** What travels against the direction of a call, or beside it: notifications and answers of legacy clients, requests and notifications of their backends. */
final class LegacyMessages {
    private static final Logger log = LoggerFactory.getLogger(LegacyMessages.class);

    private final LegacySessions sessions;
    private final TaskIds tasks;

    LegacyMessages(LegacySessions sessions, TaskIds tasks) {
        this.sessions = sessions;
        this.tasks = tasks;
    }

    Answer notification(Mount mount, Envelope envelope, Optional<SessionTicket> ticket) {
        if (ticket.isEmpty()) {
            return Answer.Empty.ACCEPTED;
        }
        switch (envelope.knownMethod().orElse(McpMethod.NOTIFICATION_INITIALIZED)) {
            case NOTIFICATION_CANCELLED -> cancel(ticket.get(), envelope);
            case NOTIFICATION_PROGRESS -> progress(ticket.get(), mount, envelope);
            case NOTIFICATION_ROOTS_LIST_CHANGED ->
                sessions.allOpened(ticket.get(), mount)
                        .subscribe(
                                opened -> send(Mono.just(opened), envelope.body()),
                                error -> log.info("Changed roots could not be told: {}", error.getMessage()));
            default -> log.debug("Notification {} has no receiver", envelope.method());
        }
        return Answer.Empty.ACCEPTED;
    }

    /** The call may run on any replica. */
    private void cancel(SessionTicket ticket, Envelope envelope) {
        RequestId id = envelope.requestId().isPresent()
                ? envelope.requestIdAt(envelope.requestId()).orElse(null)
                : null;
        if (id == null) {
            return;
        }
        Span reason = envelope.member(envelope.params(), "reason");
        String reasonJson = reason.isPresent() ? envelope.raw(reason).toString() : null;
        Optional<LiveSession.InFlight> here = sessions.find(ticket).flatMap(session -> session.takeInFlight(id));
        if (here.isPresent()) {
            here.get().cancel(reasonJson);
        } else {
            sessions.elsewhere().ifPresent(others -> others.cancelled(ticket, id, reasonJson));
        }
    }

    private void progress(SessionTicket ticket, Mount mount, Envelope envelope) {
        Span token = envelope.progressToken();
        if (!token.isPresent()) {
            return;
        }
        if (!mount.aggregate()) {
            send(sessions.opened(ticket, mount.name(), mount), envelope.body());
        } else if (envelope.isString(token)) {
            ServerRequestId.parse(envelope.text(token))
                    .ifPresent(named -> send(
                            sessions.opened(ticket, named.backend(), mount),
                            new Patch(envelope)
                                    .replace(token, named.original().rawJsonBytes())
                                    .toBytes()));
        }
    }

    /** The client's answer to a request of a backend, or of the gateway: its id says whose it was. */
    Answer response(Mount mount, Envelope envelope, Optional<SessionTicket> ticket) {
        RequestId id = envelope.id();
        if (ticket.isEmpty() || id == null || !envelope.isString(envelope.idSpan())) {
            return Answer.Empty.ACCEPTED;
        }
        boolean answered = sessions.find(ticket.get())
                .filter(session -> session.answered(id, envelope))
                .isPresent();
        String text = envelope.text(envelope.idSpan());
        Optional<ServerRequestId> named = ServerRequestId.parse(text);
        if (!answered && named.isPresent()) {
            byte[] ownTask = tasks.towards(
                    envelope, TaskIds.Holder.of(ticket.get()), named.get().backend());
            Envelope answer = EnvelopeReader.read(ownTask);
            send(
                    sessions.opened(ticket.get(), named.get().backend(), mount),
                    new Patch(answer)
                            .replace(answer.idSpan(), named.get().original().rawJsonBytes())
                            .toBytes());
        } else if (!answered) {
            sessions.elsewhere()
                    .ifPresent(others -> LiveSession.askedBy(text)
                            .ifPresent(replica -> others.answered(replica, ticket.get(), id, envelope.body())));
        }
        return Answer.Empty.ACCEPTED;
    }

    private static void send(Mono<LegacySession> session, byte[] json) {
        session.flatMap(open -> open.send(json))
                .subscribe(
                        done -> {},
                        error -> log.info("A client's message could not be delivered: {}", error.getMessage()));
    }

    /** Nobody is there whom the backend could ask. */
    static byte @Nullable [] decline(LegacySession session, Envelope request) {
        send(
                Mono.just(session),
                JsonRpc.error(
                        request.id(), ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + request.method(), null));
        return null;
    }

    /** A client of this revision cannot be asked that. */
    static byte @Nullable [] refuse(Mono<LegacySession> session, Envelope request, Revisions.Refusal why) {
        send(session, JsonRpc.error(request.id(), why.code(), why.sentence(), null));
        return null;
    }

    /** A message of a backend as the client must see it: ids and tokens that the backend chose say whose they are. Responses pass untouched. */
    static byte[] fromBackend(String backend, Mount mount, Envelope message) {
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
}
