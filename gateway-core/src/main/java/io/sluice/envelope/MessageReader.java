package io.sluice.envelope;

import java.util.Optional;

/**
 * Reads what backends send, leniently: it must be JSON in UTF-8, but whatever else can be understood is. Keys may stand
 * twice (the last counts, as in most parsers), members that JSON-RPC does not know are ignored, {@code jsonrpc} may be
 * missing or wrong, the id may be of any type, and {@code null} counts as absent for {@code method}, {@code params} and
 * {@code error}, and for {@code result} next to an error.
 */
public final class MessageReader {
    /** How deeply objects and arrays may nest, the message itself counted. Results nest more deeply than calls. */
    public static final int MAX_DEPTH = 512;

    private MessageReader() {}

    /**
     * Reads one message; empty if it is not JSON, not an object, or neither call nor response.
     *
     * @param body not to be written to afterwards; the envelope keeps it
     */
    public static Optional<Envelope> read(byte[] body) {
        int[] places = new int[2 * Member.count()];
        try (JsonScanner scanner = JsonScanner.of(body, false, MAX_DEPTH)) {
            if (!scanner.message(places)) {
                return Optional.empty();
            }
        } catch (Malformed e) {
            return Optional.empty();
        }
        dropNull(body, places, Member.METHOD);
        dropNull(body, places, Member.PARAMS);
        dropNull(body, places, Member.ERROR);
        if (isPresent(places, Member.ERROR)) {
            dropNull(body, places, Member.RESULT);
        }
        boolean answers = isPresent(places, Member.RESULT) || isPresent(places, Member.ERROR);
        if (!isPresent(places, Member.METHOD)) {
            return answers ? Optional.of(new Envelope(body, places, Kind.RESPONSE)) : Optional.empty();
        }
        if (answers || body[start(places, Member.METHOD)] != '"') {
            return Optional.empty();
        }
        boolean asks = isPresent(places, Member.ID) && Envelope.isScalarId(body[start(places, Member.ID)]);
        return Optional.of(new Envelope(body, places, asks ? Kind.REQUEST : Kind.NOTIFICATION));
    }

    private static void dropNull(byte[] body, int[] places, Member member) {
        if (isPresent(places, member) && body[start(places, member)] == 'n') {
            places[member.ordinal() * 2] = 0;
            places[member.ordinal() * 2 + 1] = 0;
        }
    }

    private static boolean isPresent(int[] places, Member member) {
        return places[member.ordinal() * 2 + 1] > 0;
    }

    private static int start(int[] places, Member member) {
        return places[member.ordinal() * 2];
    }
}
