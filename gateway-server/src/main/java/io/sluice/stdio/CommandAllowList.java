package io.sluice.stdio;

import java.util.List;

/**
 * Which programs may be started for a backend that no configuration file names. Each entry is a command line of words, in which {@code *} stands for any characters of one word and a last word
 * {@code *} for any further words. Nothing is allowed unless an entry says so.
 */
public record CommandAllowList(List<String> entries) {
    public static final CommandAllowList NOTHING = new CommandAllowList(List.of());

    public CommandAllowList {
        entries = List.copyOf(entries);
    }

    public boolean permits(List<String> commandLine) {
        return entries.stream().anyMatch(entry -> matches(List.of(entry.strip().split("\\s+")), commandLine));
    }

    private static boolean matches(List<String> entry, List<String> commandLine) {
        int words = entry.size();
        boolean open = words > 1 && entry.get(words - 1).equals("*");
        int fixed = open ? words - 1 : words;
        if (open ? commandLine.size() < fixed : commandLine.size() != fixed) {
            return false;
        }
        for (int i = 0; i < fixed; i++) {
            if (!matches(entry.get(i), commandLine.get(i))) {
                return false;
            }
        }
        return true;
    }

    /** Going back to the last star alone is enough, so the time is at most the product of the two lengths. */
    private static boolean matches(String glob, String text) {
        int g = 0;
        int t = 0;
        int star = -1;
        int resume = 0;
        while (t < text.length()) {
            if (g < glob.length() && glob.charAt(g) == '*') {
                star = g++;
                resume = t;
            } else if (g < glob.length() && glob.charAt(g) == text.charAt(t)) {
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
