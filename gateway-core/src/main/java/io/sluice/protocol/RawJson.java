package io.sluice.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A JSON value kept as the bytes it came in, so that number spelling, key order and unknown members survive. Immutable by agreement: the array is shared, never
 * written. Equal when the bytes are equal.
 */
public final class RawJson {
    public static final RawJson EMPTY_OBJECT = of("{}");

    private final byte[] bytes;

    private RawJson(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Takes the array over; the caller must not write to it any more. */
    public static RawJson of(byte[] utf8) {
        return new RawJson(utf8);
    }

    public static RawJson of(String text) {
        return new RawJson(text.getBytes(StandardCharsets.UTF_8));
    }

    /** The bytes themselves, not a copy. */
    public byte[] bytes() {
        return bytes;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof RawJson other && Arrays.equals(bytes, other.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /** The JSON text. */
    @Override
    public String toString() {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
