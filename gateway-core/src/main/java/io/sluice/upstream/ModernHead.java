package io.sluice.upstream;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the headers of a modern request mirror from its body (2026-07-28, Streamable HTTP, <em>Request headers</em>).
 *
 * @param method the body's {@code method}
 * @param name the tool's or prompt's name, the URI or the task id as plain text, or null where the method has none;
 *     encoded when sent
 * @param paramHeaders whole {@code Mcp-Param-*} names with their values as they go on the wire
 * @param traceparent W3C trace context of this hop, or null
 * @param via the ids of the gateways that a call came by, or null when it came by none
 */
public record ModernHead(
        String method,
        @Nullable String name,
        List<Map.Entry<String, String>> paramHeaders,
        @Nullable String traceparent,
        @Nullable String via) {
    public ModernHead {
        paramHeaders = List.copyOf(paramHeaders);
    }

    /** Of a call that came from no other gateway. */
    public ModernHead(
            String method,
            @Nullable String name,
            List<Map.Entry<String, String>> paramHeaders,
            @Nullable String traceparent) {
        this(method, name, paramHeaders, traceparent, null);
    }

    public static ModernHead of(String method) {
        return new ModernHead(method, null, List.of(), null);
    }
}
