package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.RawJson;
import java.util.Optional;

/** Reads the notifications that tell of a change. */
final class Signals {
    private Signals() {}

    static Optional<Signal> of(Envelope message) {
        return message.knownMethod().flatMap(method -> switch (method) {
            case NOTIFICATION_TOOLS_LIST_CHANGED -> Optional.of(new Signal.ToolsChanged());
            case NOTIFICATION_PROMPTS_LIST_CHANGED -> Optional.of(new Signal.PromptsChanged());
            case NOTIFICATION_RESOURCES_LIST_CHANGED -> Optional.of(new Signal.ResourcesChanged());
            case NOTIFICATION_RESOURCES_UPDATED -> updated(message);
            case NOTIFICATION_TASKS_STATUS ->
                message.isString(message.taskId())
                        ? Optional.of(new Signal.TaskChanged(message.text(message.taskId()), message))
                        : Optional.empty();
            default -> Optional.empty();
        });
    }

    private static Optional<Signal> updated(Envelope message) {
        Span uri = message.uri();
        if (!message.isString(uri)) {
            return Optional.empty();
        }
        return Optional.of(new Signal.ResourceUpdated(message.text(uri), paramsWithoutSubscription(message)));
    }

    /** The subscription id is between the backend and this hop. */
    private static RawJson paramsWithoutSubscription(Envelope message) {
        Span id = message.member(message.meta(), MetaKeys.SUBSCRIPTION_ID);
        if (!id.isPresent()) {
            return message.raw(message.params());
        }
        boolean alone = message.members(message.meta()).size() == 1;
        byte[] without =
                new Patch(message).removeMember(alone ? message.meta() : id).toBytes();
        return io.sluice.envelope.MessageReader.read(without)
                .map(cleaned -> cleaned.raw(cleaned.params()))
                .orElseGet(() -> message.raw(message.params()));
    }
}
