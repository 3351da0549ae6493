package io.sluice.config;

import java.util.regex.Pattern;

/**
 * A bearer token callers may present.
 *
 * @param name what the caller is called in logs
 * @param value the secret itself
 */
public record Token(String name, String value) {
    // RFC 6750, 2.1: what can stand after "Bearer ".
    private static final Pattern BEARER = Pattern.compile("[A-Za-z0-9._~+/-]+=*");

    public Token {
        if (name.isBlank()) {
            throw new IllegalArgumentException("a token needs a name");
        }
        if (value.isEmpty()) {
            throw new IllegalArgumentException("the token '" + name + "' is empty");
        }
        if (!BEARER.matcher(value).matches()) {
            throw new IllegalArgumentException("the token '" + name
                    + "' holds a character that an Authorization header cannot carry; use letters, digits and -._~+/=");
        }
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "Token[" + name + "]";
    }
}
