package io.sluice.grpc;

/** What a service says of itself cannot be meant; the sentence says why. */
final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unreadable(String message) {
        super(message, null, false, false);
    }
}
