package io.sluice.session;

/** Something that changes about a session and is told to the store in passing: kept soon, or lost with the store. */
public sealed interface SessionNote {
    /** It was used. */
    record Used() implements SessionNote {}

    record LogLevel(String level) implements SessionNote {}

    /** Its client wants to hear of a resource. */
    record Subscribed(String uri) implements SessionNote {}

    record Unsubscribed(String uri) implements SessionNote {}

    /** Its client has a task under this name. */
    record TaskBegun(String name) implements SessionNote {}

    record TaskForgotten(String name) implements SessionNote {}

    /** A replica took its standing stream. */
    record Holder(String replica) implements SessionNote {}
}
