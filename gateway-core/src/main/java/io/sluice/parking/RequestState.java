package io.sluice.parking;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What a {@code requestState} of the gateway's says to the gateway. The client sees it sealed.
 *
 * @param owner the replica where the call waits
 * @param call which of the owner's calls, 16 bytes in hexadecimal digits; empty when no call waits, and the request
 *     is to be sent to the backend again
 * @param round which of the call's questions it belongs to
 * @param expiresAt to the second
 */
record RequestState(String owner, String call, int round, Instant expiresAt) {
    private static final byte FORMAT = 1;

    byte[] encode() {
        byte[] replica = owner.getBytes(UTF_8);
        byte[] id = HexFormat.of().parseHex(call);
        return ByteBuffer.allocate(3 + Long.BYTES + Integer.BYTES + replica.length + id.length)
                .put(FORMAT)
                .putLong(expiresAt.getEpochSecond())
                .putInt(round)
                .put((byte) replica.length)
                .put(replica)
                .put((byte) id.length)
                .put(id)
                .array();
    }

    /** What {@link #encode} wrote; empty when another version of Sluice wrote what this one does not know. */
    static Optional<RequestState> decode(byte[] encoded) {
        ByteBuffer in = ByteBuffer.wrap(encoded);
        try {
            if (in.get() != FORMAT) {
                return Optional.empty();
            }
            Instant expiresAt = Instant.ofEpochSecond(in.getLong());
            int round = in.getInt();
            byte[] replica = new byte[in.get()];
            in.get(replica);
            byte[] id = new byte[in.get()];
            in.get(id);
            return Optional.of(
                    new RequestState(new String(replica, UTF_8), HexFormat.of().formatHex(id), round, expiresAt));
        } catch (BufferUnderflowException | NegativeArraySizeException e) {
            return Optional.empty();
        }
    }
}
