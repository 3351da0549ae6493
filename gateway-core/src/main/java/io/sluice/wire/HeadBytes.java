package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.AsciiString;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;

/**
 * Puts the head of a message together in an array that the thread keeps, and moves it into a buffer at once: a direct
 * buffer takes several nanoseconds for each byte that is written by itself. What is not ISO-8859-1 becomes a question
 * mark, as everywhere in Netty.
 */
public final class HeadBytes {
    private static final int USUAL = 1024;
    private static final int KEPT = 64 * 1024;
    private static final FastThreadLocal<HeadBytes> OWN = new FastThreadLocal<>() {
        @Override
        protected HeadBytes initialValue() {
            return new HeadBytes();
        }
    };

    private byte[] bytes = new byte[USUAL];
    private int length;

    private HeadBytes() {}

    /** This thread's, empty. Not to be kept: the next call hands out the same one. */
    public static HeadBytes begin() {
        HeadBytes own = OWN.get();
        own.length = 0;
        return own;
    }

    private int room(int more) {
        int at = length;
        length = at + more;
        if (length > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length, 2 * bytes.length));
        }
        return at;
    }

    public HeadBytes bytes(byte[] text) {
        int at = room(text.length);
        System.arraycopy(text, 0, bytes, at, text.length);
        return this;
    }

    public HeadBytes text(CharSequence text) {
        int count = text.length();
        int at = room(count);
        if (text instanceof AsciiString ascii) {
            System.arraycopy(ascii.array(), ascii.arrayOffset(), bytes, at, count);
        } else if (text instanceof String string) {
            copy(string, bytes, at);
        } else {
            copy(text.toString(), bytes, at);
        }
        return this;
    }

    private static void copy(String text, byte[] to, int at) {
        for (int i = 0; i < text.length(); i++) {
            to[at + i] = AsciiString.c2b(text.charAt(i));
        }
    }

    /** In decimal digits; not negative. */
    public HeadBytes number(int number) {
        int digits = 1;
        for (int left = number / 10; left > 0; left /= 10) {
            digits++;
        }
        int at = room(digits) + digits;
        for (int left = number; digits > 0; digits--) {
            bytes[--at] = (byte) ('0' + left % 10);
            left /= 10;
        }
        return this;
    }

    /** One header with the end of its line. */
    public HeadBytes line(CharSequence name, CharSequence value) {
        text(name);
        int at = room(2);
        bytes[at] = ':';
        bytes[at + 1] = ' ';
        return text(value).lineEnd();
    }

    public HeadBytes lineEnd() {
        int at = room(2);
        bytes[at] = '\r';
        bytes[at + 1] = '\n';
        return this;
    }

    /**
     * A direct buffer that begins with it, to be released by the caller.
     *
     * @param more bytes for which there is to be room behind it
     */
    public ByteBuf toBuffer(ByteBufAllocator allocator, int more) {
        ByteBuf buffer = allocator.directBuffer(length + more).writeBytes(bytes, 0, length);
        if (bytes.length > KEPT) {
            bytes = new byte[USUAL];
        }
        return buffer;
    }
}
