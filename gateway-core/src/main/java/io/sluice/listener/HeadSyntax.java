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
    @Nullable Rejection check(ByteBuf in) {
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
        switch (at) {
            case START:
                if (b == '\r' && read == 1) {
                    // RFC 9112 §2.2: one empty line before a request is to be forgiven
                    at = At.START_LF;
                    return null;
                }
                at = At.METHOD;
                return is(b, TOKEN) ? null : bad("the request line does not begin with a method");
            case START_LF:
                at = At.START;
                return b == '\n' ? null : bad("bare CR");
            case METHOD:
                if (b == ' ') {
                    at = At.TARGET_START;
                    return null;
                }
                return is(b, TOKEN) ? null : bad("the method is not a token");
            case TARGET_START:
                at = At.TARGET;
                return b == '/' ? null : bad("the request target must be a path");
            case TARGET:
                if (b == ' ') {
                    at = At.VERSION;
                    length = 0;
                    return null;
                }
                if (read > limits.maxLineBytes()) {
                    return tooLong();
                }
                return is(b, TARGET) ? null : bad("the request target has a character that must be percent-encoded");
            case VERSION:
                return version(b);
            case LINE_LF:
                at = At.HEADER_START;
                return b == '\n' ? null : bad("bare CR in the request line");
            case HEADER_START:
                if (b == '\r') {
                    at = At.END_LF;
                    return null;
                }
                if (b == ' ' || b == '\t') {
                    return bad("folded header line");
                }
                at = At.NAME;
                if (++headers > limits.maxHeaders()) {
                    return BadHttp.malformed(431, "More than " + limits.maxHeaders() + " header lines");
                }
                return is(b, TOKEN) ? null : bad("a header name is not a token");
            case NAME:
                if (b == ':') {
                    at = At.VALUE;
                    length = 0;
                    return null;
                }
                return is(b, TOKEN) ? null : bad("a header name is not a token");
            case VALUE:
                if (b == '\r') {
                    at = At.VALUE_LF;
                    return null;
                }
                if (++length > limits.maxHeaderBytes()) {
                    return BadHttp.malformed(431, "A header value exceeds " + limits.maxHeaderBytes() + " bytes");
                }
                return is(b, VALUE) ? null : bad("control character in a header value");
            case VALUE_LF:
                at = At.HEADER_START;
                return b == '\n' ? null : bad("bare CR in a header");
            default: // END_LF
                at = At.DONE;
                return b == '\n' ? null : bad("bare CR after the headers");
        }
    }

    /** {@code HTTP/1.0} or {@code HTTP/1.1} and nothing else, RFC 9112 §2.3; the name is case-sensitive. */
    private @Nullable Rejection version(byte b) {
        int i = length++;
        boolean digit = b >= '0' && b <= '9';
        if (i < HTTP.length) {
            return b == HTTP[i] ? null : bad("the request line does not end with an HTTP version");
        }
        switch (i) {
            case 5:
                served = b == '1';
                return digit ? null : bad("malformed HTTP version");
            case 6:
                return b == '.' ? null : bad("malformed HTTP version");
            case 7:
                served &= b == '0' || b == '1';
                return digit ? null : bad("malformed HTTP version");
            default:
                at = At.LINE_LF;
                if (b != '\r') {
                    return bad("malformed HTTP version");
                }
                return served ? null : BadHttp.malformed(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here");
        }
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
