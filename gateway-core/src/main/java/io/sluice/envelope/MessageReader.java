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
        Places places = new Places(body);
        try (JsonScanner scanner = JsonScanner.of(body, false, MAX_DEPTH)) {
            if (!scanner.message(places)) {
                return Optional.empty();
            }
        } catch (Malformed e) {
            return Optional.empty();
        }
        dropNull(places, Member.METHOD);
        dropNull(places, Member.PARAMS);
        dropNull(places, Member.ERROR);
        if (places.has(Member.ERROR)) {
            dropNull(places, Member.RESULT);
        }
        boolean answers = places.has(Member.RESULT) || places.has(Member.ERROR);
        if (!places.has(Member.METHOD)) {
            return answers ? Optional.of(new Envelope(places, Kind.RESPONSE)) : Optional.empty();
        }
        if (answers || places.first(Member.METHOD) != '"') {
            return Optional.empty();
        }
        boolean asks = places.has(Member.ID) && Envelope.isScalarId(places.first(Member.ID));
        return Optional.of(new Envelope(places, asks ? Kind.REQUEST : Kind.NOTIFICATION));
    }

    private static void dropNull(Places places, Member member) {
        if (places.has(member) && places.first(member) == 'n') {
            places.drop(member);
        }
    }
}
