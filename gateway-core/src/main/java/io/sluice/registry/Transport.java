package io.sluice.registry;

import io.sluice.protocol.RawJson;

/**
 * How a backend is reached.
 *
 * @param kind {@code http} for Streamable HTTP, {@code sse} for the transport of 2024-11-05, or a kind that an adapter of the process serves: {@code stdio}, {@code openapi} and so on
 * @param settings a JSON object with what that kind needs to know. Secret: it may hold an environment or a key
 */
public record Transport(String kind, RawJson settings) {
    public static final Transport HTTP = new Transport("http", RawJson.EMPTY_OBJECT);

    /** HTTP+SSE of 2024-11-05. */
    public static final Transport SSE = new Transport("sse", RawJson.EMPTY_OBJECT);

    public Transport {
        if (!kind.matches("[a-z0-9-]{1,32}")) {
            throw new IllegalArgumentException("'" + kind + "' is no kind of transport");
        }
    }

    /** Whether it is spoken without an adapter. */
    public boolean isStreamableHttp() {
        return kind.equals(HTTP.kind);
    }

    /** Without the settings, which may be secret. */
    @Override
    public String toString() {
        return kind;
    }
}
