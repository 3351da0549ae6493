package io.sluice.envelope;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A filter for one JSON-RPC response that arrives in pieces, which looks at each byte once: puts another id in the place
 * of its own, wherever that stands, gives the resources that its result speaks of other URIs, adds members that its
 * result lacks, and lets every other byte through at once and untouched. Nothing is held back but the old id, and a URI
 * that may change. What is no JSON object passes unchanged. Used by one response, by one thread at a time.
 *
 * <p>Resources stand in {@code contents} of a read, as links and embedded resources in {@code content} of a tool's
 * result, and in the {@code messages} of a prompt; an {@code uri} anywhere else, as in {@code structuredContent}, is the
 * tool's own affair.
 *
 * <p>It follows strings and brackets and, in the outermost object and where URIs may stand, keys; it does not check the
 * rest of the grammar.
 */
public final class ResponseFilter {
    /** No spelling of "result" is longer, even if every letter is an escape. */
    private static final int LONGEST_KEY = 36;

    /** How much of the old id is kept for {@link Ending#id}. */
    private static final int LONGEST_ID = 1024;

    /** Up to this size one copy is cheaper than a buffer of several parts, each an element of the write. */
    private static final int COPIED_BYTES = 8 * 1024;

    private enum State {
        /** Before the opening brace. */
        START,
        /** In the outermost object, before a key or the closing brace. */
        BEFORE_KEY,
        KEY,
        BEFORE_COLON,
        BEFORE_VALUE,
        /** In a number or a literal that is a member of the outermost object. */
        SCALAR,
        AFTER_VALUE,
        /** In a string that is a value or deeper down. */
        STRING,
        /** In an object or array inside of the outermost object, between strings. */
        NESTED,
        /** In a key of such an object that matters. */
        NESTED_KEY,
        /** In a string that names a resource. */
        URI,
        END,
        /** Not what we expected: everything passes. */
        OPAQUE
    }

    private final byte[] replacement;
    private final @Nullable UnaryOperator<String> rename;
    private final Map<String, String> missing;

    /** Null when what is within the outermost members is of no concern, or no longer. */
    private @Nullable UriPlaces places;

    /** Whether the result has no member so far. */
    private boolean emptyResult = true;

    /** Of a nested key or a URI: what has been read of it. */
    private @Nullable ByteArrayOutputStream held;

    private State state = State.START;
    private int depth;
    private final long[] objects = new long[MessageReader.MAX_DEPTH / Long.SIZE + 1];
    private boolean escaped;
    private final byte[] key = new byte[LONGEST_KEY];
    private int keyLength;
    private @Nullable Member member;
    private boolean dropping;
    private boolean replaced;
    private boolean result;
    private boolean error;
    private @Nullable ByteArrayOutputStream dropped;

    /** The chunk at hand, while it is scanned. */
    private ByteBuf source = Unpooled.EMPTY_BUFFER;

    /** Of the chunk at hand: where the bytes start that have not been passed on, and the parts that have. */
    private int kept;

    private @Nullable List<ByteBuf> parts;

    /** Of an id that began in the chunk at hand: what {@link #kept} was before; else -1. */
    private int uncut = -1;

    /** Where ids stood, when there is but one piece. */
    private @Nullable List<Cut> cuts;

    private record Cut(int start, int end) {}

    public ResponseFilter(RequestId id) {
        this(id, null, Map.of());
    }

    /**
     * @param id to stand in the place of the response's own
     * @param rename another URI for one by which the result speaks of a resource, or the same; called once for each. Null
     *     when none changes
     * @param members what is added to the result, if that is an object and has no such member: the JSON of each, by its key
     */
    public ResponseFilter(RequestId id, @Nullable UnaryOperator<String> rename, Map<String, String> members) {
        this.replacement = id.rawJsonBytes();
        this.rename = rename;
        this.missing = members.isEmpty() ? Map.of() : new LinkedHashMap<>(members);
        this.places = rename == null && members.isEmpty() ? null : new UriPlaces();
    }

    /**
     * What was seen of the response.
     *
     * @param id the id that was replaced, if there was one and it was a string or a number
     * @param replaced whether there was an id of any type
     * @param result whether the outermost object has a member {@code result}
     * @param error whether the outermost object has a member {@code error}
     * @param complete whether it was one object, closed in order, and nothing more
     */
    public record Ending(Optional<RequestId> id, boolean replaced, boolean result, boolean error, boolean complete) {}

    /**
     * Filters the next piece.
     *
     * @param chunk is taken over: it is returned, or released when what is returned has been
     * @return to be released by the caller; may be empty; of the kind that the chunk's allocator prefers, if it is new
     */
    public ByteBuf push(ByteBuf chunk) {
        source = chunk;
        try {
            scan(JsonScanner.view(chunk), chunk.readerIndex(), chunk.writerIndex());
        } catch (RuntimeException | Error failure) {
            parts().forEach(ByteBuf::release);
            chunk.release();
            throw failure;
        } finally {
            source = Unpooled.EMPTY_BUFFER;
        }
        return passedOn(chunk, chunk.writerIndex());
    }

