package io.sluice.envelope;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The id of a JSON-RPC request, a string or a number, kept as it was spelt, so that it can be written back as it came.
 * Two ids are equal when they have the same type and value: {@code "1"} and {@code 1} differ, {@code "a/1"} and
 * {@code "a\/1"} do not.
 */
public final class RequestId {
    private static final Pattern INTEGER = Pattern.compile("-?[0-9]{1,100}");

    private final String rawJson;

    /** The canonical spelling: that of {@link Json#quote} for a string, the number itself otherwise. */
    private final String canonical;

    private RequestId(String rawJson, String canonical) {
        this.rawJson = rawJson;
        this.canonical = canonical;
    }

    public static RequestId of(long number) {
        String digits = Long.toString(number);
        return new RequestId(digits, digits);
    }

    public static RequestId of(String text) {
        String raw = Json.quote(text);
        return new RequestId(raw, raw);
    }

    /** @param json a well-formed JSON string or number */
    static RequestId read(byte[] json, int start, int end) {
        String raw = new String(json, start, end - start, StandardCharsets.UTF_8);
        boolean spelledPlainly = raw.indexOf('\\') < 0;
        return new RequestId(raw, spelledPlainly ? raw : Json.quote(JsonScanner.text(json, start, end)));
    }

    /** Reads what {@link #rawJson} gave; empty when the text is neither one JSON string nor one integer. */
    public static Optional<RequestId> parse(String json) {
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        boolean string = bytes.length >= 2 && bytes[0] == '"' && bytes[bytes.length - 1] == '"';
        if (!string && !INTEGER.matcher(json).matches()) {
            return Optional.empty();
        }
        try {
            JsonScanner.validate(bytes);
            return Optional.of(read(bytes, 0, bytes.length));
        } catch (RuntimeException malformed) {
            return Optional.empty();
        }
    }

    /** The id as it was spelt, the quotes of a string included. */
    public String rawJson() {
        return rawJson;
    }

    /** The bytes of {@link #rawJson}. */
    public byte[] rawJsonBytes() {
        return rawJson.getBytes(StandardCharsets.UTF_8);
    }

    public boolean isString() {
        return rawJson.charAt(0) == '"';
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof RequestId other && canonical.equals(other.canonical);
    }

    @Override
    public int hashCode() {
        return canonical.hashCode();
    }

    /** The same as {@link #rawJson}. */
    @Override
    public String toString() {
        return rawJson;
    }
}
