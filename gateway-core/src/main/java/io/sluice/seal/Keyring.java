package io.sluice.seal;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The secret that the replicas share: a current root key, and during a rotation the previous one. What is sealed under
 * the previous key still opens, nothing new is sealed under it. No root key is ever used itself; each purpose gets keys
 * of its own by HKDF-SHA-256. Immutable.
 *
 * <p>To rotate without losing a session: make the new key the current one and the old one the previous one on every
 * replica, and drop the old one when the longest-lived seal has expired. A replica that has not been told of the new
 * key yet cannot open what another already seals with it.
 */
public final class Keyring {
    public static final int KEY_BYTES = 32;

    private static final int NAME_BYTES = 16;
    private static final byte[] SALT = "io.sluice.seal/v1".getBytes(US_ASCII);
    private static final Pattern PURPOSE = Pattern.compile("[a-z0-9-]{1,64}");

    private final List<byte[]> pseudoRandomKeys;
    private final SecureRandom nonces = SeededRandom.create();

    private Keyring(List<byte[]> roots) {
        List<byte[]> extracted = new ArrayList<>();
        for (byte[] root : roots) {
            extracted.add(Hkdf.extract(SALT, checked(root)));
        }
        this.pseudoRandomKeys = List.copyOf(extracted);
    }

    /**
     * One key. The array is not kept, the caller may wipe it.
     *
     * @throws IllegalArgumentException when the key is not 32 bytes, or is one byte repeated
     */
    public static Keyring of(byte[] current) {
        return new Keyring(List.of(current));
    }

    /**
     * Two keys, during a rotation.
     *
     * @throws IllegalArgumentException when a key is not 32 bytes, or is one byte repeated
     */
    public static Keyring of(byte[] current, byte[] previous) {
        return new Keyring(List.of(current, previous));
    }

    /**
     * A key that nobody else has and that ends with the process. Blocks for the system's randomness: not for event
     * loops.
     */
    public static Keyring random() {
        byte[] root = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(root);
        return of(root);
    }

    /**
     * A sealer whose tokens no other purpose's sealer opens. Keep it: making one derives keys.
     *
     * @param purpose {@code [a-z0-9-]{1,64}}
     */
    public Sealer sealer(String purpose) {
        if (!PURPOSE.matcher(purpose).matches()) {
            throw new IllegalArgumentException("'" + purpose + "' is not the name of a purpose");
        }
        return new Sealer(
                pseudoRandomKeys.stream()
                        .map(key -> SealingKey.of(key, purpose))
                        .toList(),
                nonces);
    }

    /**
     * A stamp that no other purpose's stamp is like. Keep it: making one derives keys.
     *
     * @param purpose {@code [a-z0-9-]{1,64}}
     */
    public Stamp stamp(String purpose) {
        if (!PURPOSE.matcher(purpose).matches()) {
            throw new IllegalArgumentException("'" + purpose + "' is not the name of a purpose");
        }
        byte[] info = ("stamp\n" + purpose).getBytes(StandardCharsets.UTF_8);
        return new Stamp(pseudoRandomKeys.stream()
                .map(key -> Hkdf.expand(key, info, KEY_BYTES))
                .toList());
    }

    /**
     * A name that whoever has the current key derives alike, and nobody else; no secret itself.
     *
     * @param of what is named, in any words
     */
    public String name(String of) {
        byte[] info = ("name\n" + of).getBytes(StandardCharsets.UTF_8);
        return HexFormat.of().formatHex(Hkdf.expand(pseudoRandomKeys.get(0), info, NAME_BYTES));
    }

    /** How many root keys there are, never what they are. */
    @Override
    public String toString() {
        return "Keyring[" + pseudoRandomKeys.size() + " keys]";
    }

    private static byte[] checked(byte[] root) {
        if (root.length != KEY_BYTES) {
            throw new IllegalArgumentException(
                    "the secret key has " + root.length + " bytes; it must have " + KEY_BYTES);
        }
        boolean varied = false;
        for (byte b : root) {
            varied |= b != root[0];
        }
        if (!varied) {
            throw new IllegalArgumentException("the secret key is one byte repeated; make a random one");
        }
        return root;
    }
}
