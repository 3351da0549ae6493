package io.sluice.gateway;

import io.sluice.call.Answer;
import io.sluice.call.Inbound;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Mount;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.session.LiveSession;
import io.sluice.session.ServerRequestId;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.Inbox;
import io.sluice.upstream.LegacySession;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** What travels against the direction of a call, or beside it: notifications and answers of legacy clients, requests and notifications of their backends. */
final class LegacyMessages {
    private static final Logger log = LoggerFactory.getLogger(LegacyMessages.class);

    private final LegacySessions sessions;

    LegacyMessages(LegacySessions sessions) {
        this.sessions = sessions;
    }

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

    /** Nobody is there whom the backend could ask. */
    static byte @Nullable [] decline(LegacySession session, Envelope request) {
        send(
                Mono.just(session),
                JsonRpc.error(
                        request.id(), ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + request.method(), null));
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

    /** The receiver of messages on a session's own stream at a backend. */
    static Inbox inbox(LiveSession session, String backend, Mount mount) {
        return new StandaloneInbox(session, backend, mount);
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
}
