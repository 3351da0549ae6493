package io.sluice.catalog;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;

/**
 * The forms a name takes on the aggregate. Listed names have at most 64 characters of {@code [A-Za-z0-9_-]}, because
 * several model vendors accept no others; a name that does not fit is cut and its bad characters are replaced, and
 * eight characters of a hash over the whole of it keep it apart from its like on every replica.
 */
final class ExposedNames {
    static final String SEPARATOR = "__";
    static final int LONGEST = 64;
    private static final String APP = "ui://";
    private static final int HASH_LENGTH = 8;
    private static final String BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

    private ExposedNames() {}

    /** The name by itself. */
    static String bare(String name) {
        return fits(name) ? name : shorten(name, 0);
    }

    /** The name with its backend's before it; {@code salt} above zero asks for another spelling. */
    static String qualified(String backend, String name, int salt) {
        String whole = backend + SEPARATOR + name;
        return salt == 0 && fits(whole) ? whole : shorten(whole, salt);
    }

    /**
     * Whether a bare name could be taken for some backend's qualified one. Such a name is never listed bare, whether or
     * not that backend exists: else it could be registered later, and one of the two would be shadowed. Backends' names
     * have no underscore, so the first separator is the one.
     */
    static boolean looksQualified(String name) {
        int separator = name.indexOf(SEPARATOR);
        return separator > 0 && isBackendName(name, 0, separator);
    }

    /**
     * The URI or URI template with its backend's name before the scheme; that of an MCP App keeps its scheme, by which
     * hosts know it.
     */
    static String qualifiedUri(String backend, String uri) {
        int start = qualifierStart(uri);
        return uri.substring(0, start) + backend + "+" + uri.substring(start);
    }

    /** The backend's name in a URI of the form {@code backend+scheme:…} or {@code ui://backend+…}, or nothing. */
    static Optional<String> uriQualifier(String uri) {
        int start = qualifierStart(uri);
        int plus = uri.indexOf('+', start);
        return plus > start && isBackendName(uri, start, plus)
                ? Optional.of(uri.substring(start, plus))
                : Optional.empty();
    }

    /** A qualified URI without its outermost qualifier. */
    static String unqualifiedUri(String uri) {
        int start = qualifierStart(uri);
        return uri.substring(0, start) + uri.substring(uri.indexOf('+', start) + 1);
    }

    private static int qualifierStart(String uri) {
        return uri.startsWith(APP) ? APP.length() : 0;
    }

    private static boolean isBackendName(String text, int start, int end) {
        if (end - start > LONGEST) {
            return false;
        }
        for (int i = start; i < end; i++) {
            char c = text.charAt(i);
            if (!(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')) {
                return false;
            }
        }
        return true;
    }

    static boolean fits(String name) {
        if (name.isEmpty() || name.length() > LONGEST) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            if (!isSafe(name.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSafe(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-';
    }

    private static String shorten(String name, int salt) {
        int kept = Math.min(name.length(), LONGEST - HASH_LENGTH - 1);
        StringBuilder text = new StringBuilder(LONGEST);
        for (int i = 0; i < kept; i++) {
            char c = name.charAt(i);
            text.append(isSafe(c) ? c : '_');
        }
        return text.append('_')
                .append(hash(salt == 0 ? name : name + '\0' + salt))
                .toString();
    }

    private static String hash(String text) {
        byte[] digest;
        try {
            digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        long bits = 0;
        for (int i = 0; i < 5; i++) {
            bits = bits << 8 | digest[i] & 0xFF;
        }
        StringBuilder hash = new StringBuilder(HASH_LENGTH);
        for (int shift = 35; shift >= 0; shift -= 5) {
            hash.append(BASE32.charAt((int) (bits >> shift) & 31));
        }
        return hash.toString();
    }
}
