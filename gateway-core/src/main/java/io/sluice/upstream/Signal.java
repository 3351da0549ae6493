package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.protocol.RawJson;

/** Something changed at a backend. */
public sealed interface Signal {
    /** Its list of tools is another one. */
    record ToolsChanged() implements Signal {}

    /** Its list of prompts is another one. */
    record PromptsChanged() implements Signal {}

    /** Its list of resources or resource templates is another one. */
    record ResourcesChanged() implements Signal {}

    /**
     * A resource that somebody subscribed to has changed, or may have while nobody was listening.
     *
     * @param params the notification's whole {@code params} object, without a subscription id of the backend's
     */
    record ResourceUpdated(String uri, RawJson params) implements Signal {}

    /** A task of the shared session is no longer as it was; the notification itself. */
    record TaskChanged(String taskId, Envelope notification) implements Signal {}

    /** Whether it can be reached is not what it was: see {@link Upstream#trouble()}. */
    record ReachabilityChanged() implements Signal {}
}
