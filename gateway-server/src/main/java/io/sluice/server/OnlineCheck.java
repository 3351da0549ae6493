package io.sluice.server;

import io.sluice.catalog.Contribution;
import io.sluice.catalog.Listing;
import io.sluice.config.GatewayConfig;
import io.sluice.config.StartCheck;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoverySettings;
import io.sluice.egress.EgressPolicy;
import io.sluice.listener.HttpListener;
import io.sluice.registry.Backend;
import io.sluice.registry.InMemoryRegistry;
import io.sluice.registry.Registry;
import io.sluice.stdio.CommandAllowList;
import io.sluice.upstream.UpstreamSettings;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** Asks every backend of a configuration what it offers, as the gateway would, and listens to nobody. Each has 20 seconds to answer. */
public final class OnlineCheck {
    /** Programs that are fetched when they start, as npx does it, take a while. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final String version;
    private final GatewayConfig config;

    public OnlineCheck(String version, GatewayConfig config) {
        this.version = version;
        this.config = config;
    }

    /**
     * What one backend answered.
     *
     * @param listing what it offers; empty when it could not be asked
     * @param trouble why not, as a sentence
     */
    public record Found(Backend backend, Optional<Listing> listing, Optional<String> trouble) {
        public boolean usable() {
            return listing.isPresent() && trouble.isEmpty();
        }
    }

    /** Every backend, in the order of the file; all are asked at once. */
    public Flux<Found> run() {
        return Flux.usingWhen(Mono.fromSupplier(Asking::new), Asking::all, Asking::end);
    }

    private final class Asking {
        private final LoopResources loops = HttpListener.newLoops("sluice-check", 1);
        private final Registry registry = new InMemoryRegistry();
        private final Discovery discovery;

        Asking() {
            EgressPolicy egress = EgressPolicy.of(
                    StartCheck.isLoopback(config.server().host()),
                    config.egress().allowPrivate());
            CommandAllowList allowed = new CommandAllowList(config.stdioAllow());
            discovery = Discovery.start(
                    registry,
                    UpstreamSettings.of(loops, egress, version, new SecureRandom())
                            .withAdapters(SluiceServer.adapters(loops, egress, version, () -> allowed)),
                    DiscoverySettings.DEFAULT.withFirstAttempt(PATIENCE));
        }

        Flux<Found> all() {
            return Flux.fromIterable(config.backends())
                    .concatMap(registry::register)
                    .thenMany(Flux.fromIterable(config.backends()).flatMapSequential(this::ask));
        }

        private Mono<Found> ask(Backend backend) {
            return discovery
                    .refresh(backend.name())
                    .map(contribution -> found(backend, contribution))
                    .defaultIfEmpty(new Found(
                            backend,
                            Optional.empty(),
                            Optional.of("It did not answer within " + PATIENCE.toSeconds() + " s")));
        }

        private Found found(Backend backend, Contribution contribution) {
            Optional<String> trouble = contribution.trouble();
            return contribution.listing().isEmpty() && trouble.isEmpty()
                    ? new Found(
                            backend,
                            Optional.empty(),
                            Optional.of("It did not answer within " + PATIENCE.toSeconds() + " s"))
                    : new Found(backend, contribution.listing(), trouble);
        }

        Mono<Void> end() {
            return discovery.stop().then(loops.disposeLater(Duration.ZERO, Duration.ofSeconds(2)));
        }
    }
}
