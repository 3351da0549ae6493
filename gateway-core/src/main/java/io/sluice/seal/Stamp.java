package io.sluice.seal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Authenticates small texts for one purpose without hiding them, so that a name can be given to a client and be believed
 * when it comes back. Unlike what a {@link Sealer} makes, the stamp of a text is always the same. HMAC-SHA-256, cut to
 * {@value #BYTES} bytes. Safe for use by many threads, never blocks.
 */
public final class Stamp {
    public static final int BYTES = 16;

    private static final String HMAC = "HmacSHA256";

    private final List<Mac> macs;

    /** @param keys the current one first */
    Stamp(List<byte[]> keys) {
        this.macs = keys.stream().map(Stamp::mac).toList();
    }

    /** The stamp under the current key, {@value #BYTES} bytes. */
    public byte[] of(String text) {
        return of(macs.get(0), text);
    }

    /** Whether it is the text's, under the current or the previous key. */
    public boolean fits(byte[] stamp, String text) {
        boolean fits = false;
        for (Mac mac : macs) {
            fits |= MessageDigest.isEqual(of(mac, text), stamp);
        }
        return fits;
    }

    private static byte[] of(Mac mac, String text) {
        try {
            return Arrays.copyOf(((Mac) mac.clone()).doFinal(text.getBytes(UTF_8)), BYTES);
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("every Java platform's " + HMAC + " can be copied", e);
        }
    }

    private static Mac mac(byte[] key) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            mac.doFinal(key);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + HMAC, e);
        }
    }
}
