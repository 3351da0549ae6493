package io.sluice.config;

/**
 * One thing that is wrong, or worth knowing, with where it was written. Never holds the value of a variable or of a
 * secret.
 *
 * @param sentence what is wrong and, where it can be known, what would be right
 */
public record Fault(Location at, String sentence) {

    /** {@code file:line:col: sentence}. */
    @Override
    public String toString() {
        return at + ": " + sentence;
    }
}
