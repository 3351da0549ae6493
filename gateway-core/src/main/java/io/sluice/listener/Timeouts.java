package io.sluice.listener;

import java.time.Duration;

/**
 * How long the listener waits for a client. None of these ends a response that is being read, however long it takes.
 *
 * @param handshake for TLS
 * @param idle between requests, and from the first to the last byte of a request's head
 * @param read between two parts of a request's body
 * @param request from the head to the end of the body
 * @param stall for a client that has bytes to read and takes none
 */
public record Timeouts(Duration handshake, Duration idle, Duration read, Duration request, Duration stall) {
    public static final Timeouts STANDARD = new Timeouts(
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            Duration.ofSeconds(10),
            Duration.ofSeconds(15),
            Duration.ofSeconds(20));

    public Timeouts {
        positive("handshake", handshake);
        positive("idle", idle);
        positive("read", read);
        positive("request", request);
        positive("stall", stall);
    }

    private static void positive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException("timeout " + name + " " + value + " is not positive");
        }
    }
}
