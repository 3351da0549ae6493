package io.sluice.auth;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Who is asking, as an {@link Authenticator} established it.
 *
 * @param subject the name, never empty; not secret
 * @param tenant whom the subject belongs to, empty where there are no tenants
 * @param managing whether the caller may use the management API and the gateway's own tools
 */
public record Caller(String subject, String tenant, boolean managing) {
    /** Everyone who reaches a gateway that has no token and listens on loopback only. Has all rights. */
    public static final Caller LOCAL = new Caller("local", "", true);

    private static final int FINGERPRINT_BYTES = 16;

    public Caller {
        if (subject.isBlank()) {
            throw new IllegalArgumentException("a caller must have a name");
        }
    }

    /**
     * The first 16 bytes of the SHA-256 over subject and tenant, in 32 hexadecimal digits. Equal for equal callers and,
     * rights aside, only for them: their lengths go into the hash.
     */
    public String fingerprint() {
        MessageDigest sha256 = sha256();
        update(sha256, subject);
        update(sha256, tenant);
        return HexFormat.of().formatHex(sha256.digest(), 0, FINGERPRINT_BYTES);
    }

    private static void update(MessageDigest digest, String text) {
        byte[] bytes = text.getBytes(UTF_8);
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
        digest.update(bytes);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
