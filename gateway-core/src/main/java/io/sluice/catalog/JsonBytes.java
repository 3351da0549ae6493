package io.sluice.catalog;

import io.sluice.envelope.Json;
import io.sluice.protocol.RawJson;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Joins pieces of JSON text into one array. For one thread; the array is handed out by {@link #toBytes}, after which
 * the writer is spent.
 */
final class JsonBytes {
    private byte[] bytes;
    private int length;

    private JsonBytes(int size) {
        bytes = new byte[size];
    }

    /** A writer that will not have to grow before {@code size} bytes. */
    static JsonBytes sized(int size) {
        return new JsonBytes(Math.max(16, size));
    }

    int length() {
        return length;
    }

    JsonBytes raw(byte[] source, int from, int to) {
        int count = to - from;
        room(count);
        System.arraycopy(source, from, bytes, length, count);
        length += count;
        return this;
    }

    JsonBytes raw(byte[] source) {
        return raw(source, 0, source.length);
    }

    JsonBytes raw(JsonBytes other) {
        return raw(other.bytes, 0, other.length);
    }

    JsonBytes raw(RawJson json) {
        return raw(json.bytes());
    }

    @SuppressWarnings(
            "deprecation") // the four-argument form copies ASCII without a coder, which is what is wanted here
    JsonBytes ascii(String text) {
        room(text.length());
        text.getBytes(0, text.length(), bytes, length);
        length += text.length();
        return this;
    }

    JsonBytes quoted(String text) {
        return raw(Json.quoteUtf8(text));
    }

    byte[] toBytes() {
        return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
    }

    RawJson toRawJson() {
        return RawJson.of(toBytes());
    }

    @Override
    public String toString() {
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    private void room(int count) {
        if (bytes.length - length < count) {
            bytes = Arrays.copyOf(
                    bytes, Math.max(length + count, Math.min(bytes.length, Integer.MAX_VALUE / 2 - 8) * 2));
        }
    }
}
