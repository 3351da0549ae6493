package io.sluice.seal;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.netty.util.concurrent.FastThreadLocal;
import java.security.GeneralSecurityException;
import java.util.Base64;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * One AES-256-GCM key for one purpose, with a cipher kept per thread and direction, because finding one and expanding
 * its key costs more than using it.
 */
final class SealingKey {
    static final int NONCE_BYTES = 12;
    static final int TAG_BYTES = 16;

    /** Length of {@link #kid}. */
    static final int KID_CHARS = 8;

    private static final int KID_BYTES = 6;

    private final String kid;
    private final SecretKey key;
    private final FastThreadLocal<Cipher> encrypting = new CachedCipher();
    private final FastThreadLocal<Cipher> decrypting = new CachedCipher();

    private SealingKey(String kid, byte[] key) {
        this.kid = kid;
        this.key = new SecretKeySpec(key, "AES");
    }

    static SealingKey of(byte[] pseudoRandomKey, String purpose) {
        byte[] id = Hkdf.expand(pseudoRandomKey, ("kid/" + purpose).getBytes(US_ASCII), KID_BYTES);
        byte[] key = Hkdf.expand(pseudoRandomKey, ("key/" + purpose).getBytes(US_ASCII), Keyring.KEY_BYTES);
        return new SealingKey(Base64.getUrlEncoder().withoutPadding().encodeToString(id), key);
    }

    /** Names the key in public without telling anything about it. */
    String kid() {
        return kid;
    }

    /** Nonce, ciphertext and tag in one array. */
    byte[] encrypt(byte[] nonce, byte[] header, byte[] associatedData, byte[] plaintext) {
        try {
            Cipher cipher = encrypting.get();
            cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BYTES * 8, nonce));
            cipher.updateAAD(header);
            cipher.updateAAD(associatedData);
            byte[] sealed = new byte[NONCE_BYTES + plaintext.length + TAG_BYTES];
            System.arraycopy(nonce, 0, sealed, 0, NONCE_BYTES);
            cipher.doFinal(plaintext, 0, plaintext.length, sealed, NONCE_BYTES);
            return sealed;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM cannot encrypt " + plaintext.length + " bytes", e);
        }
    }

    /** What {@link #encrypt} was given, or null when any of it was changed. */
    byte @Nullable [] decrypt(byte[] sealed, byte[] header, byte[] associatedData) {
        try {
            Cipher cipher = decrypting.get();
            cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BYTES * 8, sealed, 0, NONCE_BYTES));
            cipher.updateAAD(header);
            cipher.updateAAD(associatedData);
            return cipher.doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
        } catch (AEADBadTagException e) {
            return null;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM cannot decrypt " + sealed.length + " bytes", e);
        }
    }

    @Override
    public String toString() {
        return "SealingKey[" + kid + "]";
    }

    private static final class CachedCipher extends FastThreadLocal<Cipher> {
        @Override
        protected Cipher initialValue() throws GeneralSecurityException {
            return Cipher.getInstance("AES/GCM/NoPadding");
        }
    }
}
