package io.sluice.session;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.util.concurrent.FastThreadLocal;
import io.sluice.auth.Caller;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.seal.Sealer;
import java.io.ByteArrayOutputStream;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes session ids and opens them. An id is its own ticket, encrypted and authenticated together with the caller, the
 * mount and the cluster it is for; presented by anyone else or anywhere else it is as meaningless as a forged one, by
 * the same steps of the same computation. So an id is never authority: who has it must still be its caller (2025-11-25,
 * Security Best Practices, <em>Session Hijacking</em>). Safe for use by many threads, never blocks.
 */
public final class SessionIds {
    /** Ids are shorter than this, and of visible ASCII (2025-11-25, Transports, <em>Session Management</em>). */
    public static final int LIMIT_CHARS = 512;

    private static final FastThreadLocal<Recent> RECENT = new FastThreadLocal<>() {
        @Override
        protected Recent initialValue() {
            return new Recent();
        }
    };

    private final Sealer sealer;
    private final String cluster;
    private final Duration lifetime;
    private final SecureRandom random;

    /**
     * @param sealer for this purpose alone, such as {@code keyring.sealer("session")}
     * @param cluster the name that all replicas of this gateway share and no other gateway with the same key has
     * @param lifetime how long a session lasts at most
     * @param random one that does not block: {@link io.sluice.seal.SeededRandom}
     */
    public SessionIds(Sealer sealer, String cluster, Duration lifetime, SecureRandom random) {
        this.sealer = sealer;
        this.cluster = cluster;
        this.lifetime = lifetime;
        this.random = random;
    }

    /** A new session. {@link #seal} makes its id. */
    public SessionTicket issue(
            Caller caller,
            String mount,
            ProtocolVersion version,
            ClientFeatures features,
            Optional<String> clientName,
            Optional<String> clientVersion,
            Instant now) {
        byte[] id = new byte[SessionTicket.ID_BYTES];
        random.nextBytes(id);
        return new SessionTicket(
                HexFormat.of().formatHex(id),
                now,
                now.plus(lifetime),
                caller.fingerprint(),
                version,
                features,
                mount,
                clientName,
                clientVersion);
    }

    /** The session id to send to the client. Different each time, even for one ticket. */
    public String seal(SessionTicket ticket) {
        return sealer.seal(ticket.encode(), associatedData(ticket.callerFingerprint(), ticket.mount()));
    }

    /**
     * The ticket inside an id that this caller presents at this mount. Empty when the id is forged, changed, expired,
     * another caller's, another mount's, another cluster's or sealed with a key that is no longer kept: which of them
     * it is cannot be told from outside.
     */
    public Optional<SessionTicket> open(String sessionId, Caller caller, String mount, Instant now) {
        if (sessionId.length() >= LIMIT_CHARS) {
            return Optional.empty();
        }
        Recent recent = RECENT.get();
        SessionTicket known = recent.ticket(sessionId, this, caller, mount);
        if (known != null) {
            return now.isBefore(known.expiresAt()) ? Optional.of(known) : Optional.empty();
        }
        String fingerprint = caller.fingerprint();
        Optional<SessionTicket> opened = sealer.open(sessionId, associatedData(fingerprint, mount))
                .flatMap(encoded -> SessionTicket.decode(encoded, fingerprint, mount))
                .filter(ticket -> now.isBefore(ticket.expiresAt()));
        opened.ifPresent(ticket -> recent.remember(sessionId, this, caller, ticket));
        return opened;
    }

    /**
     * What was opened last on this event loop. A connection hands in the very same string as long as it says the same:
     * it is known by its identity, and no characters are compared.
     */
    private static final class Recent {
        private static final int PLACES = 512;

        private record Known(WeakReference<String> id, SessionIds by, Caller caller, SessionTicket ticket) {}

        private final @Nullable Known[] known = new @Nullable Known[PLACES];

        private static int place(String id) {
            return System.identityHashCode(id) & (PLACES - 1);
        }

        @SuppressWarnings("ReferenceEquality") // as said above
        @Nullable
        SessionTicket ticket(String id, SessionIds by, Caller caller, String mount) {
            Known here = known[place(id)];
            return here != null
                            && here.by == by
                            && here.id.refersTo(id)
                            && here.caller.equals(caller)
                            && here.ticket.mount().equals(mount)
                    ? here.ticket
                    : null;
        }

        void remember(String id, SessionIds by, Caller caller, SessionTicket ticket) {
            known[place(id)] = new Known(new WeakReference<>(id), by, caller, ticket);
        }
    }

    private byte[] associatedData(String callerFingerprint, String mount) {
        ByteArrayOutputStream data = new ByteArrayOutputStream(128);
        for (String part : new String[] {"mcp-session", cluster, mount, callerFingerprint}) {
            byte[] bytes = part.getBytes(UTF_8);
            data.writeBytes(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
            data.writeBytes(bytes);
        }
        return data.toByteArray();
    }
}
