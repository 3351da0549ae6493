package io.sluice.upstream;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.envelope.MessageReader;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Endpoint;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What one handshake brought.
 *
 * @param wire the revision in the backend's own words, which may be older than any we know
 * @param result of {@code initialize}
 * @param id as the backend calls the session; null when it keeps none
 * @param endpoint where the backend keeps it
 * @param number tells it from the others of the same session, which may be equal in all else
 */
record Established(
        ProtocolVersion version,
        String wire,
        RawJson result,
        @Nullable String id,
        Endpoint endpoint,
        long number) {
    /** Says on a request that it belongs here. */
    void head(HttpHeaders headers, String accept) {
        headers.set(HttpHeaderNames.ACCEPT, accept);
        headers.set(McpHeaders.PROTOCOL_VERSION, wire);
        if (id != null) {
            headers.set(McpHeaders.SESSION_ID, id);
        }
    }

    /**
     * Whether a refusal says that the backend has forgotten it. The protocol says 404; a widely copied server says 400
     * and speaks of sessions.
     */
    boolean isForgotten(Reply.Refused refused) {
        if (id == null) {
            return false;
        }
        if (refused.status() == 404) {
            return MessageReader.read(refused.body())
                    .map(message -> Probe.code(message) != ErrorCodes.METHOD_NOT_FOUND)
                    .orElse(true);
        }
        return refused.status() == 400
                && Failures.errorMessage(refused.body())
                        .filter(text -> text.toLowerCase(Locale.ROOT).contains("session"))
                        .isPresent();
    }
}
