package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BadHttp;
import org.jspecify.annotations.Nullable;

/**
 * Checks the bytes of a request's head against the grammar of RFC 9112, before a decoder that forgives sees them. What
 * two parsers on the way could read differently does not pass: whitespace other than one space in the request line, bare
 * CR or LF, folded lines, names that are no tokens. An automaton over single bytes, so that a head that trickles in is
 * looked at once.
 */
final class HeadSyntax {
    private static final byte[] HTTP = {'H', 'T', 'T', 'P', '/'};

    /** Bits of {@link #CLASSES}. */
    private static final int TOKEN = 1;

    private static final int TARGET = 2;
    private static final int VALUE = 4;

    private static final byte[] CLASSES = classes();

    private enum At {
        START,
        START_LF,
        METHOD,
        TARGET_START,
        TARGET,
        VERSION,
        LINE_LF,
        HEADER_START,
        NAME,
        VALUE,
        VALUE_LF,
        END_LF,
        DONE
    }

    private final Limits limits;
    private At at = At.START;
    private int read;
    private int length;
    private int headers;
    private boolean served;

    HeadSyntax(Limits limits) {
        this.limits = limits;
    }

    /** Whether this is a token without an underscore. */
    static boolean isToken(@Nullable CharSequence text) {
        return consistsOf(text, TOKEN);
    }

    /** Whether nothing in this must be percent-encoded to stand in a request line. */
    static boolean isTarget(@Nullable CharSequence text) {
        return consistsOf(text, TARGET);
    }

    private static boolean consistsOf(@Nullable CharSequence text, int kind) {
        if (text == null || text.length() == 0) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c > 0xff || !is((byte) c, kind)) {
                return false;
            }
        }
        return true;
    }

    /** Whether nothing was read yet. */
    boolean isUntouched() {
        return read == 0;
    }

    /** Whether the head is complete and well-formed. */
    boolean done() {
        return at == At.DONE;
    }

    /** Forgets everything: the next byte begins another request. */
    void reset() {
        at = At.START;
        read = 0;
        length = 0;
        headers = 0;
        served = false;
    }

    /**
     * Reads on, as far as the end of the head or of the buffer, and moves no index. The readable bytes begin with those
     * of the calls before, since the last {@link #reset}.
     *
     * @return why the request is refused, or null while nothing speaks against it
     */
    @Nullable
    Rejection check(ByteBuf in) {
        int start = in.readerIndex();
        int end = in.writerIndex();
        for (int i = start + read; i < end && at != At.DONE; i++) {
            if (++read > limits.maxHeadBytes()) {
                return tooLong();
            }
            Rejection refused = step(in.getByte(i));
            if (refused != null) {
                return refused;
            }
        }
        return null;
    }

    private @Nullable Rejection step(byte b) {
        return switch (at) {
            case START -> start(b);
            case START_LF -> expect('\n', b, At.START);
            case METHOD -> b == ' ' ? next(At.TARGET_START) : is(b, TOKEN) ? null : bad("the method is not a token");
            case TARGET_START -> b == '/' ? next(At.TARGET) : bad("the request target must be a path");
            case TARGET -> target(b);
            case VERSION -> version(b);
            case LINE_LF -> expect('\n', b, At.HEADER_START);
            case HEADER_START -> header(b);
            case NAME -> b == ':' ? next(At.VALUE) : is(b, TOKEN) ? null : bad("a header name is not a token");
            case VALUE -> value(b);
            case VALUE_LF -> expect('\n', b, At.HEADER_START);
            case END_LF -> expect('\n', b, At.DONE);
            case DONE -> null;
        };
    }

    private @Nullable Rejection next(At next) {
        at = next;
        length = 0;
        return null;
    }

    private @Nullable Rejection expect(char expected, byte b, At next) {
        return b == expected ? next(next) : bad("bare CR");
    }

    private @Nullable Rejection start(byte b) {
        if (b == '\r' && read == 1) {
            // RFC 9112 §2.2: one empty line before a request is to be forgiven
            return next(At.START_LF);
        }
        return is(b, TOKEN) ? next(At.METHOD) : bad("the request line does not begin with a method");
    }

    private @Nullable Rejection target(byte b) {
        if (b == ' ') {
            return next(At.VERSION);
        }
        if (read > limits.maxLineBytes()) {
            return tooLong();
        }
        return is(b, TARGET) ? null : bad("the request target has a character that must be percent-encoded");
    }

    private @Nullable Rejection header(byte b) {
        if (b == '\r') {
            return next(At.END_LF);
        }
        if (b == ' ' || b == '\t') {
            return bad("folded header line");
        }
        if (++headers > limits.maxHeaders()) {
            return BadHttp.malformed(431, "More than " + limits.maxHeaders() + " header lines");
        }
        return is(b, TOKEN) ? next(At.NAME) : bad("a header name is not a token");
    }

    private @Nullable Rejection value(byte b) {
        if (b == '\r') {
            return next(At.VALUE_LF);
        }
        if (++length > limits.maxHeaderBytes()) {
            return BadHttp.malformed(431, "A header value exceeds " + limits.maxHeaderBytes() + " bytes");
        }
        return is(b, VALUE) ? null : bad("control character in a header value");
    }

    /** {@code HTTP/1.0} or {@code HTTP/1.1} and nothing else, RFC 9112 §2.3; the name is case-sensitive. */
    private @Nullable Rejection version(byte b) {
        int i = length++;
        if (i < HTTP.length) {
            return b == HTTP[i] ? null : bad("the request line does not end with an HTTP version");
        }
        boolean digit = b >= '0' && b <= '9';
        boolean grammatical = switch (i) {
            case 5, 7 -> digit;
            case 6 -> b == '.';
            default -> b == '\r';
        };
        if (!grammatical) {
            return bad("malformed HTTP version");
        }
        if (i == 5) {
            served = b == '1';
        } else if (i == 7) {
            served &= b == '0' || b == '1';
        } else if (i == 8) {
            return served ? next(At.LINE_LF) : BadHttp.malformed(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here");
        }
        return null;
    }

    private Rejection tooLong() {
        return at.compareTo(At.VERSION) <= 0
                ? BadHttp.malformed(414, "The request line exceeds " + limits.maxLineBytes() + " bytes")
                : BadHttp.malformed(431, "The request's head exceeds " + limits.maxHeadBytes() + " bytes");
    }

    private static Rejection bad(String what) {
        return BadHttp.badRequest("Malformed request: " + what);
    }

    private static boolean is(byte b, int kind) {
        return (CLASSES[b & 0xff] & kind) != 0;
    }

    private static byte[] classes() {
        byte[] classes = new byte[256];
        for (int c = 0x21; c < 0x7f; c++) {
            classes[c] = TARGET | VALUE;
        }
        // never valid in a URI, RFC 3986 §2, and the fragment never leaves the client
        for (char c : "\"#<>\\^`{|}".toCharArray()) {
            classes[c] = VALUE;
        }
        classes[' '] = VALUE;
        classes['\t'] = VALUE;
        for (int c = 0x80; c < 0x100; c++) {
            classes[c] = VALUE; // obs-text
        }
        // RFC 9110 §5.6.2, without '_': CGI and its heirs cannot tell it from '-'
        for (char c = '0'; c <= 'z'; c++) {
            if (Character.isLetterOrDigit(c)) {
                classes[c] |= TOKEN;
            }
        }
        for (char c : "!#$%&'*+-.^`|~".toCharArray()) {
            classes[c] |= TOKEN;
        }
        return classes;
    }
}
