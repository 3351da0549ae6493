package io.sluice.registry.redis;

/**
 * A record as Redis keeps it: {@code <revision>|<since>|<ttl in ms>|<body>}.
 *
 * @param ttlMillis 0 when it stays
 */
record Kept(long revision, long since, long ttlMillis, String body) {
    static Kept of(String text) {
        int first = text.indexOf('|');
        int second = text.indexOf('|', first + 1);
        int third = text.indexOf('|', second + 1);
        if (first < 0 || second < 0 || third < 0) {
            throw new IllegalArgumentException("'" + text.substring(0, Math.min(40, text.length())) + "' is no record");
        }
        return new Kept(
                Long.parseLong(text.substring(0, first)),
                Long.parseLong(text.substring(first + 1, second)),
                Long.parseLong(text.substring(second + 1, third)),
                text.substring(third + 1));
    }
}
