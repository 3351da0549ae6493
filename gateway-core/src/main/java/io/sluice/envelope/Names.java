package io.sluice.envelope;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of words that can be looked up in a byte array without making a string: open addressing over
 * {@link KeyHash}, and a hit is confirmed byte by byte, so that no crafted key can pass for another.
 *
 * @param <T> what the words stand for
 */
final class Names<T> {
    private final int mask;
    private final @Nullable Entry<T>[] table;

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Entry<T>(long hash, byte[] word, T meaning) {}

    Names(Map<String, T> words) {
        int size = Integer.highestOneBit(Math.max(1, words.size())) << 2;
        mask = size - 1;
        table = newTable(size);
        words.forEach(this::add);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
    private static <T> @Nullable Entry<T>[] newTable(int size) {
        return new Entry[size];
    }

    private void add(String word, T meaning) {
        byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
        long hash = KeyHash.of(bytes, 0, bytes.length);
        int i = (int) hash & mask;
        while (table[i] != null) {
            i = (i + 1) & mask;
        }
        table[i] = new Entry<>(hash, bytes, meaning);
    }

    /** What the word in {@code in[start..end)}, whose {@link KeyHash} is given, stands for; null if it is not in the set. */
    @Nullable
    T find(long hash, byte[] in, int start, int end) {
        int i = (int) hash & mask;
        Entry<T> entry = table[i];
        while (entry != null) {
            if (entry.hash == hash && Arrays.equals(entry.word, 0, entry.word.length, in, start, end)) {
                return entry.meaning;
            }
            i = (i + 1) & mask;
            entry = table[i];
        }
        return null;
    }
}
