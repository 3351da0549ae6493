package io.sluice.envelope;

/**
 * Where a JSON value stands in a body: from its first byte, an opening quote or bracket included, to the byte after its
 * last.
 */
public record Span(int start, int end) {
    /** The place of a value that is not there. */
    public static final Span NONE = new Span(0, 0);

    public Span {
        if (start < 0 || end < start) {
            throw new IllegalArgumentException("no span: " + start + ".." + end);
        }
    }

    /** No JSON value is empty, so an empty span stands for none. */
    public boolean isPresent() {
        return end > start;
    }

    public int length() {
        return end - start;
    }
}
