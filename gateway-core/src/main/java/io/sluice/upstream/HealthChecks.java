package io.sluice.upstream;

import io.sluice.balance.EndpointState;
import io.sluice.balance.Endpoints;
import io.sluice.guard.Gate;
import io.sluice.registry.Endpoint;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Asks endpoints that are out whether they are back, in the protocol that the backend speaks. One that answers is in
 * again at once; the breaker of a backend whose only endpoint answers lets calls try at once. Endpoints that are in are
 * not asked: calls tell more about them.
 */
final class HealthChecks implements Disposable {
    private final Endpoints endpoints;
    private final Gate gate;
    private final Function<Endpoint, Mono<Void>> ask;
    private final Duration interval;
    private final Scheduler timer;
    private final Disposable.Swap running = Disposables.swap();
    private volatile boolean started;

    /** @param ask completes when the endpoint answers as an MCP server would */
    HealthChecks(
            Endpoints endpoints, Gate gate, Duration interval, Scheduler timer, Function<Endpoint, Mono<Void>> ask) {
        this.endpoints = endpoints;
        this.gate = gate;
        this.interval = interval;
        this.timer = timer;
        this.ask = ask;
    }

    /** Starts, once. */
    void start() {
        if (started || interval.isZero() || running.isDisposed()) {
            return;
        }
        started = true;
        running.update(Flux.interval(interval, timer)
                .onBackpressureDrop()
                .concatMap(tick -> round())
                .subscribe());
    }

    private Mono<Void> round() {
        List<EndpointState> out = endpoints.out(System.nanoTime());
        boolean alone = endpoints.size() == 1 && gate.breaker().isOpen(System.nanoTime());
        return Flux.fromIterable(alone ? endpoints.states() : out)
                .flatMap(this::check)
                .then();
    }

    private Mono<Void> check(EndpointState state) {
        return ask.apply(state.endpoint())
                .timeout(interval.multipliedBy(2), timer)
                .doOnSuccess(done -> {
                    endpoints.checked(state.endpoint(), true);
                    if (endpoints.size() == 1) {
                        gate.breaker().halfOpen();
                    }
                })
                .doOnError(error -> endpoints.checked(state.endpoint(), false))
                .onErrorComplete();
    }

    @Override
    public void dispose() {
        running.dispose();
    }
}
