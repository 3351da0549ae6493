package io.sluice.envelope;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Walks over JSON text (RFC 8259) once and notes where the members of an envelope stand. Recursive descent; nothing is
 * built. Owned by one thread: get one by {@link #of}, use it, {@link #close} it.
 *
 * <p>Strings are skipped eight bytes at a time: the word is tested for a quote, a backslash, a control character or a
 * byte above 0x7F by arithmetic on all its bytes at once ("Bit Twiddling Hacks", <em>Determine if a word has a byte
 * less than n</em>). Borrows make such a test err only above its first hit, and the first is the one that is used.
 *
 * <p>A text in {@link Segments} is read through a window, an array that is filled with a piece of it at a time; what is
 * left of a plain string behind the window is skipped where it is. A key is kept in the window until it is looked up.
 *
 * <p><b>Strict</b> text is text that every parser reads alike. Beyond the grammar this means: valid UTF-8 and no byte
 * order mark; no object with the same key twice, the keys being compared after decoding; no key with a lone surrogate
 * or a NUL, which parsers replace, refuse or cut off; bounded nesting and length of numbers. A lone surrogate escape
 * in a value is refused where the gateway reads the value (parsers replace it or keep it, so a name could be two
 * names), and left alone elsewhere: clients that cut a text inside a pair send it in honest arguments, and nothing is
 * decided by it.
 *
 * <p><b>Equal keys</b> are found by a 64-bit hash of the decoded key; equal hashes count as equal keys. Equal keys
 * always have equal hashes, so none slips through; different keys with equal hashes come by chance once in 2^64 pairs
 * and by design only to the sender's own harm, a refusal. Up to sixteen keys are compared with each other as they
 * come; the hashes of a larger object are sorted at its end, which bounds the work at n log n.
 */
final class JsonScanner implements AutoCloseable {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;

    /** Objects with more keys than this are checked by sorting. */
    private static final int FEW_KEYS = 16;

    /** Scratch space beyond this is given back after a large message. */
    private static final int KEPT_KEYS = 4096;

    private static final int KEPT_BYTES = 4096;

    private static final int KEPT_WINDOW = 16 * 1024;

    /** How far behind the place that is asked for somebody may still look: an escape is read from its beginning. */
    private static final int LOOK_BACK = 16;

    private static final ThreadLocal<JsonScanner> SCANNERS = ThreadLocal.withInitial(JsonScanner::new);

    private static final Names<Member> MESSAGE = names(Member.Parent.MESSAGE);
    private static final Names<Member> RESULT = names(Member.Parent.RESULT);
    private static final Names<Member> PARAMS = names(Member.Parent.PARAMS);
    private static final Names<Member> META = names(Member.Parent.META);
    private static final Names<Member> NOTHING = new Names<>(Map.of());

    private static final int MOST_SOUGHT = 256;
    private static final Map<String, Names<String>> SOUGHT = new ConcurrentHashMap<>();

    private static final byte[] NO_BYTES = {};
    private static final Places UNUSED = new Places(NO_BYTES);

    /** The text, or of one in segments the window that is looked at. */
    private byte[] in = NO_BYTES;

    /** Where in the text the window begins and ends. All places are those of the text. */
    private int base;

    private int end;

    /** What there is beyond the window. */
    private @Nullable Segments all;

    private byte[] window = NO_BYTES;

    /** From where on the window is not to be left, or -1. */
    private int kept;

    private boolean strict;
    private int maxDepth;
    private Places places = UNUSED;
    private int unknownAt;
    private boolean idRepeated;

    private long[] keys = new long[64];
    private int keyCount;
    private byte[] decoded = new byte[256];

    /** Facts about the string read last. */
    private boolean escaped;

    private boolean loneSurrogate;
    private boolean nul;
    private long keyHash;

    private JsonScanner() {}

    /** This thread's scanner, opened for a body. Not to be kept: the next call hands out the same one. */
    static JsonScanner of(byte[] in, boolean strict, int maxDepth) {
        JsonScanner scanner = of(strict, maxDepth);
        scanner.in = in;
        scanner.end = in.length;
        return scanner;
    }

    /** The same for a body in segments. */
    static JsonScanner of(Segments all, boolean strict, int maxDepth) {
        JsonScanner scanner = of(strict, maxDepth);
        scanner.all = all;
        return scanner;
    }

    private static JsonScanner of(boolean strict, int maxDepth) {
        JsonScanner scanner = SCANNERS.get();
        scanner.in = NO_BYTES;
        scanner.base = 0;
        scanner.end = 0;
        scanner.all = null;
        scanner.kept = -1;
        scanner.strict = strict;
        scanner.maxDepth = maxDepth;
        scanner.places = UNUSED;
        scanner.unknownAt = 0;
        scanner.idRepeated = false;
        scanner.keyCount = 0;
        return scanner;
    }

    @Override
    public void close() {
        in = NO_BYTES;
        all = null;
        places = UNUSED;
        if (window.length > KEPT_WINDOW) {
            window = NO_BYTES;
        }
        if (keys.length > KEPT_KEYS) {
            keys = new long[64];
        }
        if (decoded.length > KEPT_BYTES) {
            decoded = new byte[256];
        }
    }

    /** Refuses what is not one strict JSON text. */
    static void validate(byte[] text) {
        try (JsonScanner scanner = of(text, true, EnvelopeReader.MAX_DEPTH)) {
            int i = scanner.skipSpace(0);
            scanner.end(scanner.value(i, 0));
        }
    }

    /**
     * Reads a whole message and notes where its members stand. What was found before a fault is there even if this
     * throws.
     *
     * @return whether the text is an object; it is read to its end in any case
     */
    boolean message(Places places) {
        this.places = places;
        int i = skipSpace(0);
        boolean object = reaches(i) && in[i - base] == '{';
        end(object ? object(i, 1, MESSAGE) : value(i, 0));
        return object;
    }

    /** Where the first member of the message stands that JSON-RPC does not know, or 0. */
    int unknownAt() {
        return unknownAt;
    }

    /** Whether a lenient message has more than one id. */
    boolean idRepeated() {
        return idRepeated;
    }

    private int expect(int i, char wanted, String otherwise) {
        if (byteAt(i) != wanted) {
            throw Malformed.at(i, otherwise);
        }
        return i + 1;
    }

    private void end(int i) {
        int rest = skipSpace(i);
        if (reaches(rest)) {
            throw Malformed.at(rest, "something follows the message");
        }
    }

    private int skipSpace(int i) {
        return i < end && in[i - base] > ' ' ? i : skipSpaceFrom(i);
    }

    private int skipSpaceFrom(int from) {
        int i = from;
        while (reaches(i) && isSpace(in[i - base])) {
            i++;
        }
        return i;
    }

    static boolean isSpace(byte b) {
        return b == ' ' || b == '\n' || b == '\r' || b == '\t';
    }

    private byte byteAt(int i) {
        if (i >= end && !more(i)) {
            throw Malformed.at(all == null ? end : all.length(), "the text ends too early");
        }
        return in[i - base];
    }

    private boolean reaches(int i) {
        return i < end || more(i);
    }

    /**
     * Moves the window on, if there is something at that place, which is behind it. It grows by doubling where it may not
     * be left.
     */
    private boolean more(int i) {
        Segments text = all;
        if (text == null || i >= text.length()) {
            return false;
        }
        int from = kept >= 0 ? kept : Math.max(0, i - LOOK_BACK);
        int size = Math.min(text.length() - from, Math.max(text.windowBytes, 2 * (i - from)));
        if (window.length < size) {
            window = new byte[size];
        }
        text.copy(from, window, size);
        in = window;
        base = from;
        end = from + size;
        return true;
    }

    private int value(int i, int depth) {
        return switch (byteAt(i)) {
            case '"' -> stringEnd(i + 1) + 1;
            case '{' -> object(i, depth + 1, NOTHING);
            case '[' -> array(i, depth + 1);
            case 't' -> literal(i, "true");
            case 'f' -> literal(i, "false");
            case 'n' -> literal(i, "null");
            default -> number(i);
        };
    }

    private int literal(int i, String word) {
        for (int k = 1; k < word.length(); k++) {
            if (byteAt(i + k) != word.charAt(k)) {
                throw Malformed.at(i, "unknown word");
            }
        }
        return i + word.length();
    }

    private int number(int start) {
        int i = start;
        if (byteAt(i) == '-') {
            i++;
        }
        i = byteAt(i) == '0' ? i + 1 : digits(i, start);
        if (reaches(i) && in[i - base] == '.') {
            i = digits(i + 1, start);
        }
        if (reaches(i) && (in[i - base] | 0x20) == 'e') {
            i++;
            if (byteAt(i) == '+' || byteAt(i) == '-') {
                i++;
            }
            i = digits(i, start);
        }
        if (strict && i - start > EnvelopeReader.MAX_NUMBER_LENGTH) {
            throw Malformed.at(start, "a number is longer than " + EnvelopeReader.MAX_NUMBER_LENGTH + " characters");
        }
        return i;
    }

    private int digits(int from, int start) {
        int i = from;
        while (reaches(i) && in[i - base] >= '0' && in[i - base] <= '9') {
            i++;
        }
        if (i == from) {
            throw Malformed.at(start, "no JSON value");
        }
        return i;
    }

    private int array(int start, int depth) {
        enter(start, depth);
        int i = skipSpace(start + 1);
        if (byteAt(i) == ']') {
            return i + 1;
        }
        while (true) {
            i = skipSpace(value(i, depth));
            if (byteAt(i) == ']') {
                return i + 1;
            }
            i = skipSpace(expect(i, ',', "a ',' or ']' is missing"));
        }
    }

    private void enter(int i, int depth) {
        if (depth > maxDepth) {
            throw Malformed.at(i, "nesting is deeper than " + maxDepth);
        }
    }

    private int object(int start, int depth, Names<Member> names) {
        enter(start, depth);
        int firstKey = keyCount;
        boolean matters = strict || names != NOTHING;
        int i = skipSpace(start + 1);
        if (byteAt(i) == '}') {
            return i + 1;
        }
        while (true) {
            int keyStart = expect(i, '"', "a key is missing");
            int keyEnd = matters ? keyEnd(keyStart) : stringEnd(keyStart);
            Member member = matters ? key(keyStart, keyEnd, names, firstKey) : null;
            i = skipSpace(expect(skipSpace(keyEnd + 1), ':', "a ':' is missing"));
            i = member == null ? value(i, depth) : remembered(i, depth, member);
            i = skipSpace(i);
            if (byteAt(i) == '}') {
                break;
            }
            i = skipSpace(expect(i, ',', "a ',' or '}' is missing"));
        }
        if (keyCount - firstKey > FEW_KEYS) {
            findDuplicate(firstKey, start);
        }
        keyCount = firstKey;
        return i + 1;
    }

    /** Looks a key up and, when strict, compares it with the keys of its object before it. */
    private <T> @Nullable T key(int keyStart, int keyEnd, Names<T> names, int firstKey) {
        byte[] from = in;
        int wordStart = keyStart - base;
        int wordEnd = keyEnd - base;
        long hash = keyHash;
        if (escaped) {
            if (strict && (loneSurrogate || nul)) {
                throw Malformed.at(keyStart, "a key has a lone surrogate or a NUL");
            }
            wordEnd = decode(keyStart, keyEnd);
            wordStart = 0;
            from = decoded;
            hash = KeyHash.of(decoded, 0, wordEnd);
        }
        if (strict) {
            distinct(hash, firstKey, keyStart);
        }
        T member = names.find(hash, from, wordStart, wordEnd);
        if (member == null && names == MESSAGE && unknownAt == 0) {
            unknownAt = keyStart;
        }
        return member;
    }

    private void distinct(long hash, int firstKey, int keyStart) {
        int count = keyCount;
        if (count - firstKey < FEW_KEYS) {
            for (int k = firstKey; k < count; k++) {
                if (keys[k] == hash) {
                    throw Malformed.duplicateKey(keyStart - 1);
                }
            }
        }
        if (count == keys.length) {
            keys = Arrays.copyOf(keys, count * 2);
        }
        keys[count] = hash;
        keyCount = count + 1;
    }

    private void findDuplicate(int firstKey, int start) {
        Arrays.sort(keys, firstKey, keyCount);
        for (int k = firstKey + 1; k < keyCount; k++) {
            if (keys[k] == keys[k - 1]) {
                throw Malformed.duplicateKey(start);
            }
        }
    }

    private int remembered(int start, int depth, Member member) {
        if (places.has(member)) {
            forget(member);
        }
        int valueEnd;
        byte first = byteAt(start);
        if (first == '{' && member == Member.PARAMS) {
            valueEnd = object(start, depth + 1, PARAMS);
        } else if (first == '{' && member == Member.META) {
            valueEnd = object(start, depth + 1, META);
        } else if (first == '{' && member == Member.RESULT) {
            valueEnd = object(start, depth + 1, RESULT);
        } else {
            valueEnd = value(start, depth);
            if (strict && first == '"' && loneSurrogate) {
                throw Malformed.at(start, "a string has a lone surrogate");
            }
        }
        places.put(member, start, valueEnd);
        return valueEnd;
    }

    /** Lenient text may have a member twice; the last one counts, and nothing of the first may shine through. */
    private void forget(Member member) {
        if (member == Member.ID) {
            idRepeated = true;
        } else if (member == Member.PARAMS) {
            places.dropFrom(Member.NAME);
        } else if (member == Member.META) {
            places.dropFrom(Member.META_PROTOCOL_VERSION);
        } else if (member == Member.RESULT) {
            places.drop(Member.RESULT_TYPE);
        }
    }

    /**
     * The same as {@link #stringEnd}, and notes the hash of what is between the quotes. Most keys are short and plain:
     * they are skipped and hashed in one pass (EnvelopeBenchmark.scan, 300 B: 397 before, 360 ns after).
     */
    private int keyEnd(int from) {
        byte[] text = in;
        int last = end - base - 8;
        long hash = KeyHash.EMPTY;
        for (int i = from - base; i <= last; i += 8) {
            long word = (long) LONG.get(text, i);
            long stops = stops(word);
            if (stops != 0) {
                int length = Long.numberOfTrailingZeros(stops) >>> 3;
                if (text[i + length] != '"') {
                    break;
                }
                escaped = false;
                keyHash = length == 0 ? hash : KeyHash.add(hash, word & (-1L >>> (64 - 8 * length)));
                return i + length + base;
            }
            hash = KeyHash.add(hash, word);
        }
        kept = from;
        int keyEnd = stringEnd(from);
        kept = -1;
        keyHash = KeyHash.of(in, from - base, keyEnd - base);
        return keyEnd;
    }

    /** The place of the closing quote of the string whose first byte after the opening quote is at {@code from}. */
    private int stringEnd(int from) {
        int i = from;
        escaped = false;
        loneSurrogate = false;
        nul = false;
        while (true) {
            i = plainEnd(in, i - base, end - base) + base;
            if (i >= end && all != null && kept < 0) {
                i = all.plainEnd(i);
            }
            byte b = byteAt(i);
            if (b == '"') {
                return i;
            } else if (b < 0) {
                do {
                    i = characterEnd(i);
                } while (i < end && in[i - base] < 0);
            } else if (b == '\\') {
                i = escapeEnd(i);
            } else if (b < ' ') {
                throw Malformed.at(i, "a string has a control character");
            } else {
                i++;
            }
        }
    }

    /**
     * Where the first byte stands at which a string cannot be skipped, or one of the last seven. A loop that counts to a
     * bound known before spares the compiler a check for each word, which halves its time.
     */
    private static int plainEnd(byte[] text, int from, int limit) {
        int last = limit - 8;
        int i = from;
        for (; i <= last; i += 8) {
            long stops = stops((long) LONG.get(text, i));
            if (stops != 0) {
                return i + (Long.numberOfTrailingZeros(stops) >>> 3);
            }
        }
        return i;
    }

    /**
     * Sets the high bit of the first byte of the word, seen from its low end, at which a string cannot be skipped. With
     * its second bit turned, a quote is 0x20 and stands right above the control characters, so that one subtraction finds
     * both (100 KB of plain text in 9.7 µs; 11.5 with one for each).
     */
    static long stops(long word) {
        long quotesAndControls = word ^ 0x0202020202020202L;
        long backslashes = word ^ 0x5C5C5C5C5C5C5C5CL;
        return ((quotesAndControls - 0x2121212121212121L) | (backslashes - ONES) | word) & HIGHS;
    }

    /** What a buffer holds, little-endian, each byte at its own place. To be used at once. */
    static ByteBuffer view(ByteBuf chunk) {
        return chunk.nioBuffer(0, chunk.writerIndex()).order(ByteOrder.LITTLE_ENDIAN);
    }

    private int escapeEnd(int i) {
        escaped = true;
        return switch (byteAt(i + 1)) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> i + 2;
            case 'u' -> unicodeEscapeEnd(i);
            default -> throw Malformed.at(i, "unknown escape");
        };
    }

    private int unicodeEscapeEnd(int i) {
        int unit = hex(i + 2);
        if (unit == 0) {
            nul = true;
        }
        if (unit >= 0xD800 && unit < 0xDC00) {
            if (reaches(i + 7) && in[i + 6 - base] == '\\' && in[i + 7 - base] == 'u') {
                int low = hex(i + 8);
                if (low >= 0xDC00 && low < 0xE000) {
                    return i + 12;
                }
            }
            loneSurrogate = true;
        } else if (unit >= 0xDC00 && unit < 0xE000) {
            loneSurrogate = true;
        }
        return i + 6;
    }

    private int hex(int i) {
        int unit = 0;
        for (int k = i; k < i + 4; k++) {
            int digit = Character.digit((char) (byteAt(k) & 0xFF), 16);
            if (digit < 0) {
                throw Malformed.at(i, "an escape needs four hexadecimal digits");
            }
            unit = (unit << 4) | digit;
        }
        return unit;
    }

    /** Checks one character of two to four bytes (Unicode, table 3-7, <em>Well-Formed UTF-8 Byte Sequences</em>). */
    private int characterEnd(int i) {
        int first = in[i - base] & 0xFF;
        if (first < 0xC2 || first > 0xF4) {
            throw invalidUtf8(i);
        }
        if (first < 0xE0) {
            return continuation(i, i + 1, 0x80, 0xBF);
        }
        if (first < 0xF0) {
            int third = continuation(i, i + 1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
            return continuation(i, third, 0x80, 0xBF);
        }
        int third = continuation(i, i + 1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
        return continuation(i, continuation(i, third, 0x80, 0xBF), 0x80, 0xBF);
    }

    private int continuation(int start, int i, int low, int high) {
        if (!reaches(i) || (in[i - base] & 0xFF) < low || (in[i - base] & 0xFF) > high) {
            throw invalidUtf8(start);
        }
        return i + 1;
    }

    private static Malformed invalidUtf8(int i) {
        return Malformed.at(i, "invalid UTF-8");
    }

    /** Writes the decoded key into {@link #decoded} and returns its length. The key has been checked. */
    private int decode(int keyStart, int keyEnd) {
        if (decoded.length < keyEnd - keyStart) {
            decoded = new byte[keyEnd - keyStart];
        }
        int out = 0;
        int i = keyStart;
        while (i < keyEnd) {
            if (in[i - base] != '\\') {
                decoded[out++] = in[i++ - base];
            } else if (in[i + 1 - base] != 'u') {
                decoded[out++] = (byte) unescaped(in[i + 1 - base]);
                i += 2;
            } else {
                int unit = hex(i + 2);
                i += 6;
                int low = Character.isHighSurrogate((char) unit)
                                && i < keyEnd
                                && in[i - base] == '\\'
                                && in[i + 1 - base] == 'u'
                        ? hex(i + 2)
                        : 0;
                if (Character.isLowSurrogate((char) low)) {
                    i += 6;
                    out = encode(Character.toCodePoint((char) unit, (char) low), out);
                } else {
                    out = encode(unit, out);
                }
            }
        }
        return out;
    }

    /** UTF-8, and the same scheme for a lone surrogate: such a key is only compared, never written. */
    private int encode(int codePoint, int at) {
        int out = at;
        if (codePoint < 0x80) {
            decoded[out++] = (byte) codePoint;
        } else if (codePoint < 0x800) {
            decoded[out++] = (byte) (0xC0 | (codePoint >> 6));
            decoded[out++] = (byte) (0x80 | (codePoint & 0x3F));
        } else if (codePoint < 0x10000) {
            decoded[out++] = (byte) (0xE0 | (codePoint >> 12));
            decoded[out++] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
            decoded[out++] = (byte) (0x80 | (codePoint & 0x3F));
        } else {
            decoded[out++] = (byte) (0xF0 | (codePoint >> 18));
            decoded[out++] = (byte) (0x80 | ((codePoint >> 12) & 0x3F));
            decoded[out++] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
            decoded[out++] = (byte) (0x80 | (codePoint & 0x3F));
        }
        return out;
    }

    private static char unescaped(byte letter) {
        return switch (letter) {
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            default -> (char) letter;
        };
    }

    /** The text of the well-formed string literal {@code in[start..end)}, whose quotes are included in the range. */
    static String text(byte[] in, int start, int end) {
        int i = start + 1;
        int from = i;
        StringBuilder text = null;
        while (i < end - 1) {
            if (in[i] != '\\') {
                i++;
                continue;
            }
            if (text == null) {
                text = new StringBuilder(end - start);
            }
            text.append(new String(in, from, i - from, StandardCharsets.UTF_8));
            if (in[i + 1] == 'u') {
                text.append((char) Integer.parseInt(new String(in, i + 2, 4, StandardCharsets.ISO_8859_1), 16));
                i += 6;
            } else {
                text.append(unescaped(in[i + 1]));
                i += 2;
            }
            from = i;
        }
        String rest = new String(in, from, end - 1 - from, StandardCharsets.UTF_8);
        return text == null ? rest : text.append(rest).toString();
    }

    /** The members of a well-formed object, in order; of equal keys the last counts. */
    static Map<String, Span> members(byte[] in, Span object) {
        Map<String, Span> members = new LinkedHashMap<>();
        try (JsonScanner scanner = of(in, false, MessageReader.MAX_DEPTH)) {
            int i = scanner.skipSpace(object.start() + 1);
            while (in[i] == '"') {
                int keyEnd = scanner.stringEnd(i + 1) + 1;
                int valueStart = scanner.skipSpace(scanner.skipSpace(keyEnd) + 1);
                int valueEnd = scanner.value(valueStart, 1);
                members.put(text(in, i, keyEnd), new Span(valueStart, valueEnd));
                i = scanner.skipSpace(valueEnd);
                if (in[i] == ',') {
                    i = scanner.skipSpace(i + 1);
                }
            }
        }
        return members;
    }

    /** A key as it is looked for. Nearly all are constants of this program; of others there is no end. */
    private static Names<String> sought(String key) {
        Names<String> known = SOUGHT.get(key);
        if (known != null) {
            return known;
        }
        Names<String> names = new Names<>(Map.of(key, key));
        if (SOUGHT.size() < MOST_SOUGHT) {
            SOUGHT.put(key, names);
        }
        return names;
    }

    /** The place of one member of a well-formed object, or {@link Span#NONE}; of equal keys the last counts. */
    static Span member(byte[] in, Span object, String key) {
        if (in[object.start() + 1] == '}') {
            return Span.NONE;
        }
        Names<String> wanted = sought(key);
        try (JsonScanner scanner = of(in, false, MessageReader.MAX_DEPTH)) {
            return scanner.member(object, wanted);
        }
    }

    /** The same in segments. */
    static Span member(Segments all, Span object, String key) {
        Names<String> wanted = sought(key);
        try (JsonScanner scanner = of(all, false, MessageReader.MAX_DEPTH)) {
            return scanner.member(object, wanted);
        }
    }

    private Span member(Span object, Names<String> wanted) {
        Span found = Span.NONE;
        int i = skipSpace(object.start() + 1);
        while (byteAt(i) == '"') {
            int keyEnd = keyEnd(i + 1);
            boolean matches = key(i + 1, keyEnd, wanted, 0) != null;
            int valueStart = skipSpace(skipSpace(keyEnd + 1) + 1);
            int valueEnd = value(valueStart, 1);
            if (matches) {
                found = new Span(valueStart, valueEnd);
            }
            i = skipSpace(valueEnd);
            if (byteAt(i) == ',') {
                i = skipSpace(i + 1);
            }
        }
        return found;
    }

    /** The places of the elements of a well-formed array, in order. */
    static List<Span> elements(byte[] in, Span array) {
        List<Span> elements = new ArrayList<>();
        try (JsonScanner scanner = of(in, false, MessageReader.MAX_DEPTH)) {
            int i = scanner.skipSpace(array.start() + 1);
            while (in[i] != ']') {
                int elementEnd = scanner.value(i, 1);
                elements.add(new Span(i, elementEnd));
                i = scanner.skipSpace(elementEnd);
                if (in[i] == ',') {
                    i = scanner.skipSpace(i + 1);
                }
            }
        }
        return elements;
    }

    private static Names<Member> names(Member.Parent parent) {
        Map<String, Member> members = new LinkedHashMap<>();
        for (Member member : Member.values()) {
            if (member.parent() == parent) {
                members.put(member.key(), member);
            }
        }
        return new Names<>(members);
    }
}
