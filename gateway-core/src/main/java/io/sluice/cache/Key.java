package io.sluice.cache;

import io.sluice.auth.Caller;
import io.sluice.catalog.FixedArguments;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * What makes two requests the same: the backend, the method, the target, the bytes of what is said to it, and whom the
 * answer is for. Compared byte for byte, so that no two requests can be made to look alike; the hash begins with a random
 * number, so that many keys cannot be made to fall together either.
 */
final class Key {
    private static final int SEED = ThreadLocalRandom.current().nextInt();

    /** Of the map's entry, the key and what is kept, beside the bytes of the two. */
    static final int OVERHEAD_BYTES = 256;

    private final Shelf shelf;
    private final Era era;
    private final boolean tool;
    private final String name;
    private final FixedArguments fixed;
    private final byte[] said;
    private final @Nullable Whose whose;
    private final int hash;

    /**
     * Whom a private answer is for.
     *
     * @param variant what else of its client it may depend on, or null
     */
    record Whose(Caller caller, @Nullable String variant) {}

    /** @param whose null for an answer that is good for all */
    Key(Shelf shelf, Era era, boolean tool, String name, FixedArguments fixed, byte[] said, @Nullable Whose whose) {
        this.shelf = shelf;
        this.era = era;
        this.tool = tool;
        this.name = name;
        this.fixed = fixed;
        this.said = said;
        this.whose = whose;
        int mixed = SEED ^ System.identityHashCode(shelf);
        mixed = 31 * mixed + name.hashCode();
        mixed = 31 * mixed + (whose == null ? 0 : whose.hashCode());
        for (byte b : said) {
            mixed = (mixed ^ (b & 0xFF)) * 0x01000193;
        }
        this.hash = mixed ^ mixed >>> 15;
    }

    Era era() {
        return era;
    }

    Key of(@Nullable Whose other) {
        return new Key(shelf, era, tool, name, fixed, said, other);
    }

    /** What of a request its answer depends on: its params but for {@code _meta}, and of that what its client can do. */
    static byte[] said(Envelope request) {
        Span params = request.params();
        Span meta = request.meta();
        Span capabilities = request.metaClientCapabilities();
        int cut = meta.isPresent() ? meta.start() : params.end();
        int on = meta.isPresent() ? meta.end() : params.end();
        byte[] said = new byte[length(request)];
        int at = copy(request, params.start(), cut, said, 0);
        at = copy(request, on, params.end(), said, at);
        copy(request, capabilities.start(), capabilities.end(), said, at);
        return said;
    }

    /** How many bytes {@link #said} would have. */
    static int length(Envelope request) {
        return length(request.params()) - length(request.meta()) + length(request.metaClientCapabilities());
    }

    private static int length(Span span) {
        return span.isPresent() ? span.length() : 0;
    }

    private static int copy(Envelope request, int from, int end, byte[] to, int at) {
        if (end > from) {
            System.arraycopy(request.body(), from, to, at, end - from);
        }
        return at + Math.max(0, end - from);
    }

    Shelf shelf() {
        return shelf;
    }

    boolean tool() {
        return tool;
    }

    String name() {
        return name;
    }

    @Nullable
    Whose whose() {
        return whose;
    }

    int bytes() {
        return OVERHEAD_BYTES + said.length;
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Key other
                && hash == other.hash
                && shelf == other.shelf
                && era == other.era
                && tool == other.tool
                && name.equals(other.name)
                && Arrays.equals(said, other.said)
                && (whose == null ? other.whose == null : whose.equals(other.whose))
                && fixed.equals(other.fixed);
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
