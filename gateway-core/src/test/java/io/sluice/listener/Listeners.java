package io.sluice.listener;

import java.util.Objects;
import reactor.netty.resources.LoopResources;

/** Starts listeners for tests, which may wait. */
final class Listeners {
    private Listeners() {}

    static HttpListener start(ListenerSettings settings, LoopResources loops, HttpHandler handler) {
        return Objects.requireNonNull(
                HttpListener.start(settings, loops, handler).block());
    }
}
