package io.sluice.envelope;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A message's bytes, and where in them its members stand. The places are written by the scanner, then never again. */
final class Places {
    private static final int COUNT = Member.values().length;

    @SuppressWarnings("EnumOrdinal") // as below
    private static final int OF_ANSWER = 2 * (Member.RESULT_TYPE.ordinal() + 1);

    /**
     * Start and end for each member, in the order of {@link Member}; an end of 0 means absent. Only those that an
     * answer has until there is another.
     */
    private int[] at;

    /** The bytes, but for a large message that is still in the buffers it arrived in. */
    private byte @Nullable [] array;

    private final @Nullable Segments segments;

    Places(byte[] body) {
        this(body, OF_ANSWER);
    }

    private Places(byte[] body, int length) {
        at = new int[length];
        array = body;
        segments = null;
    }

    Places(Segments body) {
        at = new int[OF_ANSWER];
        segments = body;
    }

    /** With room for all members from the start. */
    static Places ofCall(byte[] body) {
        return new Places(body, 2 * COUNT);
    }

    /** The bytes in an array, which is not to be written to; from now on they are nowhere else. */
    byte[] bytes() {
        byte[] known = array;
        if (known == null) {
            Segments there = segments();
            known = there.toBytes();
            array = known;
            there.release();
        }
        return known;
    }

    /** The buffers of the message, or null when it is in an array. */
    @Nullable
    Segments held() {
        return array == null ? segments : null;
    }

    private Segments segments() {
        if (segments == null) {
            throw new IllegalStateException("neither an array nor segments");
        }
        return segments;
    }

    int length() {
        byte[] known = array;
        return known != null ? known.length : segments().heldLength();
    }

    byte at(int index) {
        byte[] known = array;
        return known != null ? known[index] : segments().at(index);
    }

    /** The first byte of a member that is there. */
    byte first(Member member) {
        return at(start(member));
    }

    byte[] copy(int start, int end) {
        byte[] known = array;
        return known != null
                ? Arrays.copyOfRange(known, start, end)
                : segments().copy(start, end);
    }

    /** The value of the string literal that stands there. */
    String text(int start, int end) {
        byte[] known = array;
        return known != null
                ? JsonScanner.text(known, start, end)
                : JsonScanner.text(segments().copy(start, end), 0, end - start);
    }

    String text(Member member) {
        return text(start(member), end(member));
    }

    /** The id of a message that has one. */
    RequestId id() {
        int start = start(Member.ID);
        int end = end(Member.ID);
        byte[] known = array;
        return known != null
                ? RequestId.read(known, start, end)
                : RequestId.read(segments().copy(start, end), 0, end - start);
    }

    /** What the string that is the method stands for among these; null when it is none of them. */
    <T> @Nullable T method(Names<T> among) {
        int start = start(Member.METHOD) + 1;
        int end = end(Member.METHOD) - 1;
        byte[] known = array;
        if (known == null) {
            known = segments().copy(start, end);
            end -= start;
            start = 0;
        }
        return among.find(KeyHash.of(known, start, end), known, start, end);
    }

    /** Where the member of an object stands. */
    Span member(Span object, String key) {
        byte[] known = array;
        return known != null ? JsonScanner.member(known, object, key) : JsonScanner.member(segments(), object, key);
    }

    /** Lays the bytes open to a scanner. */
    JsonScanner scanner(boolean strict, int maxDepth) {
        byte[] known = array;
        return known != null ? JsonScanner.of(known, strict, maxDepth) : JsonScanner.of(segments(), strict, maxDepth);
    }

    @SuppressWarnings("EnumOrdinal") // an array beats an EnumMap: no object per place
    private static int index(Member member) {
        return 2 * member.ordinal();
    }

    void put(Member member, int start, int end) {
        int index = index(member);
        if (index >= at.length) {
            at = Arrays.copyOf(at, 2 * COUNT);
        }
        at[index] = start;
        at[index + 1] = end;
    }

    void drop(Member member) {
        if (has(member)) {
            put(member, 0, 0);
        }
    }

    /** Drops this member and all that are declared after it. */
    void dropFrom(Member member) {
        if (index(member) < at.length) {
            Arrays.fill(at, index(member), at.length, 0);
        }
    }

    boolean has(Member member) {
        return end(member) != 0;
    }

    int start(Member member) {
        int index = index(member);
        return index < at.length ? at[index] : 0;
    }

    int end(Member member) {
        int index = index(member) + 1;
        return index < at.length ? at[index] : 0;
    }

    Span span(Member member) {
        return has(member) ? new Span(start(member), end(member)) : Span.NONE;
    }
}
