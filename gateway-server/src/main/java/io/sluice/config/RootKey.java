package io.sluice.config;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;

/**
 * A key of 32 bytes that seals session ids and whatever else leaves the gateway and must come back unchanged.
 * Immutable; never printed.
 */
public final class RootKey {
    public static final int BYTES = 32;

    private static final String FORM = "a secret key is 32 random bytes, raw or written as base64 or hexadecimal;"
            + " make one with: head -c 32 /dev/urandom | base64";

    private final byte[] bytes;

    private RootKey(byte[] bytes) {
        this.bytes = bytes;
    }

    /** @throws IllegalArgumentException with the way out when there are not 32 bytes */
    public static RootKey of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("found " + bytes.length + " bytes; " + FORM);
        }
        return new RootKey(bytes.clone());
    }

    /**
     * The keys in a file: 32 raw bytes, or lines of base64 or hexadecimal, the current key first, then earlier ones
     * that are still accepted.
     *
     * @throws IllegalArgumentException with the way out when it holds anything else
     */
    static List<RootKey> parse(byte[] content) {
        if (content.length == BYTES) {
            return List.of(of(content));
        }
        List<RootKey> keys = new ArrayList<>();
        for (String line : new String(content, StandardCharsets.ISO_8859_1)
                .lines()
                .map(String::strip)
                .toList()) {
            if (!line.isEmpty() && !line.startsWith("#")) {
                keys.add(of(decode(line)));
            }
        }
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("it is empty; " + FORM);
        }
        return keys;
    }

    private static byte[] decode(String text) {
        try {
            return text.length() == 2 * BYTES
                    ? HexFormat.of().parseHex(text)
                    : Base64.getDecoder().decode(text.replace('-', '+').replace('_', '/'));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("found something else; " + FORM, e);
        }
    }

    /** A copy. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** Whether it can hardly be random: fewer than 12 different bytes in 32, which chance does not bring about. */
    boolean looksMadeUp() {
        return new String(bytes, StandardCharsets.ISO_8859_1).chars().distinct().count() < 12;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof RootKey other && MessageDigest.isEqual(bytes, other.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return "RootKey[…]";
    }
}
