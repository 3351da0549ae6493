package io.sluice.envelope;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A filter for one JSON-RPC response that arrives in pieces: adds members to its {@code result} that are not there, at the end of it, and lets every other byte through at once and untouched. What has
 * no object as its result passes unchanged. Used by one response, by one thread at a time.
 *
 * <p>It follows strings and brackets; it does not check the grammar, nor does it know keys that are spelled with escapes.
 */
public final class ResultFilter {
    /** Longer ones are none that are looked for. */
    private static final int LONGEST_KEY = 32;

    private final Map<String, String> missing;
    private final byte[] key = new byte[LONGEST_KEY];
    private int keyLength;
    private int depth;
    private boolean string;
    private boolean escaped;

    /** Whether a string that begins now is a key. */
    private boolean beforeKey;

    private boolean readsKey;

    /** Whether the member of the outermost object that is being read is the result. */
    private boolean inResult;

    private boolean empty = true;

    /** @param members the JSON of each member, by its key, in the order in which they are added */
    public ResultFilter(Map<String, String> members) {
        missing = new LinkedHashMap<>(members);
    }

    /**
     * Filters the next piece.
     *
     * @param chunk is taken over: it is returned, or released when what is returned has been
     * @return to be released by the caller
     */
    public ByteBuf push(ByteBuf chunk) {
        if (missing.isEmpty()) {
            return chunk;
        }
        ByteBuffer bytes = JsonScanner.view(chunk);
        int to = chunk.writerIndex();
        for (int i = chunk.readerIndex(); i < to; i++) {
            if (string && !readsKey && !escaped) {
                i = JsonScanner.plainEnd(bytes, i, to);
                if (i == to) {
                    break;
                }
            }
            byte b = bytes.get(i);
            if (string) {
                inString(b);
                if (missing.isEmpty()) {
                    return chunk;
                }
            } else if (b == '}' && depth == 2 && inResult) {
                byte[] added = added();
                missing.clear();
                ByteBuf before = chunk.readRetainedSlice(i - chunk.readerIndex());
                return Unpooled.wrappedBuffer(before, Unpooled.wrappedBuffer(added), chunk);
            } else {
                between(b);
            }
        }
        return chunk;
    }

    private void inString(byte b) {
        if (b == '"' && !escaped) {
            string = false;
            if (readsKey) {
                key();
            }
            return;
        }
        escaped = b == '\\' && !escaped;
        if (readsKey) {
            if (keyLength < LONGEST_KEY) {
                key[keyLength] = b;
            }
            keyLength++;
        }
    }

    private void key() {
        String name = keyLength > LONGEST_KEY ? "" : new String(key, 0, keyLength, StandardCharsets.UTF_8);
        readsKey = false;
        if (depth == 1) {
            inResult = name.equals("result");
        } else {
            empty = false;
            missing.remove(name);
        }
    }

    private void between(byte b) {
        switch (b) {
            case '"' -> {
                string = true;
                escaped = false;
                readsKey = beforeKey && (depth == 1 || depth == 2 && inResult);
                beforeKey = false;
                keyLength = 0;
            }
            case '{' -> {
                depth++;
                beforeKey = true;
            }
            case '[' -> {
                depth++;
                inResult &= depth != 2; // a result that is an array
            }
            case '}', ']' -> depth--;
            case ',' -> beforeKey = true;
            default -> {}
        }
    }

    private byte[] added() {
        StringBuilder json = new StringBuilder();
        missing.forEach((name, value) -> {
            json.append(json.isEmpty() && empty ? "" : ",");
            json.append(Json.quote(name)).append(':').append(value);
        });
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }
}
