package io.sluice.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.netty.buffer.ByteBuf;
import io.netty.util.AsciiString;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the heads of HTTP/1.1 messages that come one after the other on a connection, as far as they are ordinary. Most
 * lines say what they said the last time, and then nothing is made for them: the same strings are handed out again.
 * What is not ordinary (a folded line, a bare CR or LF, a name that is no token, a control character, a long head) is
 * left to a decoder that knows all cases. Not for use by two threads at once.
 */
public final class HeadReader {
    private static final int LONGEST = 8 * 1024;
    private static final int MOST_LINES = 48;
    private static final byte[] NOTHING = {};
    private static final int TOKEN = 1;
    private static final int VALUE = 2;
    private static final byte[] CLASSES = classes();
    private static final FastThreadLocal<Scratch> SCRATCH = new FastThreadLocal<>() {
        @Override
        protected Scratch initialValue() {
            return new Scratch();
        }
    };

    /** What is needed while a head is read. */
    private static final class Scratch {
        private final byte[] bytes = new byte[LONGEST];
        private final short[] ends = new short[MOST_LINES + 1];
    }

    // Of the head before: its bytes, where each line of it ends, and what they said.
    private byte[] before = NOTHING;
    private short[] ends = {};
    private int lines;
    private String firstLine = "";
    private CharSequence[] names = {};
    private CharSequence[] values = {};
    private @Nullable CharSequence[] askedFor = {};

    private int length;

    /** Remembers nothing of the head before, for a connection that may rest for long. */
    public void forget() {
        before = NOTHING;
        ends = new short[0];
        lines = 0;
        firstLine = "";
        names = new CharSequence[0];
        values = new CharSequence[0];
        askedFor = new CharSequence[0];
    }

    /** The first line of the last head read; the same string as long as it stays the same. */
    public String firstLine() {
        return firstLine;
    }

    /** How many bytes the last head had, with the empty line at its end. */
    public int length() {
        return length;
    }

    /**
     * Reads a head, and moves no index.
     *
     * @param from where it begins
     * @return null when it is not complete, or not ordinary
     */
    @SuppressWarnings("ReferenceEquality") // the very name, so that the array stays shared
    public @Nullable HeaderLines read(ByteBuf in, int from) {
        int most = Math.min(LONGEST, in.writerIndex() - from);
        Scratch scratch = SCRATCH.get();
        byte[] now = scratch.bytes;
        short[] nowEnds = scratch.ends;
        in.getBytes(from, now, 0, most);
        String first = firstLine;
        CharSequence[] nowNames = names;
        CharSequence[] nowValues = values;
        int at = 0;
        int line = 0;
        while (true) {
            if (at + 2 > most || line > MOST_LINES) {
                return null;
            }
            if (now[at] == '\r') {
                break;
            }
            int end = sameLine(now, at, most, line);
            if (end < 0) {
                end = lineEnd(now, at, most);
                if (end < 0) {
                    return null;
                }
                if (line == 0) {
                    first = new String(now, at, end - 2 - at, ISO_8859_1);
                } else {
                    int i = line - 1;
                    int colon = nameEnd(now, at, end);
                    if (colon < 0) {
                        return null;
                    }
                    CharSequence name =
                            sameName(now, at, colon, line) ? names[i] : new AsciiString(now, at, colon - at, true);
                    if (sharedWith(nowNames, names) && (i >= lines - 1 || name != names[i])) {
                        nowNames = Arrays.copyOf(names, Math.max(names.length, i + 8));
                    } else if (i >= nowNames.length) {
                        nowNames = Arrays.copyOf(nowNames, i + 8);
                    }
                    nowNames[i] = name;
                    if (sharedWith(nowValues, values)) {
                        nowValues = Arrays.copyOf(values, Math.max(values.length, i + 8));
                    } else if (i >= nowValues.length) {
                        nowValues = Arrays.copyOf(nowValues, i + 8);
                    }
                    nowValues[i] = value(now, colon + 1, end - 2);
                }
            }
            nowEnds[line++] = (short) end;
            at = end;
        }
        if (line == 0 || now[at + 1] != '\n') {
            return null;
        }
        length = at + 2;
        remember(now, at, nowEnds, line);
        firstLine = first;
        if (!sharedWith(nowNames, names)) {
            names = nowNames;
            askedFor = new CharSequence[nowNames.length];
        }
        values = nowValues;
        return new HeaderLines(nowNames, nowValues, line - 1, askedFor);
    }

    @SuppressWarnings("ReferenceEquality") // the very array
    private static boolean sharedWith(CharSequence[] now, CharSequence[] before) {
        return now == before;
    }

    /** Where the line ends when it is the one of the head before at this place, or a negative number. */
    private int sameLine(byte[] now, int at, int most, int line) {
        if (line >= lines) {
            return -1;
        }
        int from = line == 0 ? 0 : ends[line - 1];
        int to = ends[line];
        int end = at + to - from;
        return end <= most && Arrays.equals(now, at, end, before, from, to) ? end : -1;
    }

    private boolean sameName(byte[] now, int at, int colon, int line) {
        if (line >= lines) {
            return false;
        }
        int from = ends[line - 1];
        int to = from + colon + 1 - at;
        return to <= ends[line] && Arrays.equals(now, at, colon + 1, before, from, to);
    }

    /** Behind the CRLF, or a negative number when there is none, or something that may not stand before it. */
    private static int lineEnd(byte[] now, int at, int most) {
        int i = at;
        while (i < most && (CLASSES[now[i] & 0xff] & VALUE) != 0) {
            i++;
        }
        return i + 2 <= most && now[i] == '\r' && now[i + 1] == '\n' ? i + 2 : -1;
    }

    private static int nameEnd(byte[] now, int at, int end) {
        int i = at;
        while (i < end && (CLASSES[now[i] & 0xff] & TOKEN) != 0) {
            i++;
        }
        return i > at && i < end && now[i] == ':' ? i : -1;
    }

    private static String value(byte[] now, int from, int to) {
        int start = from;
        int end = to;
        while (start < end && (now[start] == ' ' || now[start] == '\t')) {
            start++;
        }
        while (end > start && (now[end - 1] == ' ' || now[end - 1] == '\t')) {
            end--;
        }
        return new String(now, start, end - start, ISO_8859_1);
    }

    private void remember(byte[] now, int to, short[] nowEnds, int line) {
        if (before.length < to) {
            before = Arrays.copyOf(now, to);
        } else {
            System.arraycopy(now, 0, before, 0, to);
        }
        if (ends.length < line) {
            ends = Arrays.copyOf(nowEnds, line);
        } else {
            System.arraycopy(nowEnds, 0, ends, 0, line);
        }
        lines = line;
    }

    private static byte[] classes() {
        byte[] classes = new byte[256];
        for (int c = 0x20; c < 0x100; c++) {
            classes[c] = c == 0x7f ? 0 : (byte) VALUE;
        }
        classes['\t'] = VALUE;
        for (char c = '0'; c <= 'z'; c++) {
            if (Character.isLetterOrDigit(c)) {
                classes[c] |= TOKEN;
            }
        }
        // without '_', which is refused in requests
        for (char c : "!#$%&'*+-.^`|~".toCharArray()) {
            classes[c] |= TOKEN;
        }
        return classes;
    }
}