    private void scan(ByteBuffer chunk, int from, int to) {
        int i = from;
        kept = i;
        parts = null;
        while (i < to) {
            i = switch (state) {
                case STRING -> string(chunk, i, to);
                case NESTED -> nested(chunk, i, to);
                case NESTED_KEY -> nestedKey(chunk, i, to);
                case URI -> uri(chunk, i, to);
                case OPAQUE -> to;
                default -> outermost(chunk, i);
            };
        }
        if (dropping) {
            drop(chunk, to);
        }
    }

    /**
     * Filters a response that is there as a whole, instead of {@link #push}, for its id alone; the same array when it has
     * none. To be followed by {@link #isResponse} alone.
     */
    public byte[] whole(byte[] json) {
        places = null;
        List<Cut> found = cuts(json);
        if (found.isEmpty()) {
            return json;
        }
        int length = json.length;
        for (Cut cut : found) {
            length += replacement.length - (cut.end() - cut.start());
        }
        byte[] filtered = new byte[length];
        int from = 0;
        int to = 0;
        for (Cut cut : found) {
            System.arraycopy(json, from, filtered, to, cut.start() - from);
            to += cut.start() - from;
            System.arraycopy(replacement, 0, filtered, to, replacement.length);
            to += replacement.length;
            from = cut.end();
        }
        System.arraycopy(json, from, filtered, to, json.length - from);
        return filtered;
    }

    private List<Cut> cuts(byte[] piece) {
        List<Cut> found = new ArrayList<>(1);
        cuts = found;
        scan(ByteBuffer.wrap(piece).order(ByteOrder.LITTLE_ENDIAN), 0, piece.length);
        cuts = null;
        return found;
    }

    /** Whether all that was seen is one object with a result or an error. */
    public boolean isResponse() {
        return state == State.END && (result || error);
    }

    /** What is still held of a response that broke off in a URI; empty otherwise. To be released by the caller. */
    public ByteBuf rest() {
        byte[] bytes = state == State.URI ? held().toByteArray() : new byte[0];
        held = null;
        return Unpooled.wrappedBuffer(bytes);
    }

    /** To be asked after the last piece. */
    public Ending finish() {
        return new Ending(replacedId(), replaced, result, error, state == State.END);
    }

    private Optional<RequestId> replacedId() {
        byte[] json = dropped == null ? new byte[0] : dropped.toByteArray();
        if (json.length == 0 || json.length > LONGEST_ID || !Envelope.isScalarId(json[0])) {
            return Optional.empty();
        }
        try {
            JsonScanner.validate(json);
            return Optional.of(RequestId.read(json, 0, json.length));
        } catch (Malformed e) {
            return Optional.empty();
        }
    }

    private ByteBuf passedOn(ByteBuf chunk, int to) {
        List<ByteBuf> before = parts;
        parts = null;
        if (before == null && kept == chunk.readerIndex()) {
            return chunk;
        }
        if (before == null) {
            return chunk.readerIndex(kept);
        }
        if (kept < to) {
            before.add(chunk.retainedSlice(kept, to - kept));
        }
        if (to - chunk.readerIndex() <= COPIED_BYTES) {
            return copied(before, chunk);
        }
        chunk.release();
        return before.size() == 1
                ? before.get(0)
                : Unpooled.wrappedBuffer(before.size(), before.toArray(new ByteBuf[0]));
    }

    private static ByteBuf copied(List<ByteBuf> parts, ByteBuf chunk) {
        int length = 0;
        for (ByteBuf part : parts) {
            length += part.readableBytes();
        }
        ByteBuf copy = chunk.alloc().buffer(length);
        for (ByteBuf part : parts) {
            copy.writeBytes(part);
            part.release();
        }
        chunk.release();
        return copy;
    }

    /** One byte of the outermost object, or around it. */
    private int outermost(ByteBuffer chunk, int i) {
        byte b = chunk.get(i);
        boolean space = b == ' ' || b == '\n' || b == '\r' || b == '\t';
        switch (state) {
            case KEY -> key(b);
            case SCALAR -> scalar(chunk, i, b, space);
            default -> {
                if (!space) {
                    token(i, b);
                }
            }
        }
        return i + 1;
    }

