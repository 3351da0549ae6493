package io.sluice.call;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.protocol.McpHeaders;
import io.sluice.rejection.Rejection;
import io.sluice.wire.HeaderLines;
import org.jspecify.annotations.Nullable;

/**
 * The head of a request, before anything of its body is known.
 *
 * @param mount what follows {@code /mcp/} in the path; empty for the aggregate
 * @param headers as they came
 * @param accept what the client takes
 */
public record Inbound(String mount, HttpHeaders headers, Accept accept) {
    public static Inbound of(String mount, HttpHeaders headers) {
        return new Inbound(mount, headers, Accept.of(headers.getAll(HttpHeaderNames.ACCEPT)));
    }

    /** The value of a header that may stand once at most, or null. */
    public @Nullable String single(CharSequence name) {
        int count = headers instanceof HeaderLines lines
                ? lines.count(name)
                : headers.getAll(name).size();
        if (count > 1) {
            throw new Rejection.HeaderMismatch("Header " + name + " appears " + count + " times; send it once");
        }
        String value = count == 0 ? null : headers.get(name);
        return value == null ? null : value.strip();
    }

    public @Nullable String versionHeader() {
        return single(McpHeaders.PROTOCOL_VERSION);
    }

    public @Nullable String sessionId() {
        return single(McpHeaders.SESSION_ID);
    }
}
