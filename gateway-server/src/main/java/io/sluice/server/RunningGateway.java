package io.sluice.server;

import java.net.InetSocketAddress;
import reactor.core.publisher.Mono;

/** A gateway that was launched. */
public interface RunningGateway {
    /** Where it listens; the port is the one in use. */
    InetSocketAddress address();

    /**
     * Stops: readiness first, then no new connections, calls in flight finish within the configured time, streams end as their era wants it. Completes when all of it is done; subscribing again joins the same stop.
     */
    Mono<Void> stop();
}
