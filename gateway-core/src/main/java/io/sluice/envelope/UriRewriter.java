package io.sluice.envelope;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A filter for one JSON-RPC response that arrives in pieces: gives the resources that its result speaks of other URIs,
 * and lets every other byte through untouched. Resources stand in {@code contents} of a read, as links and embedded
 * resources in {@code content} of a tool's result, and in the {@code messages} of a prompt; an {@code uri} anywhere
 * else, as in {@code structuredContent}, is the tool's own affair. Nothing is held back but such a URI. What is no JSON
 * object passes unchanged. Used by one response, by one thread at a time.
 *
 * <p>It follows strings, brackets and keys; it does not check the rest of the grammar.
 */
public final class UriRewriter {
    /** No spelling of "contents", the longest of the keys, is longer, even if every letter is an escape. */
    private static final int LONGEST_KEY = 48;

    /** A longer one names no resource of ours. */
    private static final int LONGEST_URI = 16 * 1024;

    /** What an object or array, or the next value, is. */
    private enum Place {
        /** Of no concern, and so is everything in it. */
        ELSEWHERE,
        MESSAGE,
        RESULT,
        /** An array of resources. */
        RESOURCES,
        RESOURCE,
        /** A content block, or an array of them. */
        BLOCKS,
        /** An array of prompt messages. */
        PROMPTS,
        PROMPT,
        URI;

        Place member(String key) {
            return switch (this) {
                case MESSAGE -> key.equals("result") ? RESULT : ELSEWHERE;
                case RESULT ->
                    switch (key) {
                        case "contents" -> RESOURCES;
                        case "content" -> BLOCKS;
                        case "messages" -> PROMPTS;
                        default -> ELSEWHERE;
                    };
                case BLOCKS ->
                    switch (key) {
                        case "uri" -> URI;
                        case "resource" -> RESOURCE;
                        default -> ELSEWHERE;
                    };
                case RESOURCE -> key.equals("uri") ? URI : ELSEWHERE;
                case PROMPT -> key.equals("content") ? BLOCKS : ELSEWHERE;
                default -> ELSEWHERE;
            };
        }

        Place element() {
            return switch (this) {
                case RESOURCES -> RESOURCE;
                case PROMPTS -> PROMPT;
                case BLOCKS -> BLOCKS;
                default -> ELSEWHERE;
            };
        }
    }

    private enum State {
        /** Between strings. */
        PLAIN,
        KEY,
        STRING,
        URI
    }

    private final UnaryOperator<String> rename;
    private final List<Place> open = new ArrayList<>(8);
    private final List<Boolean> objects = new ArrayList<>(8);

    /** How many brackets are open inside of the first that is of no concern. */
    private int elsewhere;

    private State state = State.PLAIN;
    private boolean escaped;
    private boolean beforeKey;
    private boolean changed;

    /** What the next value of the innermost object is. */
    private Place value = Place.MESSAGE;

    private final ByteArrayOutputStream held = new ByteArrayOutputStream(0);

    /** Of the chunk at hand: where the bytes start that have not been passed on, and the parts that have. */
    private int kept;

    private @Nullable List<ByteBuf> parts;

    /** @param rename another URI for one of the response's, or the same; called once for each */
    public UriRewriter(UnaryOperator<String> rename) {
        this.rename = rename;
    }

    /** The response with its URIs changed; the same array where none was. */
    public static byte[] rewrite(byte[] json, UnaryOperator<String> rename) {
        if (!mayHaveUri(json)) {
            return json;
        }
        ByteBuf whole = Unpooled.wrappedBuffer(json);
        UriRewriter rewriter = new UriRewriter(rename);
        ByteBuf changed = rewriter.push(whole);
        try {
            if (!rewriter.changed) {
                return json;
            }
            byte[] bytes = new byte[changed.readableBytes()];
            changed.readBytes(bytes);
            return bytes;
        } finally {
            changed.release();
        }
    }

    /** Whether a key can be {@code uri}: its letters are there, or an escape that could stand for one of them. */
    private static boolean mayHaveUri(byte[] json) {
        for (int i = 3; i < json.length; i++) {
            if (json[i] == '"' && json[i - 1] == 'i' && json[i - 2] == 'r' && json[i - 3] == 'u'
                    || json[i] == 'u' && json[i - 1] == '\\') {
                return true;
            }
        }
        return false;
    }

    /**
     * Filters the next piece.
     *
     * @param chunk is taken over: it is returned, or released when what is returned has been
     * @return to be released by the caller; may be empty
     */
    public ByteBuf push(ByteBuf chunk) {
        ByteBuffer in = JsonScanner.view(chunk);
        int i = chunk.readerIndex();
        int to = chunk.writerIndex();
        kept = i;
        parts = null;
        try {
            while (i < to) {
                i = switch (state) {
                    case PLAIN -> plain(chunk, in, i, to);
                    case STRING -> string(in, i, to);
                    case KEY -> key(in, i, to);
                    case URI -> uri(in, i, to);
                };
            }
        } catch (RuntimeException | Error failure) {
            parts().forEach(ByteBuf::release);
            chunk.release();
            throw failure;
        }
        return passedOn(chunk, to);
    }

