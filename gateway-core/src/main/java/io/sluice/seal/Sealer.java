package io.sluice.seal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts and authenticates small values for one purpose, so that a client can keep them for us. A token reads {@code
 * v1.<kid>.<base64url>}; the last part is nonce, ciphertext and tag of AES-256-GCM, and the first two are authenticated
 * with it. Safe for use by many threads, never blocks.
 *
 * <p>Nonces are 96 random bits, so one key should not seal more than 2<sup>32</sup> values (NIST SP 800-38D, 8.3):
 * rotate it before.
 */
public final class Sealer {
    private static final String VERSION = "v1.";
    private static final int HEADER_CHARS = VERSION.length() + SealingKey.KID_CHARS + 1;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
    private static final Base64.Decoder DECODER = Base64.getUrlDecoder();

    private final List<SealingKey> keys;
    private final SecureRandom nonces;

    /** @param keys the current one first */
    Sealer(List<SealingKey> keys, SecureRandom nonces) {
        this.keys = List.copyOf(keys);
        this.nonces = nonces;
    }

    /** Length of the token for a plaintext of that length, both in bytes; tokens are ASCII. */
    public static int tokenBytes(int plaintextBytes) {
        int sealed = SealingKey.NONCE_BYTES + plaintextBytes + SealingKey.TAG_BYTES;
        return HEADER_CHARS + (sealed * 4 + 2) / 3;
    }

    /**
     * Seals under the current key.
     *
     * @param associatedData what must be the same again for the token to open; not contained in it
     */
    public String seal(byte[] plaintext, byte[] associatedData) {
        byte[] nonce = new byte[SealingKey.NONCE_BYTES];
        nonces.nextBytes(nonce);
        SealingKey key = current();
        String header = VERSION + key.kid() + ".";
        byte[] sealed = key.encrypt(nonce, header.getBytes(ISO_8859_1), associatedData, plaintext);
        return header + ENCODER.encodeToString(sealed);
    }

    /**
     * Opens what {@link #seal} made under the current or the previous key. Any other text, whatever is wrong with it,
     * gives the same empty answer; a forged token takes the same path through the cipher whether or not it names a key
     * of ours.
     */
    public Optional<byte[]> open(String token, byte[] associatedData) {
        if (token.length() < tokenBytes(0) || !token.startsWith(VERSION) || token.charAt(HEADER_CHARS - 1) != '.') {
            return Optional.empty();
        }
        byte @Nullable [] sealed = decode(token.substring(HEADER_CHARS));
        if (sealed == null || sealed.length < SealingKey.NONCE_BYTES + SealingKey.TAG_BYTES) {
            return Optional.empty();
        }
        String header = token.substring(0, HEADER_CHARS);
        return Optional.ofNullable(keyNamedIn(header).decrypt(sealed, header.getBytes(ISO_8859_1), associatedData));
    }

    private SealingKey current() {
        return keys.get(0);
    }

    /**
     * The key that the header names, or else the current one: the header is authenticated, so that what names no key of
     * ours fails in the cipher.
     */
    private SealingKey keyNamedIn(String header) {
        for (SealingKey key : keys) {
            if (header.startsWith(key.kid(), VERSION.length())) {
                return key;
            }
        }
        return current();
    }

    /**
     * Null unless the text is the one canonical spelling; Java's decoder also takes padding and stray bits in the last
     * character.
     */
    private static byte @Nullable [] decode(String text) {
        try {
            byte[] bytes = DECODER.decode(text);
            return ENCODER.encodeToString(bytes).equals(text) ? bytes : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    @Override
    public String toString() {
        return "Sealer" + keys;
    }
}
