package io.sluice.upstream;

import reactor.core.publisher.Mono;

/** The one stream per backend on which its changes arrive, whichever era it speaks. Safe for use by many threads. */
interface Feed {
    /** Opens the stream and keeps it open; a second call does nothing. */
    void start();

    /** Has the backend report changes of a resource. Counting who wants it is the caller's. */
    Mono<Void> add(String uri);

    /** The opposite of {@link #add}. */
    Mono<Void> remove(String uri);

    /** Whether the stream is open now. */
    boolean isOpen();

    void close();
}
