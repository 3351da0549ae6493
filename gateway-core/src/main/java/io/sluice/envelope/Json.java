package io.sluice.envelope;

import java.nio.charset.StandardCharsets;

/** Writes JSON string literals: the one place that escapes. */
public final class Json {
    private static final String HEX = "0123456789abcdef";

    private Json() {}

    /**
     * The text as a JSON string literal, quotes included. Only what must be escaped is: quotes, backslashes, control
     * characters, and lone surrogates, which UTF-8 could not carry. So the literal never has a raw line break.
     */
    public static String quote(String text) {
        int length = text.length();
        StringBuilder json = new StringBuilder(length + 16).append('"');
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\n' -> json.append("\\n");
                case '\r' -> json.append("\\r");
                case '\t' -> json.append("\\t");
                default -> {
                    if (c < ' ' || (Character.isSurrogate(c) && !paired(text, i))) {
                        escape(json, c);
                    } else {
                        json.append(c);
                    }
                }
            }
        }
        return json.append('"').toString();
    }

    /** {@link #quote} as UTF-8. */
    public static byte[] quoteUtf8(String text) {
        return quote(text).getBytes(StandardCharsets.UTF_8);
    }

    private static boolean paired(String text, int i) {
        return Character.isHighSurrogate(text.charAt(i))
                ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }

    private static void escape(StringBuilder json, char c) {
        json.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
            json.append(HEX.charAt((c >> shift) & 0xF));
        }
    }
}
