package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.GET;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.EndpointState;
import io.sluice.cache.ResultCache;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoveryState;
import io.sluice.guard.Breaker;
import io.sluice.guard.Gate;
import io.sluice.guard.Guard;
import io.sluice.guard.Tally;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Page;
import io.sluice.management.Operation.Question;
import io.sluice.overload.Overload;
import io.sluice.upstream.Upstream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * What Prometheus is told: calls and how long they take, the state of breakers, places and retries under resilience4j's
 * own names, so that dashboards made for it fit, that of endpoints, connections and streams, and the JVM. Meters read what
 * is counted anyway when they are asked; no call pays for them. They come and go with the backends. All of them are told
 * of in {@code docs/metrics.md}, which a test compares with what comes out here.
 */
final class Meters implements Disposable {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collector = new JvmGcMetrics();
    private final Map<String, Known> known = new ConcurrentHashMap<>();
    private final ResultCache cache;
    private final Disposable following;

    private record Known(Upstream upstream, List<Meter> meters) {}

    Meters(Discovery discovery, Vitals vitals) {
        new JvmMemoryMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        collector.bindTo(registry);
        registry.getPrometheusRegistry().register(new Histograms(this::upstreams));
        this.cache = vitals.cache();
        process(vitals);
        this.following = discovery.states().subscribe(this::follow);
    }

    List<Operation> operations() {
        return List.of(Operation.managing(GET, "/metrics", "Meters, in the form of Prometheus", this::scrape)
                .with(Manual.answering(200, "The meters").as(200, "text/plain")));
    }

    private Mono<Answer> scrape(Question question) {
        return Mono.fromCallable(() -> new Answer(
                        200,
                        new Page("text/plain; version=0.0.4", registry.scrape().getBytes(UTF_8))))
                .subscribeOn(Schedulers.boundedElastic());
    }

