package io.sluice.upstream;

/** The media types of Streamable HTTP (2025-11-25 and 2026-07-28, <em>Transports</em>). */
final class MediaTypes {
    static final String JSON = "application/json";
    static final String JSON_UTF_8 = "application/json; charset=utf-8";
    static final String EVENT_STREAM = "text/event-stream";

    /** What a client of the protocol accepts. */
    static final String BOTH = JSON + ", " + EVENT_STREAM;

    private MediaTypes() {}
}
