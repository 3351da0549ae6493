package io.sluice.session;

import java.util.Optional;

/**
 * Names of event streams, which say on which replica a stream is: so any replica can find the rest of a stream that an
 * event id names. A name is no secret and no proof; streams are only ever looked for within the session of a caller.
 *
 * @param name of the stream, unique within its session
 * @param replica where it is
 */
public record FarStreamId(String name, String replica) {
    private static final String STANDING = "0";
    private static final char SPLIT = '-';

    /** The stream of messages that belong to no call. */
    static String standing(String replica) {
        return ofCall(STANDING, replica);
    }

    static String ofCall(String number, String replica) {
        return replica.isEmpty() ? number : number + SPLIT + replica;
    }

    /** The stream that an event belongs to; empty when its id does not say where that is. */
    public static Optional<FarStreamId> ofEvent(String eventId) {
        int dot = eventId.lastIndexOf('.');
        int split = eventId.indexOf(SPLIT);
        return split <= 0 || dot <= split + 1
                ? Optional.empty()
                : Optional.of(new FarStreamId(eventId.substring(0, dot), eventId.substring(split + 1, dot)));
    }

    public boolean isStanding() {
        return name.startsWith(STANDING + SPLIT);
    }
}
