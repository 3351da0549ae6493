package io.sluice.envelope;

/** How {@link JsonScanner} says no; the readers turn it into their own words. Carries no stack trace. */
final class Malformed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean duplicate;

    private Malformed(String message, boolean duplicate) {
        super(message, null, false, false);
        this.duplicate = duplicate;
    }

    static Malformed at(int offset, String what) {
        return new Malformed(what + " at byte " + offset, false);
    }

    static Malformed duplicateKey(int offset) {
        return new Malformed("an object has the same key twice, at byte " + offset, true);
    }

    /** Whether the text is JSON by its grammar, but has a key twice in one object. */
    boolean duplicate() {
        return duplicate;
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
