package io.sluice.envelope;

import io.sluice.rejection.Rejection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads what agents send, strictly: a message is refused when two parsers could read it differently, because its bytes
 * are forwarded as they are and what was authorised must be what is executed. {@link JsonScanner} says what that means
 * for the text; the shape follows JSON-RPC 2.0 as narrowed by MCP (2026-07-28, <em>basic/index</em>, Messages).
 *
 * <p>Strings have no limit of their own: nothing is built from them, so the listener's limit on the body bounds them.
 */
public final class EnvelopeReader {
    /** How deeply objects and arrays may nest, the message itself counted. */
    public static final int MAX_DEPTH = 64;

    /** How many characters a number may have. Its value is unbounded, since it is passed on as it is spelt. */
    public static final int MAX_NUMBER_LENGTH = 100;

    /** How many characters a string id may have. */
    public static final int MAX_ID_LENGTH = 128;

    private EnvelopeReader() {}

    /**
     * Reads one message. Keys are compared exactly, case included.
     *
     * @param body not to be written to afterwards; the envelope keeps it
     * @throws Rejection.ParseError if it is not JSON, or exceeds a limit
     * @throws Rejection.InvalidRequest if it is JSON, but has a key twice or is not one JSON-RPC message. The answer
     *     names the id if {@link #idOf} finds it.
     */
    public static Envelope read(byte[] body) {
        return read(Places.ofCall(body));
    }

    /**
     * The same of a body in segments, which the envelope reads from until it has an {@linkplain Envelope#onHeap array of
     * its own}. They stay the caller's to release.
     */
    public static Envelope read(Segments body) {
        return read(new Places(body));
    }

    private static Envelope read(Places places) {
        scan(places);
        requireVersion(places);
        return places.has(Member.METHOD) ? call(places) : response(places);
    }

    private static void scan(Places places) {
        try (JsonScanner scanner = places.scanner(true, MAX_DEPTH)) {
            if (!scanner.message(places)) {
                throw new Rejection.InvalidRequest("The body must be one JSON object");
            }
            if (scanner.unknownAt() > 0) {
                throw new Rejection.InvalidRequest(
                        "JSON-RPC has no such member as the one at byte " + (scanner.unknownAt() - 1));
            }
        } catch (Malformed e) {
            throw refusal(e);
        }
    }

    private static Rejection refusal(Malformed e) {
        return e.duplicate()
                ? new Rejection.InvalidRequest("The message is ambiguous: " + e.reason())
                : new Rejection.ParseError("The body is not acceptable JSON: " + e.reason());
    }

    private static void requireVersion(Places places) {
        if (!places.has(Member.JSONRPC)
                || places.first(Member.JSONRPC) != '"'
                || !places.text(Member.JSONRPC).equals("2.0")) {
            throw new Rejection.InvalidRequest("'jsonrpc' must be \"2.0\"");
        }
    }

    private static Envelope call(Places places) {
        if (places.first(Member.METHOD) != '"') {
            throw new Rejection.InvalidRequest("'method' must be a string");
        }
        if (places.has(Member.RESULT) || places.has(Member.ERROR)) {
            throw new Rejection.InvalidRequest("A message with 'method' can have neither 'result' nor 'error'");
        }
        if (places.has(Member.PARAMS) && places.first(Member.PARAMS) != '{') {
            throw new Rejection.InvalidRequest("'params' must be an object");
        }
        if (!places.has(Member.ID)) {
            return new Envelope(places, Kind.NOTIFICATION);
        }
        requireId(places);
        return new Envelope(places, Kind.REQUEST);
    }

    private static Envelope response(Places places) {
        boolean error = places.has(Member.ERROR);
        if (places.has(Member.RESULT) == error) {
            throw new Rejection.InvalidRequest(
                    "A message must have 'method', or else exactly one of 'result' and 'error'");
        }
        if (places.first(error ? Member.ERROR : Member.RESULT) != '{') {
            throw new Rejection.InvalidRequest("'" + (error ? "error" : "result") + "' must be an object");
        }
        if (places.has(Member.PARAMS)) {
            throw new Rejection.InvalidRequest("A response has no 'params'");
        }
        if (!places.has(Member.ID)) {
            throw new Rejection.InvalidRequest("A response must have an 'id'");
        }
        if (!error || places.first(Member.ID) != 'n') {
            requireId(places);
        }
        return new Envelope(places, Kind.RESPONSE);
    }

    private static void requireId(Places places) {
        if (!isId(places)) {
            throw new Rejection.InvalidRequest(
                    "'id' must be an integer or a string of at most " + MAX_ID_LENGTH + " characters");
        }
    }

    private static boolean isId(Places places) {
        int start = places.start(Member.ID);
        int end = places.end(Member.ID);
        byte first = places.at(start);
        if (first == '"') {
            return end - start - 2 <= MAX_ID_LENGTH || places.text(Member.ID).length() <= MAX_ID_LENGTH;
        }
        if (!Envelope.isScalarId(first)) {
            return false;
        }
        for (int i = start; i < end; i++) {
            byte b = places.at(i);
            if (b == '.' || b == 'e' || b == 'E') {
                return false;
            }
        }
        return true;
    }

    /**
     * The id of a message that was refused, for the answer. Null unless there is one, it is valid, and it stands before
     * the first fault of the text; of a text that is cut off in its id the rest may be taken for it.
     */
    public static @Nullable RequestId idOf(byte[] body) {
        Places places = new Places(body);
        boolean ambiguous;
        try (JsonScanner scanner = places.scanner(false, MessageReader.MAX_DEPTH)) {
            findId(scanner, places);
            ambiguous = scanner.idRepeated();
        }
        return !ambiguous && places.has(Member.ID) && isId(places) ? places.id() : null;
    }

    private static void findId(JsonScanner scanner, Places places) {
        try {
            scanner.message(places);
        } catch (Malformed e) {
            // What stands before the fault has its places.
        }
    }

    /** As {@link #isBatch(byte[])}. */
    public static boolean isBatch(Segments body) {
        int length = body.length();
        for (int i = 0; i < length; i += 64) {
            byte[] some = body.copy(i, Math.min(length, i + 64));
            for (byte b : some) {
                if (!JsonScanner.isSpace(b)) {
                    return b == '[';
                }
            }
        }
        return false;
    }

    /** Whether the body is, if it is JSON at all, a JSON array: what JSON-RPC calls a batch. */
    public static boolean isBatch(byte[] body) {
        for (byte b : body) {
            if (!JsonScanner.isSpace(b)) {
                return b == '[';
            }
        }
        return false;
    }

    /**
     * The messages of a batch, each in an array of its own. The text is read as strictly as a single message; whether
     * an element is a message is said by {@link #read}.
     *
     * @throws Rejection.ParseError if it is not JSON, or exceeds a limit
     * @throws Rejection.InvalidRequest if it has a key twice, is no array, or an empty one
     */
    public static List<byte[]> readBatch(byte[] body) {
        try {
            JsonScanner.validate(body);
        } catch (Malformed e) {
            throw refusal(e);
        }
        if (!isBatch(body)) {
            throw new Rejection.InvalidRequest("A batch must be a JSON array");
        }
        int start = 0;
        while (body[start] != '[') {
            start++;
        }
        List<byte[]> messages = new ArrayList<>();
        for (Span element : JsonScanner.elements(body, new Span(start, body.length))) {
            messages.add(Arrays.copyOfRange(body, element.start(), element.end()));
        }
        if (messages.isEmpty()) {
            throw new Rejection.InvalidRequest("A batch must not be empty");
        }
        return List.copyOf(messages);
    }
}
