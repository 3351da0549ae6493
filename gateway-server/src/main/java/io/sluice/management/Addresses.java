package io.sluice.management;

import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Looks at where a request wants calls to go before anything is kept of it. */
final class Addresses {
    private static final Duration RESOLUTION = Duration.ofSeconds(5);

    private final EgressPolicy egress;

    Addresses(EgressPolicy egress) {
        this.egress = egress;
    }

    /**
     * Refuses an address the API may not name. A name that cannot be resolved now is no reason to refuse: each
     * connection is checked again when it is made.
     *
     * @param pointer a JSON pointer to the address in the request
     */
    Mono<Void> check(Endpoint endpoint, String pointer) {
        return Mono.fromCallable(() -> resolved(endpoint))
                .subscribeOn(Schedulers.boundedElastic()) // the resolver blocks
                .timeout(RESOLUTION, Mono.just(List.of()))
                .doOnNext(addresses -> {
                    for (InetSocketAddress address : addresses) {
                        egress.refusal(Backend.Source.API, address).ifPresent(why -> {
                            throw Problem.unprocessable("url.forbidden", pointer, why);
                        });
                    }
                })
                .then();
    }

    private static List<InetSocketAddress> resolved(Endpoint endpoint) {
        try {
            List<InetSocketAddress> addresses = new ArrayList<>();
            for (InetAddress address : InetAddress.getAllByName(endpoint.url().getHost())) {
                addresses.add(new InetSocketAddress(address, endpoint.port()));
            }
            return addresses;
        } catch (UnknownHostException unknown) {
            return List.of();
        }
    }
}
