package io.sluice.upstream;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Told, on the event loop, what became of a request that did not have to wait: one of the two, once. */
interface Prompt {
    /** The whole of a small JSON answer. */
    void whole(byte[] json);

    /** Anything else, for somebody who can wait. */
    void otherwise(Mono<Answer> outcome);

    /** Who takes a large JSON answer as it comes, if anybody does. */
    default Direct.@Nullable Flow flow() {
        return null;
    }
}
