package io.sluice.listener;

/**
 * Bytes that are sent on a connection of their own, and what must come back.
 *
 * @param answers the statuses, in order; empty where the connection just closes
 */
record HttpCase(String name, String bytes, String answers) {
    static final String H = "Host: localhost\r\n";
    static final String END = "Connection: close\r\n\r\n";
    static final String GET = "GET / HTTP/1.1\r\n" + H;
    static final String POST = "POST / HTTP/1.1\r\n" + H;
    static final String SMUGGLED = "GET /smuggled HTTP/1.1\r\n" + H + END;

    @Override
    public String toString() {
        return name;
    }

    /** A text with what cannot be shown spelled out. */
    static String printable(String text) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            shown.append(c >= ' ' && c < 0x7f ? String.valueOf(c) : String.format("\\x%02x", (int) c));
        }
        return shown.toString();
    }
}