    private List<Upstream> upstreams() {
        return known.values().stream().map(Known::upstream).toList();
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

    // ---- the process

    private void process(Vitals vitals) {
        count("sluice.connections", "Connections of clients that are open", vitals.connections());
        count("sluice.sessions", "Legacy sessions that hold something on this replica", vitals.sessions());
        count("sluice.streams", "Event streams that are open towards clients", vitals.streams());
        count("sluice.parked.calls", "Calls that wait for input of their clients", vitals.parked());
        RegistryMeters.bind(vitals.registry(), registry);
        overload(vitals.overload());
        for (Guard.Limit limit : Guard.Limit.values()) {
            FunctionCounter.builder("sluice.limited.calls", vitals.guard(), it -> it.limited(limit))
                    .description("Calls refused for a limit of the configuration, before any backend was asked")
                    .tag("limit", word(limit))
                    .register(registry);
        }
    }

    @SuppressWarnings("EnumOrdinal") // the order is what steps are
    private void overload(Overload overload) {
        count(
                "sluice.overload.step",
                "How far the gateway has gone in sparing itself: 0 calm, 1 ease, 2 shed, 3 cut, 4 refuse",
                () -> overload.step().ordinal());
        for (Overload.Kind kind : Overload.Kind.values()) {
            FunctionCounter.builder("sluice.overload.refused", overload, it -> it.refused(kind))
                    .description("Requests refused because the gateway had too much to do")
                    .tag("kind", word(kind))
                    .register(registry);
        }
        FunctionCounter.builder("sluice.overload.cut.connections", overload, Overload::cutConnections)
                .description("Connections cut because their clients were furthest behind")
                .register(registry);
        share(overload, "heap", it -> it.reading().heap());
        share(overload, "buffers", it -> it.reading().direct());
        Gauge.builder("sluice.event.loop.lag", overload, it -> it.reading().lagNanos() / 1e9)
                .description("How late the latest of the event loops is")
                .baseUnit("seconds")
                .strongReference(true)
                .register(registry);
    }

    private void share(Overload overload, String memory, ToDoubleFunction<Overload> value) {
        Gauge.builder("sluice.memory.used.ratio", overload, value)
                .description("Share of memory that is in use, of the heap after garbage was collected")
                .tag("memory", memory)
                .strongReference(true)
                .register(registry);
    }

    // ---- what is used again

    private void cached(List<Meter> meters, Tags tags, Upstream upstream) {
        counter(
                meters,
                "sluice.cache.gets",
                "Calls whose answer was looked for among those that are kept",
                tags.and("result", "hit"),
                upstream,
                it -> cache.figures(it).hits());
        counter(
                meters,
                "sluice.cache.gets",
                "Calls whose answer was looked for among those that are kept",
                tags.and("result", "miss"),
                upstream,
                it -> cache.figures(it).misses());
        counter(
                meters,
                "sluice.cache.joined",
                "Calls that were answered together with another that was under way",
                tags,
                upstream,
                it -> cache.figures(it).joined());
        gauge(
                meters,
                "sluice.cache.hit.ratio",
                "Share of the calls that were looked for which were answered from what is kept",
                tags,
                upstream,
                it -> cache.figures(it).hitRatio());
        gauge(
                meters,
                "sluice.cache.entries",
                "Answers that are kept",
                tags,
                upstream,
                it -> cache.figures(it).entries());
        gauge(
                meters,
                "sluice.cache.bytes",
                "Bytes of the answers that are kept",
                tags,
                upstream,
                it -> cache.figures(it).bytes());
    }

    private void count(String name, String help, IntSupplier value) {
        Gauge.builder(name, value, IntSupplier::getAsInt)
                .description(help)
                .strongReference(true)
                .register(registry);
    }

    // ---- a backend

    private Known bound(String name, Upstream upstream) {
        List<Meter> meters = new ArrayList<>();
        calls(meters, Tags.of("backend", name), upstream);
        cached(meters, Tags.of("backend", name), upstream);
        breaker(meters, Tags.of("name", name), upstream.gate().breaker());
        broken(meters, Tags.of("name", name), upstream.gate().tally());
        places(meters, Tags.of("name", name), upstream.gate());
        retries(meters, Tags.of("name", name), upstream.gate().tally());
        for (EndpointState endpoint : upstream.endpoints().states()) {
            Tags at = Tags.of("backend", name)
                    .and("endpoint", Servers.shown(endpoint.endpoint().url()));
            endpoint(meters, at, endpoint);
            Breaker own = endpoint.breaker();
            if (own != null) {
                breaker(meters, Tags.of("name", own.name()), own);
            }
        }
        return new Known(upstream, meters);
    }

    private void calls(List<Meter> meters, Tags tags, Upstream upstream) {
        Gate gate = upstream.gate();
        for (Tally.End end : Tally.End.values()) {
            counter(
                    meters,
                    "sluice.calls",
                    "Calls of clients that are over, by how they ended",
                    tags.and("outcome", word(end)),
                    gate.tally(),
                    it -> it.count(end));
        }
        gauge(
                meters,
                "sluice.calls.in.flight",
                "Calls, and requests of the gateway itself, that have a place at the backend",
                tags,
                gate,
                Gate::inFlight);
        gauge(meters, "sluice.calls.waiting", "Calls that wait for a place", tags, gate, Gate::waiting);
        counter(
                meters,
                "sluice.upstream.retries",
                "Second attempts that were paid for out of the retry budget",
                tags,
                upstream,
                Upstream::retries);
        bytes(meters, "sluice.upstream.sent", "Bytes of requests sent, heads included", tags, gate, Tally::sentBytes);
        bytes(
                meters,
                "sluice.upstream.received",
                "Bytes received in the bodies of answers",
                tags,
                gate,
                Tally::receivedBytes);
    }

    private void bytes(
            List<Meter> meters, String name, String help, Tags tags, Gate gate, ToLongFunction<Tally> value) {
        meters.add(FunctionCounter.builder(name, gate.tally(), value::applyAsLong)
                .description(help)
                .baseUnit("bytes")
                .tags(tags)
                .register(registry));
    }

    private void breaker(List<Meter> meters, Tags tags, Breaker breaker) {
        for (CircuitBreaker.State state : CircuitBreaker.State.values()) {
            gauge(
                    meters,
                    "resilience4j.circuitbreaker.state",
                    "1 for the state that the breaker is in, 0 for the others",
                    tags.and("state", word(state)),
                    breaker,
                    it -> it.state() == state ? 1 : 0);
        }
        gauge(
                meters,
                "resilience4j.circuitbreaker.failure.rate",
                "Percentage of the last calls that failed; -1 while there are too few to say",
                tags,
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getFailureRate));
        gauge(
                meters,
                "resilience4j.circuitbreaker.slow.call.rate",
                "Percentage of the last calls that were slow; -1 while there are too few to say",
                tags,
                breaker,
                it -> it.read(CircuitBreaker.Metrics::getSlowCallRate));
        buffered(meters, tags, breaker, "successful", CircuitBreaker.Metrics::getNumberOfSuccessfulCalls);
        buffered(meters, tags, breaker, "failed", CircuitBreaker.Metrics::getNumberOfFailedCalls);
    }

