package io.sluice.envelope;

import java.util.Arrays;

/** Where the members of one message stand. Written by the scanner, then never again. */
final class Places {
    private static final int COUNT = Member.values().length;

    @SuppressWarnings("EnumOrdinal") // as below
    private static final int OF_MESSAGE = 2 * (Member.ERROR.ordinal() + 1);

    /**
     * Start and end for each member, in the order of {@link Member}; an end of 0 means absent. Only those of the message
     * itself until there is another, which responses have none of.
     */
    private int[] at = new int[OF_MESSAGE];

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
