package io.sluice.envelope;

import java.util.Arrays;

/** Where the members of one message stand. Written by the scanner, then never again. */
final class Places {
    private static final int COUNT = Member.values().length;

    /** Start and end for each member, in the order of {@link Member}; an end of 0 means absent. */
    private final int[] at = new int[2 * COUNT];

    @SuppressWarnings("EnumOrdinal") // an array beats an EnumMap: no object per place
    private static int index(Member member) {
        return 2 * member.ordinal();
    }

    void put(Member member, int start, int end) {
        int index = index(member);
        at[index] = start;
        at[index + 1] = end;
    }

    void drop(Member member) {
        put(member, 0, 0);
    }

    /** Drops this member and all that are declared after it. */
    void dropFrom(Member member) {
        Arrays.fill(at, index(member), at.length, 0);
    }

    boolean has(Member member) {
        return at[index(member) + 1] != 0;
    }

    int start(Member member) {
        return at[index(member)];
    }

    int end(Member member) {
        return at[index(member) + 1];
    }

    Span span(Member member) {
        return has(member) ? new Span(start(member), end(member)) : Span.NONE;
    }
}
