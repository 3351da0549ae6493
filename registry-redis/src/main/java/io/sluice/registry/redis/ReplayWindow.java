package io.sluice.registry.redis;

/**
 * Tells numbered messages of one sender that are new from copies, whatever order they arrive in: threads of a sender take
 * their numbers in one order and reach the wire in another. Remembers which of the {@value #SIZE} numbers up to the highest
 * one were there; what is older counts as a copy (RFC 4303, 3.4.3). Not safe for use by several threads.
 */
final class ReplayWindow {
    /** How far behind the highest number a message may come and still be believed to be new. */
    static final int SIZE = 1024;

    /** Bit n % SIZE says whether number n was there, for the SIZE numbers up to the highest. */
    private final long[] there = new long[SIZE / Long.SIZE];

    private long highest;

    /** Whether this number, from 1, was not there before; from now on it was. */
    boolean isNew(long number) {
        if (number < 1 || number <= highest - SIZE) {
            return false;
        }
        if (number > highest) {
            long from = Math.max(highest + 1, number - SIZE + 1);
            for (long passed = from; passed < number; passed++) {
                there[word(passed)] &= ~bit(passed);
            }
            highest = number;
            there[word(number)] |= bit(number);
            return true;
        }
        boolean before = (there[word(number)] & bit(number)) != 0;
        there[word(number)] |= bit(number);
        return !before;
    }

    private static int word(long number) {
        return (int) (number % SIZE) / Long.SIZE;
    }

    private static long bit(long number) {
        return 1L << (number % Long.SIZE);
    }
}