    /** What is still held of a response that broke off in a URI; empty otherwise. To be released by the caller. */
    public ByteBuf rest() {
        byte[] bytes = state == State.URI ? held.toByteArray() : new byte[0];
        held.reset();
        return Unpooled.wrappedBuffer(bytes);
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
        chunk.release();
        return before.size() == 1
                ? before.get(0)
                : Unpooled.wrappedBuffer(before.size(), before.toArray(new ByteBuf[0]));
    }

    private int plain(ByteBuf chunk, ByteBuffer in, int from, int to) {
        int i = from;
        while (i < to) {
            byte b = in.get(i++);
            switch (b) {
                case '"' -> {
                    state = startOfString();
                    if (state == State.URI) {
                        pass(chunk, i - 1);
                        held.write(b);
                        kept = i;
                    }
                    return i;
                }
                case '{', '[' -> open(b == '{');
                case '}', ']' -> close();
                case ',' -> {
                    if (elsewhere == 0 && !open.isEmpty() && isObject()) {
                        beforeKey = true;
                    }
                }
                default -> {}
            }
        }
        return i;
    }

    private State startOfString() {
        if (elsewhere > 0 || open.isEmpty()) {
            return State.STRING;
        }
        if (beforeKey) {
            beforeKey = false;
            held.reset();
            return State.KEY;
        }
        if (isObject() && value == Place.URI) {
            held.reset();
            return State.URI;
        }
        return State.STRING;
    }

    private boolean isObject() {
        return objects.get(objects.size() - 1);
    }

    private void open(boolean object) {
        if (elsewhere > 0) {
            elsewhere++;
            return;
        }
        Place place = placeOfValue(object);
        if (place == Place.ELSEWHERE || place == Place.URI) {
            elsewhere = 1;
            return;
        }
        open.add(place);
        objects.add(object);
        beforeKey = object;
        value = Place.ELSEWHERE;
    }

    private Place placeOfValue(boolean object) {
        if (open.isEmpty()) {
            return object ? value : Place.ELSEWHERE;
        }
        Place place = isObject() ? value : open.get(open.size() - 1).element();
        boolean list = place == Place.RESOURCES || place == Place.PROMPTS;
        boolean either = place == Place.BLOCKS;
        return either || list != object ? place : Place.ELSEWHERE;
    }

    private void close() {
        if (elsewhere > 0) {
            elsewhere--;
            return;
        }
        if (!open.isEmpty()) {
            open.remove(open.size() - 1);
            objects.remove(objects.size() - 1);
        }
        beforeKey = false;
        value = Place.ELSEWHERE;
    }

    private int key(ByteBuffer in, int from, int to) {
        int i = from;
        while (i < to) {
            byte b = in.get(i++);
            if (b == '"' && !escaped) {
                value = open.get(open.size() - 1).member(text("\"" + held.toString(StandardCharsets.UTF_8) + "\""));
                state = State.PLAIN;
                return i;
            }
            escaped = b == '\\' && !escaped;
            if (held.size() <= LONGEST_KEY) {
                held.write(b);
            }
        }
        return i;
    }

    private int string(ByteBuffer in, int from, int to) {
        int i = from;
        while (i < to) {
            if (escaped) {
                escaped = false;
                i++;
            }
            i = JsonScanner.plainEnd(in, i, to);
            if (i >= to) {
                return to;
            }
            byte b = in.get(i++);
            if (b == '\\') {
                escaped = true;
            } else if (b == '"') {
                state = State.PLAIN;
                return i;
            }
        }
        return to;
    }

    private int uri(ByteBuffer in, int from, int to) {
        int i = from;
        while (i < to) {
            byte b = in.get(i++);
            held.write(b);
            if (b == '"' && !escaped) {
                kept = i;
                put(renamed());
                value = Place.ELSEWHERE;
                state = State.PLAIN;
                return i;
            }
            escaped = b == '\\' && !escaped;
            if (held.size() > LONGEST_URI) {
                kept = i;
                put(held.toByteArray());
                value = Place.ELSEWHERE;
                state = State.STRING;
                return i;
            }
        }
        kept = to;
        return to;
    }

    private byte[] renamed() {
        byte[] literal = held.toByteArray();
        String uri = text(new String(literal, StandardCharsets.UTF_8));
        String other = uri.isEmpty() ? uri : rename.apply(uri);
        if (other.equals(uri)) {
            return literal;
        }
        changed = true;
        return Json.quoteUtf8(other);
    }

    /** What a string literal says; nothing when it is none. */
    private static String text(String literal) {
        byte[] json = literal.getBytes(StandardCharsets.UTF_8);
        try {
            JsonScanner.validate(json);
            return JsonScanner.text(json, 0, json.length);
        } catch (Malformed e) {
            return "";
        }
    }

    private void pass(ByteBuf chunk, int end) {
        if (kept < end) {
            parts().add(chunk.retainedSlice(kept, end - kept));
        }
        kept = end;
    }

    private void put(byte[] bytes) {
        parts().add(Unpooled.wrappedBuffer(bytes));
    }

    private List<ByteBuf> parts() {
        List<ByteBuf> list = parts;
        if (list == null) {
            list = new ArrayList<>(3);
            parts = list;
        }
        return list;
    }
}
