package io.sluice.catalog;

import java.util.Arrays;

/** The answer to a list method: the whole {@code result} object as bytes, made once when the catalog was built. */
public final class RenderedList {
    private final byte[] bytes;
    private final int entriesStart;
    private final int entriesEnd;
    private final int size;

    RenderedList(byte[] bytes, int entriesStart, int entriesEnd, int size) {
        this.bytes = bytes;
        this.entriesStart = entriesStart;
        this.entriesEnd = entriesEnd;
        this.size = size;
    }

    /** The bytes themselves, not a copy; never to be written to. */
    public byte[] bytes() {
        return bytes;
    }

    /** How many definitions the list holds. */
    public int size() {
        return size;
    }

    /** Whether the definitions are the same, whatever is said around them. */
    boolean sameEntries(RenderedList other) {
        return this == other
                || Arrays.equals(bytes, entriesStart, entriesEnd, other.bytes, other.entriesStart, other.entriesEnd);
    }

    boolean sameBytes(RenderedList other) {
        return this == other || Arrays.equals(bytes, other.bytes);
    }
}
