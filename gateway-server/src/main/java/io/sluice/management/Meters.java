package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.GET;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.EndpointState;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoveryState;
import io.sluice.guard.Breaker;
import io.sluice.guard.Gate;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Page;
import io.sluice.management.Operation.Question;
import io.sluice.upstream.Upstream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * What Prometheus is told: the state of breakers and places under resilience4j's own names, so that dashboards made for
 * it fit, that of endpoints, and the JVM. Meters read the state when they are asked; no call pays for them. They come
 * and go with the backends.
 */
final class Meters implements Disposable {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collector = new JvmGcMetrics();
    private final Map<String, Known> known = new HashMap<>();
    private final Disposable following;

    private record Known(Upstream upstream, List<Meter> meters) {}

    Meters(Discovery discovery) {
        new JvmMemoryMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        collector.bindTo(registry);
        this.following = discovery.states().subscribe(this::follow);
    }

    List<Operation> operations() {
        return List.of(Operation.managing(GET, "/metrics", "Meters, in the form of Prometheus", this::scrape));
    }

    private Mono<Answer> scrape(Question question) {
        return Mono.fromCallable(() -> new Answer(
                        200,
                        new Page("text/plain; version=0.0.4", registry.scrape().getBytes(UTF_8))))
                .subscribeOn(Schedulers.boundedElastic());
    }

    /** Signals come one after the other. */
    private synchronized void follow(DiscoveryState state) {
        known.entrySet().removeIf(entry -> {
            if (entry.getValue().upstream() == state.upstreams().get(entry.getKey())) {
                return false;
            }
            entry.getValue().meters().forEach(registry::remove);
            return true;
        });
        state.upstreams().forEach((name, upstream) -> known.computeIfAbsent(name, key -> bound(key, upstream)));
    }

    private Known bound(String name, Upstream upstream) {
        List<Meter> meters = new ArrayList<>();
        Gate gate = upstream.gate();
        Tags tags = Tags.of("name", name);
        breaker(meters, tags, gate.breaker());
        gauge(meters, "resilience4j.bulkhead.max.allowed.concurrent.calls", tags, gate, Gate::limit);
        gauge(
                meters,
                "resilience4j.bulkhead.available.concurrent.calls",
                tags,
                gate,
                it -> Math.max(0, it.limit() - it.inFlight()));
        gauge(meters, "sluice.backend.waiting.calls", tags, gate, Gate::waiting);
        gauge(meters, "sluice.backend.refused.calls", tags, gate, Gate::refused);
        gauge(meters, "sluice.backend.retries", tags, upstream, Upstream::retries);
        for (EndpointState endpoint : upstream.endpoints().states()) {
            Tags at = tags.and("endpoint", Servers.shown(endpoint.endpoint().url()));
            gauge(meters, "sluice.endpoint.in.flight", at, endpoint, EndpointState::inFlight);
            gauge(
                    meters,
                    "sluice.endpoint.expected.seconds",
                    at,
                    endpoint,
                    it -> it.averageNanos(System.nanoTime()) / 1e9);
            gauge(
                    meters,
                    "sluice.endpoint.in",
                    at,
                    endpoint,
                    it -> it.isDrained() || it.isEjected(System.nanoTime()) ? 0 : 1);
        }
        return new Known(upstream, meters);
    }

    private void breaker(List<Meter> meters, Tags tags, Breaker breaker) {
        for (CircuitBreaker.State state : CircuitBreaker.State.values()) {
            gauge(
                    meters,
                    "resilience4j.circuitbreaker.state",
                    tags.and("state", state.name().toLowerCase(Locale.ROOT)),
                    breaker,
                    it -> it.state() == state ? 1 : 0);
        }
        gauge(
                meters,
                "resilience4j.circuitbreaker.failure.rate",
                tags,
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getFailureRate));
        gauge(
                meters,
                "resilience4j.circuitbreaker.slow.call.rate",
                tags,
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getSlowCallRate));
        gauge(
                meters,
                "resilience4j.circuitbreaker.buffered.calls",
                tags.and("kind", "successful"),
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getNumberOfSuccessfulCalls));
        gauge(
                meters,
                "resilience4j.circuitbreaker.buffered.calls",
                tags.and("kind", "failed"),
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getNumberOfFailedCalls));
        gauge(
                meters,
                "resilience4j.circuitbreaker.not.permitted.calls",
                tags,
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getNumberOfNotPermittedCalls));
    }

    private <T> void gauge(List<Meter> meters, String name, Tags tags, T of, ToDoubleFunction<T> value) {
        meters.add(
                Gauge.builder(name, of, value).tags(tags).strongReference(true).register(registry));
    }

    @Override
    public void dispose() {
        following.dispose();
        collector.close();
        registry.close();
    }
}
