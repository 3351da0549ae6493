package io.sluice.oauth;

/** Why no token can be had: the end of a sentence about the backend, without any secret. */
sealed class OAuthTrouble extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OAuthTrouble(String message) {
        super(message, null, false, false);
    }

    String reason() {
        return String.valueOf(getMessage());
    }

    /** The authorization server said no to what was granted before, and would say it again: a person has to agree anew. */
    static final class Ended extends OAuthTrouble {
        private static final long serialVersionUID = 1L;

        Ended(String message) {
            super(message);
        }
    }
}
