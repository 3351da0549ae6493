package io.sluice.auth;

import io.sluice.rejection.Rejection;

/** The refusals of bearer authentication with their {@code WWW-Authenticate} value (RFC 6750, 3). */
final class Challenges {
    private static final String BARE = "Bearer";
    private static final String INVALID = "Bearer error=\"invalid_token\"";

    private Challenges() {}

    /** Nothing that could be a token was sent, so the challenge names no error (RFC 6750, 3.1). */
    static Rejection.Unauthenticated missing() {
        return new Rejection.Unauthenticated("A token is needed: send 'Authorization: Bearer <token>'", BARE);
    }

    static Rejection.Unauthenticated doubled() {
        return new Rejection.Unauthenticated("More than one Authorization header was sent; send one", INVALID);
    }

    static Rejection.Unauthenticated tooLong() {
        return new Rejection.Unauthenticated("The token exceeds " + Tokens.MAX_BYTES + " bytes", INVALID);
    }

    static Rejection.Unauthenticated malformed() {
        return new Rejection.Unauthenticated("The token contains a character that no token can have", INVALID);
    }

    static Rejection.Unauthenticated unknown() {
        return new Rejection.Unauthenticated("The token is not one of this gateway's", INVALID);
    }

    static Rejection.Unauthenticated unverified() {
        return new Rejection.Unauthenticated("The credentials could not be verified", INVALID);
    }
}