    private void token(int i, byte b) {
        switch (state) {
            case START -> {
                depth = 1;
                state = b == '{' ? State.BEFORE_KEY : State.OPAQUE;
                if (places != null) {
                    places.open(true);
                }
            }
            case BEFORE_KEY -> {
                keyLength = 0;
                state = b == '"' ? State.KEY : b == '}' ? State.END : State.OPAQUE;
            }
            case BEFORE_COLON -> state = b == ':' ? State.BEFORE_VALUE : State.OPAQUE;
            case BEFORE_VALUE -> value(i, b);
            case AFTER_VALUE -> state = b == ',' ? State.BEFORE_KEY : b == '}' ? State.END : State.OPAQUE;
            default -> state = State.OPAQUE;
        }
    }

    private void key(byte b) {
        if (b == '"' && !escaped) {
            member = memberOfKey();
            if (places != null) {
                places.key(member == Member.RESULT ? "result" : "");
            }
            state = State.BEFORE_COLON;
            return;
        }
        escaped = b == '\\' && !escaped;
        if (keyLength < LONGEST_KEY) {
            key[keyLength] = b;
        }
        keyLength++;
    }

    private @Nullable Member memberOfKey() {
        if (keyLength > LONGEST_KEY) {
            return null;
        }
        String name = new String(key, 0, keyLength, StandardCharsets.UTF_8);
        if (name.indexOf('\\') >= 0) {
            name = decoded("\"" + name + "\"");
        }
        return switch (name) {
            case "id" -> Member.ID;
            case "result" -> Member.RESULT;
            case "error" -> Member.ERROR;
            default -> null;
        };
    }

    private static String decoded(String literal) {
        byte[] json = literal.getBytes(StandardCharsets.UTF_8);
        try {
            JsonScanner.validate(json);
            return JsonScanner.text(json, 0, json.length);
        } catch (Malformed e) {
            return "";
        }
    }

    private void value(int i, byte b) {
        if (member == Member.ID) {
            startDropping(i);
        }
        result |= member == Member.RESULT;
        error |= member == Member.ERROR;
        switch (b) {
            case '"' -> state = State.STRING;
            case '{', '[' -> {
                state = State.NESTED;
                open(b);
            }
            default -> state = State.SCALAR;
        }
    }

    private void scalar(ByteBuffer chunk, int i, byte b, boolean space) {
        if (space || b == ',' || b == '}') {
            stopDropping(chunk, i);
            state = space ? State.AFTER_VALUE : b == ',' ? State.BEFORE_KEY : State.END;
        }
    }

    private int string(ByteBuffer chunk, int from, int to) {
        int i = StringEnd.find(chunk, from, to, escaped);
        escaped = i == StringEnd.GOES_ON_ESCAPED;
        if (i < 0) {
            return to;
        }
        state = depth == 1 ? State.AFTER_VALUE : State.NESTED;
        if (depth == 1) {
            stopDropping(chunk, i);
        }
        return i;
    }

    private int nested(ByteBuffer chunk, int from, int to) {
        int i = from;
        while (i < to) {
            byte b = chunk.get(i++);
            if (b == '"') {
                begin(i);
                return i;
            }
            if (b == '{' || b == '[') {
                open(b);
            } else if (b == '}' || b == ']') {
                close(chunk, i, b);
            } else if (b == ',' && places != null) {
                places.comma();
            }
            if (state == State.OPAQUE) {
                stopDropping(chunk, i);
            }
            if (state != State.NESTED) {
                return i;
            }
        }
        return to;
    }

    /** @param i behind the quote with which a nested string begins */
    private void begin(int i) {
        UriPlaces.Text text = places == null ? UriPlaces.Text.OTHER : places.string();
        if (text == UriPlaces.Text.KEY) {
            held().reset();
            state = State.NESTED_KEY;
        } else if (text == UriPlaces.Text.URI && rename != null) {
            pass(i - 1);
            held().reset();
            held().write('"');
            kept = i;
            state = State.URI;
        } else {
            state = State.STRING;
        }
    }

    private ByteArrayOutputStream held() {
        ByteArrayOutputStream known = held;
        if (known == null) {
            known = new ByteArrayOutputStream(32);
            held = known;
        }
        return known;
    }

    private int nestedKey(ByteBuffer chunk, int from, int to) {
        ByteArrayOutputStream name = held();
        int i = from;
        while (i < to) {
            byte b = chunk.get(i++);
            if (b == '"' && !escaped) {
                nestedKey(name.toString(StandardCharsets.UTF_8));
                state = State.NESTED;
                return i;
            }
            escaped = b == '\\' && !escaped;
            if (name.size() <= UriPlaces.LONGEST_KEY) {
                name.write(b);
            }
        }
        return i;
    }

    private void nestedKey(String literal) {
        UriPlaces where = places;
        if (where == null) {
            return;
        }
        String name = literal.indexOf('\\') < 0 ? literal : decoded('"' + literal + '"');
        if (!missing.isEmpty() && where.inResult()) {
            emptyResult = false;
            missing.remove(name);
            forgetPlaces();
        }
        where.key(name);
    }

