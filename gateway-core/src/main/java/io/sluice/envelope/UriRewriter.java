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
    private enum State {
        /** Between strings. */
        PLAIN,
        KEY,
        STRING,
        URI
    }

    private final UnaryOperator<String> rename;
    private final UriPlaces places = new UriPlaces();
    private State state = State.PLAIN;
    private boolean escaped;
    private boolean changed;

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
                case '{', '[' -> places.open(b == '{');
                case '}', ']' -> places.close();
                case ',' -> places.comma();
                default -> {}
            }
        }
        return i;
    }

    private State startOfString() {
        held.reset();
        return switch (places.string()) {
            case KEY -> State.KEY;
            case URI -> State.URI;
            case OTHER -> State.STRING;
        };
    }

    private int key(ByteBuffer in, int from, int to) {
        int i = from;
        while (i < to) {
            byte b = in.get(i++);
            if (b == '"' && !escaped) {
                places.key(text("\"" + held.toString(StandardCharsets.UTF_8) + "\""));
                state = State.PLAIN;
                return i;
            }
            escaped = b == '\\' && !escaped;
            if (held.size() <= UriPlaces.LONGEST_KEY) {
                held.write(b);
            }
        }
        return i;
    }

    private int string(ByteBuffer in, int from, int to) {
        int i = StringEnd.find(in, from, to, escaped);
        escaped = i == StringEnd.GOES_ON_ESCAPED;
        if (i < 0) {
            return to;
        }
        state = State.PLAIN;
        return i;
    }

    private int uri(ByteBuffer in, int from, int to) {
        int i = from;
        while (i < to) {
            byte b = in.get(i++);
            held.write(b);
            if (b == '"' && !escaped) {
                kept = i;
                put(renamed());
                places.uriEnded();
                state = State.PLAIN;
                return i;
            }
            escaped = b == '\\' && !escaped;
            if (held.size() > UriPlaces.LONGEST_URI) {
                kept = i;
                put(held.toByteArray());
                places.uriEnded();
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