    /** What became of calls at a backend's breaker. */
    private void broken(List<Meter> meters, Tags tags, Tally tally) {
        counter(
                meters,
                "resilience4j.circuitbreaker.not.permitted.calls",
                "Calls refused while the breaker is open",
                tags.and("kind", "not_permitted"),
                tally,
                it -> it.count(Tally.End.NOT_PERMITTED));
        ended(meters, tags, tally, "successful", Tally.End.SUCCEEDED);
        ended(meters, tags, tally, "failed", Tally.End.FAILED);
        ended(meters, tags, tally, "ignored", Tally.End.CANCELLED);
    }

    private void buffered(
            List<Meter> meters,
            Tags tags,
            Breaker breaker,
            String kind,
            ToDoubleFunction<CircuitBreaker.Metrics> value) {
        gauge(
                meters,
                "resilience4j.circuitbreaker.buffered.calls",
                "Calls of the last 30 s that the breaker judges by",
                tags.and("kind", kind),
                breaker,
                it -> it.read(value));
    }

    private void ended(List<Meter> meters, Tags tags, Tally tally, String kind, Tally.End end) {
        meters.add(FunctionTimer.builder(
                        "resilience4j.circuitbreaker.calls",
                        tally,
                        it -> it.count(end),
                        it -> it.nanos(end),
                        TimeUnit.NANOSECONDS)
                .description("Calls that the breaker let through, by what they taught it, and their time in all")
                .tags(tags.and("kind", kind))
                .register(registry));
    }

    private void places(List<Meter> meters, Tags tags, Gate gate) {
        gauge(
                meters,
                "resilience4j.bulkhead.max.allowed.concurrent.calls",
                "Places that there are at the moment: what is configured, or fewer by the adaptive limit",
                tags,
                gate,
                Gate::limit);
        gauge(
                meters,
                "resilience4j.bulkhead.available.concurrent.calls",
                "Places that are free",
                tags,
                gate,
                it -> Math.max(0, it.limit() - it.inFlight()));
    }

    private void retries(List<Meter> meters, Tags tags, Tally tally) {
        for (Tally.Tries tries : Tally.Tries.values()) {
            counter(
                    meters,
                    "resilience4j.retry.calls",
                    "Calls by whether they were tried twice and what came of it",
                    tags.and("kind", word(tries)),
                    tally,
                    it -> it.count(tries));
        }
    }

    private void endpoint(List<Meter> meters, Tags at, EndpointState endpoint) {
        gauge(
                meters,
                "sluice.endpoint.in.flight",
                "Attempts under way at the endpoint",
                at,
                endpoint,
                EndpointState::inFlight);
        meters.add(Gauge.builder("sluice.endpoint.expected", endpoint, it -> it.averageNanos(System.nanoTime()) / 1e9)
                .description("How long the balancer expects the next answer of the endpoint to take")
                .baseUnit("seconds")
                .tags(at)
                .strongReference(true)
                .register(registry));
        gauge(
                meters,
                "sluice.endpoint.in",
                "1 while the endpoint gets calls, 0 while it is drained or ejected, or its breaker is open",
                at,
                endpoint,
                it -> it.isEligible(System.nanoTime()) ? 1 : 0);
        counter(
                meters,
                "sluice.endpoint.ejections",
                "Times the endpoint was ejected for doing worse than the others",
                at,
                endpoint,
                EndpointState::timesEjected);
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private <T> void gauge(
            List<Meter> meters, String name, String help, Tags tags, @Nullable T of, ToDoubleFunction<T> value) {
        meters.add(Gauge.builder(name, of, value)
                .description(help)
                .tags(tags)
                .strongReference(true)
                .register(registry));
    }

    /** Only grows. Held by whoever counts, which lives as long as its backend. */
    private <T> void counter(List<Meter> meters, String name, String help, Tags tags, T of, ToLongFunction<T> value) {
        meters.add(FunctionCounter.builder(name, of, value::applyAsLong)
                .description(help)
                .tags(tags)
                .register(registry));
    }

    @Override
    public void dispose() {
        following.dispose();
        collector.close();
        registry.close();
    }
}
