package io.sluice.listener;

import org.reactivestreams.Publisher;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** What answers a request that the listener let through. */
@FunctionalInterface
public interface HttpHandler {
    /**
     * Called on the event loop of the connection; must not block. The exchange ends with the publisher. A
     * {@link io.sluice.rejection.Rejection}, thrown or published before the response has begun, becomes its refusal; any
     * other error a 500. When the client goes away the publisher is cancelled.
     */
    Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response);
}
