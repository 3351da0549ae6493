package io.sluice.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/**
 * Finds what somebody meant. Two words are close when few edits (insert, delete, replace, swap of neighbours: the
 * optimal string alignment distance) turn one into the other, after case, dashes and underscores are forgotten.
 */
final class Suggestion {
    private Suggestion() {}

    /** The closest of the known words, if any is close: at most one edit in three letters. */
    static Optional<String> closest(String word, Collection<String> known) {
        String given = folded(word);
        return known.stream()
                .filter(k -> distance(given, folded(k)) <= Math.max(1, Math.min(given.length(), k.length()) / 3))
                .min(Comparator.comparingInt((String k) -> distance(given, folded(k)))
                        .thenComparing(Comparator.naturalOrder()));
    }

    /** {@code ; did you mean 'x'?}, or nothing. */
    static String words(String word, Collection<String> known) {
        return closest(word, known).map(k -> "; did you mean '" + k + "'?").orElse("");
    }

    private static String folded(String word) {
        return word.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
    }

    private static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    d[i][j] = i + j;
                    continue;
                }
                int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                d[i][j] = Math.min(Math.min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + cost);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
