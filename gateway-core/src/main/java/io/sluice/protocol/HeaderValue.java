package io.sluice.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Encodes text for the headers that mirror parts of a body ({@code Mcp-Name}, {@code Mcp-Param-*}) and reads it back. Text of printable ASCII without outer white
 * space stands as it is; everything else as {@code =?base64?…?=} over its UTF-8 bytes (2026-07-28, Streamable HTTP, <em>Header value encoding</em>).
 */
public final class HeaderValue {
    private static final String PREFIX = "=?base64?";
    private static final String SUFFIX = "?=";

    private HeaderValue() {}

    public static String encode(String text) {
        if (isPlain(text)) {
            return text;
        }
        return PREFIX + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)) + SUFFIX;
    }

    /**
     * The text that a header value stands for. Empty when it bears both markers around something that is not padded
     * standard base64 of UTF-8, and when it has characters that may not stand unencoded.
     */
    public static Optional<String> decode(String value) {
        if (!isPrintable(value)) {
            return Optional.empty();
        }
        if (!hasMarkers(value)) {
            return Optional.of(value);
        }
        String base64 = value.substring(PREFIX.length(), value.length() - SUFFIX.length());
        if (base64.length() % 4 != 0) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Base64.getDecoder().decode(base64);
            return Optional.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return Optional.empty();
        }
    }

    private static boolean hasMarkers(String value) {
        return value.length() >= PREFIX.length() + SUFFIX.length()
                && value.startsWith(PREFIX)
                && value.endsWith(SUFFIX);
    }

    private static boolean isPlain(String text) {
        if (text.isEmpty() || hasMarkers(text) || isBlank(text.charAt(0)) || isBlank(text.charAt(text.length() - 1))) {
            return text.isEmpty();
        }
        return isPrintable(text);
    }

    private static boolean isPrintable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\t' && (c < 0x20 || c > 0x7E)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isBlank(char c) {
        return c == ' ' || c == '\t';
    }
}
