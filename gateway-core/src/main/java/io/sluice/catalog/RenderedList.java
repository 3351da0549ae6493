package io.sluice.catalog;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.protocol.Era;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a list method: the whole {@code result} object as bytes, but for the time for which it is still good.
 * They are put together when the list is first asked for, and then kept for as long as the list stays the same: most
 * catalogs are replaced before anybody asks for most of their lists. Safe for use by many threads.
 */
public final class RenderedList {
    /** From this size on it is cheaper to write parts than to copy: below, head and body are one buffer anyway. */
    private static final int SHARED_BYTES = 16 * 1024;

    private final byte[] head;
    private final List<Offer.Line> lines;
    private final byte[] tail;
    private final Era era;
    private final Function<byte[], Dated> dating;
    private volatile @Nullable Dated result;
    private volatile @Nullable ByteBuffer shared;

    /**
     * @param era of the clients that it is for
     * @param dating says of the whole where its life stands in it
     */
    RenderedList(JsonBytes head, List<Offer.Line> lines, JsonBytes tail, Era era, Function<byte[], Dated> dating) {
        this.head = head.toBytes();
        this.lines = lines;
        this.tail = tail.toBytes();
        this.era = era;
        this.dating = dating;
    }

    /** The bytes themselves, not a copy, as good as they ever were; never to be written to. */
    public byte[] bytes() {
        return result().bytes();
    }

    /** The result with the life that it has left now, between what is given, in a new array. */
    public byte[] between(byte[] before, byte[] after) {
        return result().between(before, after);
    }

    /**
     * As {@link #between}, for the wire. A list of some size is not copied: all who are answered with it share one copy
     * in direct memory, which is made when it is first asked for in this way. No count is kept of them: the memory goes
     * with the list and the last answer, when they are collected.
     *
     * @return to be released by the caller
     */
    public ByteBuf bufferBetween(byte[] before, byte[] after) {
        Dated rendered = result();
        ByteBuffer whole = rendered.bytes().length < SHARED_BYTES ? null : shared(rendered);
        return whole == null
                ? Unpooled.wrappedBuffer(rendered.between(before, after))
                : rendered.around(whole, before, after);
    }

    /** Null when there is no direct memory for it at the moment; then each answer has a copy on the heap. */
    private @Nullable ByteBuffer shared(Dated rendered) {
        ByteBuffer known = shared;
        if (known == null) {
            synchronized (this) {
                known = shared;
                if (known == null) {
                    byte[] whole = rendered.bytes();
                    try {
                        known = ByteBuffer.allocateDirect(whole.length)
                                .put(whole)
                                .asReadOnlyBuffer();
                    } catch (OutOfMemoryError full) {
                        return null;
                    }
                    shared = known;
                }
            }
        }
        return known;
    }

    private Dated result() {
        Dated rendered = result;
        return rendered == null ? render() : rendered;
    }

    /** Once: who comes while another does it has use for the same bytes. */
    private synchronized Dated render() {
        Dated rendered = result;
        if (rendered == null) {
            int size = head.length + tail.length + Math.max(0, lines.size() - 1);
            for (Offer.Line line : lines) {
                size += line.size(era);
            }
            JsonBytes out = JsonBytes.sized(size).raw(head);
            boolean following = false;
            for (Offer.Line line : lines) {
                out.ascii(following ? "," : "");
                following = true;
                line.write(out, era);
            }
            rendered = dating.apply(out.raw(tail).toBytes());
            result = rendered;
        }
        return rendered;
    }

    /** How many definitions the list holds. */
    public int size() {
        return lines.size();
    }

    List<Offer.Line> lines() {
        return lines;
    }

    /** Whether anybody has asked for it. */
    boolean isRendered() {
        return result != null;
    }

    /** Whether the definitions are the same, whatever is said around them. */
    @SuppressWarnings("ReferenceEquality") // the same lines look the same; others are compared
    boolean sameEntries(RenderedList other) {
        if (lines == other.lines && era == other.era) {
            return true;
        }
        if (lines.size() != other.lines.size() || era != other.era) {
            return false;
        }
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).looksLike(other.lines.get(i), era)) {
                return false;
            }
        }
        return true;
    }

    boolean sameBytes(RenderedList other) {
        return this == other
                || Arrays.equals(head, other.head) && Arrays.equals(tail, other.tail) && sameEntries(other);
    }
}
