package io.sluice.upstream;

import io.sluice.protocol.McpMethod;
import org.jspecify.annotations.Nullable;

/**
 * How a session's request is sent.
 *
 * @param repeatable whether it may be sent again when nobody can tell if it arrived
 * @param via the ids of the gateways that a call came by, or null when it came by none
 */
record Way(boolean repeatable, @Nullable String via, Terms terms) {
    /** Of the gateway's own messages. */
    static Way own(boolean repeatable) {
        return new Way(repeatable, null, Terms.OWN);
    }

    static Way of(String method, @Nullable String via, Terms terms) {
        return new Way(isRepeatable(method), via, terms);
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
}
