package io.sluice.session;

import io.sluice.auth.Caller;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.seal.Keyring;
import io.sluice.seal.SeededRandom;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Any text as a session id: it is opened or it is not, and only what was sealed is opened. Run with {@code -Dfuzz.target=io.sluice.session.SessionIdFuzz -Dfuzz.seeds=fuzz/text}, see
 * {@code EnvelopeFuzz}.
 */
public final class SessionIdFuzz {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
    private static final Caller CALLER = Caller.LOCAL;
    private static final SessionIds IDS =
            new SessionIds(Keyring.random().sealer("session"), "fuzz", Duration.ofHours(1), SeededRandom.create());
    private static final String SEALED = IDS.seal(IDS.issue(
            CALLER, "", ProtocolVersion.LATEST_LEGACY, ClientFeatures.NONE, Optional.empty(), Optional.empty(), NOW));

    private SessionIdFuzz() {}

    /** The entry point that Jazzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        String text = new String(data, StandardCharsets.ISO_8859_1);
        refused(text);
        refused("v1." + text);
        if (data.length > 0) {
            char[] changed = SEALED.toCharArray();
            int at = Math.floorMod(data[0], changed.length);
            char before = changed[at];
            changed[at] = (char) (data[data.length - 1] & 0x7F);
            if (changed[at] != before && at < changed.length - 1) {
                refused(new String(changed));
            }
        }
    }

    private static void refused(String id) {
        if (!id.equals(SEALED) && IDS.open(id, CALLER, "", NOW).isPresent()) {
            throw new AssertionError("opened what nobody sealed: " + id);
        }
    }
}
