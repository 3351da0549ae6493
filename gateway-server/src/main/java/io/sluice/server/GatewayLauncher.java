package io.sluice.server;

import io.sluice.config.GatewayConfig;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Starts a gateway from its settings. The seam between the command line and what serves. */
@FunctionalInterface
public interface GatewayLauncher {
    /**
     * Starts listening.
     *
     * @param config what to start with, checked already
     * @param changes later configurations, checked as well; each replaces the one before. It emits on a thread that may
     *     block, and the gateway subscribes for as long as it runs.
     * @return the gateway once it listens; an error when it cannot, such as a {@link java.net.BindException}
     */
    Mono<RunningGateway> launch(GatewayConfig config, Flux<GatewayConfig> changes);
}
