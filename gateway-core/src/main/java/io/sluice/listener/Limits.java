package io.sluice.listener;

/**
 * The sizes and counts beyond which the listener refuses.
 *
 * @param maxConnections open connections; further ones are closed at once
 * @param maxBodyBytes of a request: 413
 * @param maxLineBytes of the request line: 414
 * @param maxHeadBytes of the request line and all headers together: 431
 * @param maxHeaders count of header lines: 431
 * @param maxHeaderBytes of one header's value: 431
 * @param maxRequestsPerConnection after so many the connection is closed with the response
 * @param maxStreams concurrent h2 streams of one connection
 * @param maxControlFrames PING and SETTINGS frames that an h2 connection may send in ten seconds
 */
public record Limits(
        int maxConnections,
        long maxBodyBytes,
        int maxLineBytes,
        int maxHeadBytes,
        int maxHeaders,
        int maxHeaderBytes,
        int maxRequestsPerConnection,
        int maxStreams,
        int maxControlFrames) {
    /** What {@code maxBodyBytes} is unless told otherwise: as much as the official TypeScript SDK lets a server take. */
    public static final long BODY_BYTES = 4 << 20;

    /** The largest body that {@code maxBodyBytes} should allow without a reason. */
    public static final long BODY_BYTES_CAP = 64 << 20;

    public static final Limits STANDARD = new Limits(16_384, BODY_BYTES, 4096, 16_384, 100, 4096, 10_000, 100, 200);

    public Limits {
        positive("maxConnections", maxConnections);
        positive("maxBodyBytes", maxBodyBytes);
        positive("maxLineBytes", maxLineBytes);
        positive("maxHeadBytes", maxHeadBytes);
        positive("maxHeaders", maxHeaders);
        positive("maxHeaderBytes", maxHeaderBytes);
        positive("maxRequestsPerConnection", maxRequestsPerConnection);
        positive("maxStreams", maxStreams);
        positive("maxControlFrames", maxControlFrames);
        if (maxBodyBytes > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("maxBodyBytes " + maxBodyBytes + " does not fit into one array");
        }
    }

    public Limits withMaxBodyBytes(long bytes) {
        return new Limits(
                maxConnections,
                bytes,
                maxLineBytes,
                maxHeadBytes,
                maxHeaders,
                maxHeaderBytes,
                maxRequestsPerConnection,
                maxStreams,
                maxControlFrames);
    }

    public Limits withMaxConnections(int connections) {
        return new Limits(
                connections,
                maxBodyBytes,
                maxLineBytes,
                maxHeadBytes,
                maxHeaders,
                maxHeaderBytes,
                maxRequestsPerConnection,
                maxStreams,
                maxControlFrames);
    }

    private static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " " + value + " is not at least 1");
        }
    }
}
