package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpMethod;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Which name a request has on each side of a session, so that two clients may use the same ids and progress tokens at
 * once.
 *
 * @param upstream the request's id towards the backend; also its progress token there, when {@code token} is given
 * @param downstream the id that the client gave it
 * @param token the client's own progress token as JSON, or null when it has none or it was not changed
 */
record Relabel(RequestId upstream, RequestId downstream, byte @Nullable [] token) {
    static Relabel none(RequestId id) {
        return new Relabel(id, id, null);
    }

    /** Whether this is the response to the request. Some backends turn a number into a string; the value decides. */
    boolean isAnswer(Envelope message) {
        if (message.kind() != Kind.RESPONSE) {
            return false;
        }
        RequestId id = message.id();
        return id == null || id.equals(upstream) || unquoted(id).equals(unquoted(upstream));
    }

    private static String unquoted(RequestId id) {
        String raw = id.rawJson();
        return id.isString() ? raw.substring(1, raw.length() - 1) : raw;
    }

    /** The message as the client must see it; the same bytes where nothing has to change. */
    byte[] downstream(Envelope message) {
        if (isAnswer(message)) {
            Span id = message.idSpan();
            if (!id.isPresent()) {
                return withId(message);
            }
            return new Patch(message).replace(id, downstream.rawJsonBytes()).toBytes();
        }
        byte[] own = token;
        if (own != null
                && message.knownMethod()
                        .filter(McpMethod.NOTIFICATION_PROGRESS::equals)
                        .isPresent()
                && isOurToken(message)) {
            return new Patch(message).replace(message.progressToken(), own).toBytes();
        }
        return message.body();
    }

    private boolean isOurToken(Envelope message) {
        Span span = message.progressToken();
        if (!span.isPresent()) {
            return false;
        }
        String raw = new String(message.body(), span.start(), span.length(), StandardCharsets.UTF_8);
        return raw.equals(upstream.rawJson()) || raw.equals('"' + upstream.rawJson() + '"');
    }

    private byte[] withId(Envelope message) {
        int brace = 0;
        while (message.body()[brace] != '{') {
            brace++;
        }
        byte[] member = ("\"id\":" + downstream.rawJson() + ",").getBytes(StandardCharsets.UTF_8);
        return new Patch(message).insert(brace + 1, member).toBytes();
    }
}
