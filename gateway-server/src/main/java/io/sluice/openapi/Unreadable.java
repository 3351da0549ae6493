package io.sluice.openapi;

/** A document that cannot be meant, with a sentence that says why. */
final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unreadable(String message) {
        super(message, null, false, false);
    }
}
