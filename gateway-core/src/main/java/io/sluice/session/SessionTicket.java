package io.sluice.session;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What is fixed about a legacy session when it is initialized.
 *
 * @param id 16 random bytes in 32 hexadecimal digits: the key of whatever is kept about the session, and no proof of
 *     anything
 * @param issuedAt to the millisecond
 * @param expiresAt to the second; the session is over from then on
 * @param callerFingerprint of the {@link io.sluice.auth.Caller} it belongs to
 * @param version the revision agreed on, a legacy one
 * @param features what the client can be asked for
 * @param mount where it was initialized: the name under {@code /mcp/}, empty for the aggregate
 * @param clientName as the client called itself, for logs; cut to {@value #MAX_CHARS} characters
 * @param clientVersion likewise
 */
public record SessionTicket(
        String id,
        Instant issuedAt,
        Instant expiresAt,
        String callerFingerprint,
        ProtocolVersion version,
        ClientFeatures features,
        String mount,
        Optional<String> clientName,
        Optional<String> clientVersion) {
    static final int ID_BYTES = 16;
    static final int MAX_CHARS = 64;

    /** Fits 64 characters of most scripts, and two of them into a session id of 511 characters. */
    private static final int MAX_TEXT_BYTES = 144;

    private static final byte FORMAT = 1;
    private static final int FIXED_BYTES = 1 + ID_BYTES + 2 * Long.BYTES + Integer.BYTES;
    private static final byte ABSENT = -1;

    public SessionTicket {
        issuedAt = Instant.ofEpochMilli(issuedAt.toEpochMilli());
        expiresAt = Instant.ofEpochSecond(expiresAt.getEpochSecond());
        clientName = clientName.map(SessionTicket::cut);
        clientVersion = clientVersion.map(SessionTicket::cut);
    }

    /** Everything but caller and mount, which who opens the id must bring along. */
    byte[] encode() {
        byte[] revision = version.wire().getBytes(UTF_8);
        byte[] name = clientName.orElse("").getBytes(UTF_8);
        byte[] software = clientVersion.orElse("").getBytes(UTF_8);
        ByteBuffer out = ByteBuffer.allocate(FIXED_BYTES + 3 + revision.length + name.length + software.length);
        out.put(FORMAT).put(HexFormat.of().parseHex(id));
        out.putLong(issuedAt.toEpochMilli()).putLong(expiresAt.getEpochSecond());
        out.putInt(features.bits());
        out.put((byte) revision.length).put(revision);
        out.put(clientName.isPresent() ? (byte) name.length : ABSENT).put(name);
        out.put(clientVersion.isPresent() ? (byte) software.length : ABSENT).put(software);
        return out.array();
    }

    /**
     * The ticket that {@link #encode} wrote, or empty when another version of Sluice wrote what this one does not know.
     */
    static Optional<SessionTicket> decode(byte[] encoded, String callerFingerprint, String mount) {
        ByteBuffer in = ByteBuffer.wrap(encoded);
        if (in.get() != FORMAT) {
            return Optional.empty();
        }
        byte[] id = new byte[ID_BYTES];
        in.get(id);
        Instant issuedAt = Instant.ofEpochMilli(in.getLong());
        Instant expiresAt = Instant.ofEpochSecond(in.getLong());
        ClientFeatures features = ClientFeatures.ofBits(in.getInt());
        Optional<ProtocolVersion> version = text(in).flatMap(ProtocolVersion::of);
        Optional<String> name = text(in);
        Optional<String> software = text(in);
        return version.map(known -> new SessionTicket(
                HexFormat.of().formatHex(id),
                issuedAt,
                expiresAt,
                callerFingerprint,
                known,
                features,
                mount,
                name,
                software));
    }

    private static Optional<String> text(ByteBuffer in) {
        byte length = in.get();
        if (length == ABSENT) {
            return Optional.empty();
        }
        byte[] bytes = new byte[Byte.toUnsignedInt(length)];
        in.get(bytes);
        return Optional.of(new String(bytes, UTF_8));
    }

    /**
     * The longest head of the text that keeps both limits and splits no character; half a surrogate pair counts as
     * unknown.
     */
    private static String cut(String text) {
        StringBuilder kept = new StringBuilder();
        int bytes = 0;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            int shown = Character.getType(c) == Character.SURROGATE ? 0xFFFD : c;
            bytes += shown < 0x80 ? 1 : shown < 0x800 ? 2 : shown < 0x10000 ? 3 : 4;
            if (bytes > MAX_TEXT_BYTES || kept.length() + Character.charCount(shown) > MAX_CHARS) {
                break;
            }
            kept.appendCodePoint(shown);
        }
        return kept.toString();
    }
}