    /** Looks into the rest no more when there is nothing to look for. */
    private void forgetPlaces() {
        if (rename == null && missing.isEmpty()) {
            places = null;
        }
    }

    private int uri(ByteBuffer chunk, int from, int to) {
        ByteArrayOutputStream literal = held();
        int i = from;
        while (i < to) {
            byte b = chunk.get(i++);
            literal.write(b);
            if (b == '"' && !escaped) {
                state = State.NESTED;
                put(i, renamed(literal.toByteArray()));
                return i;
            }
            escaped = b == '\\' && !escaped;
            if (literal.size() > UriPlaces.LONGEST_URI) {
                state = State.STRING;
                put(i, literal.toByteArray());
                return i;
            }
        }
        kept = to;
        return to;
    }

    private byte[] renamed(byte[] literal) {
        String uri = decoded(new String(literal, StandardCharsets.UTF_8));
        String other = uri.isEmpty() || rename == null ? uri : rename.apply(uri);
        return other.equals(uri) ? literal : Json.quoteUtf8(other);
    }

    /** A URI has been read up to here, and goes on as it is given. */
    private void put(int i, byte[] uri) {
        kept = i;
        parts().add(Unpooled.wrappedBuffer(uri));
        if (places != null) {
            places.uriEnded();
        }
    }

    /** What stands before {@code end} goes on. */
    private void pass(int end) {
        if (kept < end) {
            parts().add(source.retainedSlice(kept, end - kept));
        }
        kept = end;
    }

    private List<ByteBuf> parts() {
        List<ByteBuf> list = parts;
        if (list == null) {
            list = new ArrayList<>(3);
            parts = list;
        }
        return list;
    }

    /** Before the brace of the result, adds what it lacks. */
    private void complete(int brace) {
        StringBuilder json = new StringBuilder();
        missing.forEach((name, value) -> {
            json.append(json.isEmpty() && emptyResult ? "" : ",");
            json.append(Json.quote(name)).append(':').append(value);
        });
        missing.clear();
        pass(brace);
        parts().add(Unpooled.wrappedBuffer(json.toString().getBytes(StandardCharsets.UTF_8)));
    }

    private void open(byte bracket) {
        if (places != null) {
            places.open(bracket == '{');
        }
        depth++;
        if (depth > MessageReader.MAX_DEPTH) {
            state = State.OPAQUE;
            return;
        }
        long bit = 1L << depth;
        if (bracket == '{') {
            objects[depth / Long.SIZE] |= bit;
        } else {
            objects[depth / Long.SIZE] &= ~bit;
        }
    }

    private void close(ByteBuffer chunk, int after, byte bracket) {
        boolean object = (objects[depth / Long.SIZE] & 1L << depth) != 0;
        if (object != (bracket == '}')) {
            state = State.OPAQUE;
            return;
        }
        if (places != null) {
            if (!missing.isEmpty() && places.inResult()) {
                complete(after - 1);
            }
            places.close();
            forgetPlaces();
        }
        depth--;
        if (depth == 1) {
            state = State.AFTER_VALUE;
            stopDropping(chunk, after);
        }
    }

    private void startDropping(int i) {
        dropping = true;
        replaced = true;
        if (cuts != null) {
            kept = i;
            return;
        }
        uncut = kept;
        kept = i;
        dropped = new ByteArrayOutputStream(16);
    }

    /** What stands before the id at hand goes on, and the replacement. */
    private void cut() {
        if (uncut < 0) {
            return;
        }
        List<ByteBuf> before = parts();
        if (uncut < kept) {
            before.add(source.retainedSlice(uncut, kept - uncut));
        }
        before.add(Unpooled.wrappedBuffer(replacement));
        uncut = -1;
    }

    /** Whether the id at hand, which ends here and began in the same chunk, is the new one already. */
    private boolean isReplacement(ByteBuffer chunk, int end) {
        if (uncut < 0 || end - kept != replacement.length) {
            return false;
        }
        for (int i = 0; i < replacement.length; i++) {
            if (chunk.get(kept + i) != replacement[i]) {
                return false;
            }
        }
        return true;
    }

    private void stopDropping(ByteBuffer chunk, int end) {
        if (!dropping) {
            return;
        }
        dropping = false;
        if (isReplacement(chunk, end)) {
            note(chunk, end);
            kept = uncut;
            uncut = -1;
            return;
        }
        drop(chunk, end);
    }

    private void drop(ByteBuffer chunk, int end) {
        if (cuts != null) {
            cuts.add(new Cut(kept, end));
        } else {
            cut();
            note(chunk, end);
        }
        kept = end;
    }

    private void note(ByteBuffer chunk, int end) {
        ByteArrayOutputStream old = dropped;
        for (int i = kept; old != null && i < end && old.size() <= LONGEST_ID; i++) {
            old.write(chunk.get(i));
        }
    }
}
