package io.sluice.seal;

import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * HKDF with SHA-256, RFC 5869: concentrates input key material into one pseudo-random key, then expands it into
 * independent keys told apart by {@code info}.
 */
final class Hkdf {
    private static final String HMAC = "HmacSHA256";
    private static final int HASH_BYTES = 32;

    private Hkdf() {}

    /** @param salt at least one byte; RFC 5869 stands in 32 zero bytes for an absent one */
    static byte[] extract(byte[] salt, byte[] inputKey) {
        return hmac(salt).doFinal(inputKey);
    }

    static byte[] expand(byte[] pseudoRandomKey, byte[] info, int lengthBytes) {
        if (lengthBytes < 1 || lengthBytes > 255 * HASH_BYTES) {
            throw new IllegalArgumentException("HKDF cannot make " + lengthBytes + " bytes");
        }
        Mac mac = hmac(pseudoRandomKey);
        byte[] output = new byte[lengthBytes];
        byte[] block = {};
        for (int done = 0, counter = 1; done < lengthBytes; done += HASH_BYTES, counter++) {
            mac.update(block);
            mac.update(info);
            block = mac.doFinal(new byte[] {(byte) counter});
            System.arraycopy(block, 0, output, done, Math.min(HASH_BYTES, lengthBytes - done));
        }
        Arrays.fill(block, (byte) 0);
        return output;
    }

    private static Mac hmac(byte[] key) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + HMAC, e);
        }
    }
}
