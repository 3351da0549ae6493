package io.sluice.session;

import java.util.List;
import java.util.Optional;

/**
 * What replicas say to each other about legacy sessions. All of it may be lost, and none of it does harm when it comes
 * twice.
 */
public sealed interface SessionNews {
    /** {@link SessionTicket#id()} of the session. */
    String session();

    // To all

    /** Its client ended it. */
    record Ended(String session, long expiresAtMillis) implements SessionNews {}

    /** Its client wants no answer to a call any more. {@code requestId} and {@code reason} as JSON. */
    record Cancelled(String session, String requestId, Optional<String> reason) implements SessionNews {}

    record LevelSet(String session, String level) implements SessionNews {}

    /** Its client wants to hear of a resource, or no longer does. */
    record Wants(String session, String uri, boolean wanted) implements SessionNews {}

    /**
     * The sender has the client's standing stream now: whoever holds some of it hands it over.
     *
     * @param question to be named in the answer
     * @param after the event that the client had last, if it resumes
     */
    record Holding(String session, long question, Optional<String> after) implements SessionNews {}

    /** The sender will be gone soon: what it did for sessions is for others to do. Concerns no session in particular. */
    record Leaving() implements SessionNews {
        @Override
        public String session() {
            return "";
        }
    }

    // To one

    /**
     * What a replica had of a standing stream.
     *
     * @param held whether it held the stream until now
     * @param found whether it knew the event to resume after; then {@code events} begin after that
     * @param events in order
     * @param subscriptions that it looked after, by the URIs that the client knows
     * @param changedLists lists that changed and the client was not told of, as bits
     */
    record HandedOver(
            String session,
            long question,
            boolean held,
            boolean found,
            List<StoredEvents.Event> events,
            List<String> subscriptions,
            int changedLists)
            implements SessionNews {
        public HandedOver {
            events = List.copyOf(events);
            subscriptions = List.copyOf(subscriptions);
        }
    }

    /** A message for the client, to the replica that holds its standing stream. */
    record Said(String session, byte[] json) implements SessionNews {}

    /** The client's answer to a request that the receiver put to it. {@code id} as JSON. */
    record Answered(String session, String id, byte[] json) implements SessionNews {}

    /** The client wants the rest of a stream of the receiver's. */
    record Resume(String session, String stream, String after, long reader) implements SessionNews {}

    /** The reader has taken messages, and there is room for as many more. */
    record Took(String session, String stream, long reader, int count) implements SessionNews {}

    /** The reader has gone. */
    record Left(String session, String stream, long reader) implements SessionNews {}

    /**
     * The next of a stream: what an {@link EventStream.Item} says.
     *
     * @param eventId empty for what cannot be resumed after
     */
    record Next(String session, long reader, Optional<String> eventId, Optional<byte[]> json, long retryMillis)
            implements SessionNews {}

    /** There is no more; {@code known} is false when there never was. */
    record Over(String session, long reader, boolean known) implements SessionNews {}
}
