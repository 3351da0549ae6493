package io.sluice.gateway;

import io.sluice.bridge.Revisions;
import io.sluice.catalog.Mount;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.protocol.McpMethod;
import io.sluice.session.LiveSession;
import io.sluice.upstream.Inbox;
import java.util.Optional;
import java.util.Set;

/** Where messages of a session's own stream at a backend go: to the client's stream. What the gateway announces by itself is not said twice. */
record StandaloneInbox(LegacySessions sessions, LiveSession session, String backend, Mount mount, TaskIds tasks)
        implements Inbox {
    private static final Set<String> OWN = Set.of(
            McpMethod.NOTIFICATION_TOOLS_LIST_CHANGED.wire(),
            McpMethod.NOTIFICATION_PROMPTS_LIST_CHANGED.wire(),
            McpMethod.NOTIFICATION_RESOURCES_LIST_CHANGED.wire(),
            McpMethod.NOTIFICATION_RESOURCES_UPDATED.wire());

    @Override
    public void onMessage(byte[] json, Envelope envelope) {
        if (envelope.kind() != Kind.RESPONSE && !OWN.contains(envelope.method())) {
            Optional<Revisions.Refusal> refusal =
                    Revisions.refusal(envelope, session.ticket().version());
            if (refusal.isPresent()) {
                LegacyMessages.refuse(sessions.opened(session.ticket(), backend, mount), envelope, refusal.get());
                return;
            }
            byte[] named = tasks.beside(envelope, TaskIds.Holder.of(session.ticket()), backend);
            sessions.say(
                    session,
                    LegacyMessages.fromBackend(
                            backend, mount, MessageReader.read(named).orElse(envelope)));
        }
    }

    @Override
    public void onClosed() {}
}
