package io.sluice.catalog;

import java.util.List;

/** Matches names against patterns in which {@code *} stands for any run of characters and {@code ?} for one. */
public final class Glob {
    private Glob() {}

    public static boolean anyMatches(List<String> globs, String text) {
        for (int i = 0; i < globs.size(); i++) { // on the path of every call: no iterator
            if (matches(globs.get(i), text)) {
                return true;
            }
        }
        return false;
    }

    /** Going back to the last star alone is enough, so the time is at most the product of the two lengths. */
    public static boolean matches(String glob, String text) {
        int g = 0;
        int t = 0;
        int star = -1;
        int resume = 0;
        while (t < text.length()) {
            if (g < glob.length() && glob.charAt(g) == '*') {
                star = g++;
                resume = t;
            } else if (g < glob.length() && (glob.charAt(g) == '?' || glob.charAt(g) == text.charAt(t))) {
                g++;
                t++;
            } else if (star >= 0) {
                g = star + 1;
                t = ++resume;
            } else {
                return false;
            }
        }
        while (g < glob.length() && glob.charAt(g) == '*') {
            g++;
        }
        return g == glob.length();
    }
}
