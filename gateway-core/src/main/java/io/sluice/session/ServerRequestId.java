package io.sluice.session;

import io.sluice.envelope.RequestId;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Ids and progress tokens that backends give to their own requests, made unique within a client's session by naming the backend in them. The client's answer then says by itself where it
 * belongs, so that any replica can deliver it.
 *
 * @param backend whose request it is
 * @param original the id or token the backend chose
 */
public record ServerRequestId(String backend, RequestId original) {
    /** What the client sees: a string {@code backend~base64url(original JSON)}. */
    public RequestId exposed() {
        String json = original.rawJson();
        return RequestId.of(backend + "~"
                + Base64.getUrlEncoder().withoutPadding().encodeToString(json.getBytes(StandardCharsets.UTF_8)));
    }

    /** Reads what {@link #exposed()} made; empty for anything else, which is then nobody's answer. */
    public static Optional<ServerRequestId> parse(String exposed) {
        int split = exposed.indexOf('~');
        if (split <= 0) {
            return Optional.empty();
        }
        try {
            String json =
                    new String(Base64.getUrlDecoder().decode(exposed.substring(split + 1)), StandardCharsets.UTF_8);
            return RequestId.parse(json).map(original -> new ServerRequestId(exposed.substring(0, split), original));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
