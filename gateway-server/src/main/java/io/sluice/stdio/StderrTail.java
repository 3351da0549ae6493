package io.sluice.stdio;

import java.util.ArrayDeque;
import java.util.List;

/** The last lines that a program wrote where nobody reads: enough to see why it ended. Safe for use by many threads. */
final class StderrTail {
    private static final int MOST_LINES = 50;
    private static final int LONGEST_LINE = 500;

    private final ArrayDeque<String> lines = new ArrayDeque<>();

    synchronized void add(String line) {
        String plain = line.replaceAll("\\u001B\\[[0-9;]*[A-Za-z]", "")
                .replaceAll("\\p{Cntrl}", " ")
                .strip();
        if (plain.isEmpty()) {
            return;
        }
        if (lines.size() == MOST_LINES) {
            lines.removeFirst();
        }
        lines.addLast(plain.length() > LONGEST_LINE ? plain.substring(0, LONGEST_LINE) + "…" : plain);
    }

    synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    /** The last line that says something, or empty. */
    synchronized String lastLine() {
        String last = lines.peekLast();
        return last == null ? "" : last;
    }
}
