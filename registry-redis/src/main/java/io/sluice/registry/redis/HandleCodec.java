package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.seal.Keyring;
import io.sluice.seal.Sealer;
import io.sluice.upstream.SessionHandle;
import java.net.URI;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Handles of sessions as text for Redis: a digest, by which two can be told apart without opening them, and the handle
 * itself, sealed and bound to the session and backend it is for.
 */
final class HandleCodec {
    private static final int DIGEST_CHARS = 64;
    private static final String SEPARATOR = "\n";
    private static final int PARTS = 6;

    private final Sealer sealer;

    HandleCodec(Keyring keyring) {
        this.sealer = keyring.sealer("session-handles");
    }

    String seal(String session, String backend, SessionHandle handle) {
        return digest(handle) + sealer.seal(plain(handle).getBytes(UTF_8), bound(session, backend));
    }

    /** Empty for what was not sealed by {@link #seal} for this session and backend. */
    Optional<SessionHandle> open(String session, String backend, String value) {
        if (value.length() <= DIGEST_CHARS) {
            return Optional.empty();
        }
        return sealer.open(value.substring(DIGEST_CHARS), bound(session, backend))
                .map(plain -> handle(new String(plain, UTF_8)));
    }

    /** Equal for equal handles. */
    String digest(SessionHandle handle) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256")
                            .digest(plain(handle).getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] bound(String session, String backend) {
        return (session + SEPARATOR + backend).getBytes(UTF_8);
    }

    /** None of the parts has a line break: ids are visible ASCII, event ids are lines, the rest is ours. */
    private static String plain(SessionHandle handle) {
        return String.join(
                SEPARATOR,
                handle.endpoint().toString(),
                handle.revision(),
                handle.id(),
                handle.keeper(),
                handle.told() ? "told" : "",
                handle.lastEventId().map(id -> "=" + id).orElse(""));
    }

    private static SessionHandle handle(String plain) {
        String[] parts = plain.split(SEPARATOR, PARTS);
        return new SessionHandle(
                URI.create(parts[0]),
                parts[1],
                parts[2],
                parts[3],
                Optional.of(parts[5]).filter(id -> !id.isEmpty()).map(id -> id.substring(1)),
                parts[4].equals("told"));
    }
}
