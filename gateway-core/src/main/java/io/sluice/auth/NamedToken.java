package io.sluice.auth;

import java.util.regex.Pattern;

/**
 * A bearer token and whom it stands for. Two tokens may have one name: during a rotation both are the same caller,
 * whose sessions go on.
 *
 * @param name the caller's subject, {@code [A-Za-z0-9._@-]{1,64}}
 * @param secret the token itself, visible ASCII of at most {@link Tokens#MAX_BYTES}
 * @param managing whether it also opens the management API
 */
public record NamedToken(String name, String secret, boolean managing) {
    /** The name of a token that was given none. */
    public static final String UNNAMED = "default";

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._@-]{1,64}");

    public NamedToken {
        if (!NAME.matcher(name).matches()) {
            // Not quoted: what stands in the place of a name may be a token.
            throw new IllegalArgumentException(
                    "the name of a token must be 1 to 64 of A-Z, a-z, 0-9, '.', '_', '@', '-'");
        }
        if (secret.length() > Tokens.MAX_BYTES) {
            throw new IllegalArgumentException("the token named '" + name + "' exceeds " + Tokens.MAX_BYTES + " bytes");
        }
        if (!Tokens.isWellFormed(secret)) {
            throw new IllegalArgumentException(
                    "the token named '" + name + "' is empty or has a character other than visible ASCII");
        }
    }

    /** An unnamed token with all rights, as a single environment variable gives it. */
    public static NamedToken of(String secret) {
        return new NamedToken(UNNAMED, secret, true);
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "NamedToken[" + name + (managing ? "" : " calls only") + "]";
    }
}
