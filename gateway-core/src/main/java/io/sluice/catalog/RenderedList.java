package io.sluice.catalog;

import java.util.Arrays;

/**
 * The answer to a list method: the whole {@code result} object as bytes, made once when the catalog was built, but for
 * the time for which it is still good.
 */
public final class RenderedList {
    private final Dated result;
    private final int entriesStart;
    private final int entriesEnd;
    private final int size;

    RenderedList(Dated result, int entriesStart, int entriesEnd, int size) {
        this.result = result;
        this.entriesStart = entriesStart;
        this.entriesEnd = entriesEnd;
        this.size = size;
    }

    /** The bytes themselves, not a copy, as good as they ever were; never to be written to. */
    public byte[] bytes() {
        return result.bytes();
    }

    /** The result with the life that it has left now, between what is given, in a new array. */
    public byte[] between(byte[] head, byte[] tail) {
        return result.between(head, tail);
    }

    /** How many definitions the list holds. */
    public int size() {
        return size;
    }

    /** Whether the definitions are the same, whatever is said around them. */
    boolean sameEntries(RenderedList other) {
        return this == other
                || Arrays.equals(
                        bytes(), entriesStart, entriesEnd, other.bytes(), other.entriesStart, other.entriesEnd);
    }

    boolean sameBytes(RenderedList other) {
        return this == other || Arrays.equals(bytes(), other.bytes());
    }
}
