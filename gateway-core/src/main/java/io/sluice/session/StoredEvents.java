package io.sluice.session;

import java.util.List;
import java.util.Optional;

/**
 * A part of a stream, in order: what is to be kept, or what was kept of it.
 *
 * @param request the id, as JSON, of the call that the stream answers; empty for the standing stream
 * @param completed whether the stream ends after these
 */
public record StoredEvents(Optional<String> request, List<Event> events, boolean completed) {
    /** Of a stream that nothing is known of. */
    public static final StoredEvents NONE = new StoredEvents(Optional.empty(), List.of(), false);

    public StoredEvents {
        events = List.copyOf(events);
    }

    /**
     * One message of a stream.
     *
     * @param id to resume after
     * @param json shared, never written
     */
    public record Event(String id, byte[] json) {}
}
