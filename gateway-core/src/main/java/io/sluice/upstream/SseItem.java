package io.sluice.upstream;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What {@link SseReader} finds in a stream, one dispatch at a time. */
public sealed interface SseItem {
    /**
     * One event, dispatched by its blank line.
     *
     * @param id the stream's last event id as of this event, or null while none was ever given
     * @param type the value of {@code event:}, or empty when there was none
     * @param data the joined {@code data:} lines, or null when the event had none; empty for a priming event (SEP-1699)
     */
    record Dispatched(@Nullable String id, String type, byte @Nullable [] data) implements SseItem {}

    /** A line that starts with a colon: somebody keeps the connection alive. */
    record Comment() implements SseItem {
        static final Comment INSTANCE = new Comment();
    }

    /** The server asks to wait this long before the next connection. */
    record Retry(Duration after) implements SseItem {}
}
