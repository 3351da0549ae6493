package io.sluice.envelope;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of words that can be looked up in a byte array without making a string: open addressing over
 * {@link KeyHash}, and a hit is confirmed byte by byte, so that no crafted key can pass for another.
 */
final class Names {
    /** What {@link #find} returns for a word that is not in the set. */
    static final int UNKNOWN = -1;

    private final int mask;
    private final long[] hashes;
    private final byte[] @Nullable [] words;
    private final int[] numbers;

    /** @param numbered each word and the number it is looked up for, not negative */
    Names(Map<String, Integer> numbered) {
        int size = Integer.highestOneBit(Math.max(1, numbered.size())) << 2;
        mask = size - 1;
        hashes = new long[size];
        words = new byte[size][];
        numbers = new int[size];
        numbered.forEach(this::add);
    }

    private void add(String word, int number) {
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        long hash = KeyHash.of(bytes, 0, bytes.length);
        int i = (int) hash & mask;
        while (words[i] != null) {
            i = i + 1 & mask;
        }
        hashes[i] = hash;
        words[i] = bytes;
        numbers[i] = number;
    }

    /** The number of the word in {@code in[start..end)}, whose {@link KeyHash} is given, or {@link #UNKNOWN}. */
    int find(long hash, byte[] in, int start, int end) {
        int i = (int) hash & mask;
        byte[] word = words[i];
        while (word != null) {
            if (hashes[i] == hash && Arrays.equals(word, 0, word.length, in, start, end)) {
                return numbers[i];
            }
            i = i + 1 & mask;
            word = words[i];
        }
        return UNKNOWN;
    }
}
