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

    Key of(@Nullable Whose other) {
        return new Key(shelf, era, tool, name, fixed, said, other);
    }

    /** The parts of a request that an answer depends on, besides its target: its arguments, and what its client can do. */
    static byte[] said(Envelope request) {
        Span arguments = request.arguments();
        Span capabilities = request.metaClientCapabilities();
        byte[] said = new byte[length(arguments) + 1 + length(capabilities)];
        copy(request, arguments, said, 0);
        copy(request, capabilities, said, length(arguments) + 1);
        return said;
    }

    private static int length(Span span) {
        return span.isPresent() ? span.length() : 0;
    }

    private static void copy(Envelope request, Span span, byte[] to, int at) {
        if (span.isPresent()) {
            System.arraycopy(request.body(), span.start(), to, at, span.length());
        }
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
