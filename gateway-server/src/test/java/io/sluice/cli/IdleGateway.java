package io.sluice.cli;

import io.sluice.config.GatewayConfig;
import io.sluice.registry.Backend;
import io.sluice.server.GatewayLauncher;
import io.sluice.server.RunningGateway;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A process whose gateway serves nobody: what is left is starting, reloading and stopping. */
final class IdleGateway implements GatewayLauncher {
    private static final Logger LOG = LoggerFactory.getLogger("io.sluice.idle");

    private IdleGateway() {}

    public static void main(String[] args) {
        System.exit(Sluice.commandLine(new IdleGateway(), System.getenv()).execute(args));
    }

    @Override
    public Mono<RunningGateway> launch(GatewayConfig config, Flux<GatewayConfig> changes) {
        changes.subscribe(next -> LOG.atInfo()
                .addKeyValue(
                        "mcp.backends",
                        next.backends().stream().map(Backend::name).toList().toString())
                .log("applied"));
        LOG.debug("a line for the curious");
        LOG.info("first {}", "second\n12:00:00.000 ERROR forged\u001b[2J");
        return Mono.just(new RunningGateway() {
            @Override
            public InetSocketAddress address() {
                return new InetSocketAddress(config.server().host(), 4711);
            }

            @Override
            public Mono<Void> stop() {
                LOG.warn("draining", new IllegalStateException("as an example"));
                return Mono.delay(Duration.ofMillis(300))
                        .doOnNext(tick -> LOG.info("drained"))
                        .then();
            }
        });
    }
}
