package io.sluice.auth;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a bearer token may look like, and what it should not. */
public final class Tokens {
    /** The longest token that is looked at. */
    public static final int MAX_BYTES = 8 * 1024;

    /** Sixteen random hexadecimal digits are 64 bits, which nobody guesses over a network. */
    private static final int SHORTEST = 16;

    private static final int FEWEST_DISTINCT = 6;

    /**
     * Parts of examples and placeholders, letters and digits only. What is left of a token without them must be long
     * enough.
     */
    private static final List<String> EXAMPLES = List.of(
            "mcptoken",
            "mcpserver",
            "changeme",
            "changeit",
            "changethis",
            "replaceme",
            "replacethis",
            "insert",
            "yourtoken",
            "yoursecret",
            "yourbearer",
            "yourapikey",
            "yourkey",
            "tokenhere",
            "secrethere",
            "keyhere",
            "mytoken",
            "mysecret",
            "secrettoken",
            "testtoken",
            "demotoken",
            "devtoken",
            "bearertoken",
            "authtoken",
            "accesstoken",
            "admintoken",
            "sampletoken",
            "supersecret",
            "topsecret",
            "secretkey",
            "example",
            "placeholder",
            "password",
            "passw0rd",
            "letmein",
            "qwerty",
            "asdfgh",
            "abcdef1",
            "abc123",
            "deadbeef",
            "foobar",
            "hunter2",
            "todotodo",
            "optionalbearer");

    private Tokens() {}

    /** Whether the text can travel as a token: visible ASCII and at least one character of it. */
    static boolean isWellFormed(String token) {
        for (int i = 0; i < token.length(); i++) {
            char c = token.charAt(i);
            if (c < 0x21 || c > 0x7E) {
                return false;
            }
        }
        return !token.isEmpty();
    }

    /**
     * Why a token should not protect anything, or empty when nothing speaks against it. It finds the careless choices
     * (short, copied from an example, a pattern of the keyboard), and cannot prove that a token is random.
     *
     * @return the end of a sentence that begins with the token's name, such as {@code is 13 characters long; use at
     *     least 16}; never quotes the token
     */
    public static Optional<String> weakness(String token) {
        if (token.isBlank()) {
            return Optional.of("is empty");
        }
        if (!isWellFormed(token)) {
            return Optional.of("has a character other than visible ASCII, so no client can send it");
        }
        if (token.length() > MAX_BYTES) {
            return Optional.of("is " + token.length() + " characters long; at most " + MAX_BYTES + " are read");
        }
        if (isPlaceholder(token)) {
            return Optional.of("is a placeholder that was not filled in");
        }
        if (isExample(token)) {
            return Optional.of("is little more than a well-known example value");
        }
        if (token.length() < SHORTEST) {
            return Optional.of("is " + token.length() + " characters long; use at least " + SHORTEST);
        }
        if (token.chars().distinct().count() < FEWEST_DISTINCT) {
            return Optional.of("has fewer than " + FEWEST_DISTINCT + " different characters");
        }
        if (isRepetition(token)) {
            return Optional.of("is a short text repeated");
        }
        if (isSequence(token)) {
            return Optional.of("is a run of neighbouring characters");
        }
        return Optional.empty();
    }

    private static boolean isPlaceholder(String token) {
        return (token.startsWith("<") && token.endsWith(">"))
                || (token.startsWith("[") && token.endsWith("]"))
                || token.startsWith("${")
                || token.startsWith("{{");
    }

    private static boolean isExample(String token) {
        String plain = token.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
        String rest = plain;
        for (String example : EXAMPLES) {
            rest = rest.replace(example, "");
        }
        return rest.length() < plain.length() && rest.length() < SHORTEST;
    }

    private static boolean isRepetition(String token) {
        for (int period = 1; period <= token.length() / 2; period++) {
            if (token.regionMatches(0, token, period, token.length() - period)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Three quarters of the steps from one character to the next go up by one, down by one or nowhere; of random
     * letters or digits, under a third do.
     */
    private static boolean isSequence(String token) {
        int steps = 0;
        for (int i = 1; i < token.length(); i++) {
            steps += Math.abs(token.charAt(i) - token.charAt(i - 1)) <= 1 ? 1 : 0;
        }
        return steps * 4 >= (token.length() - 1) * 3;
    }
}
