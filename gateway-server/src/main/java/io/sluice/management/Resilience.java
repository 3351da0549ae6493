package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.POST;

import io.sluice.balance.EndpointState;
import io.sluice.balance.Endpoints;
import io.sluice.cache.CacheFigures;
import io.sluice.catalog.Definition;
import io.sluice.discovery.Discovery;
import io.sluice.guard.Breaker;
import io.sluice.guard.DeadlineRule;
import io.sluice.guard.Gate;
import io.sluice.guard.Guard;
import io.sluice.guard.RateRule;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import io.sluice.upstream.Upstream;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** How the calls of a backend fare on this replica, and what can be done about it by hand. */
final class Resilience {
    private static final int MOST_SECONDS = 24 * 3600;

    private final Discovery discovery;
    private final @Nullable Vitals vitals;

    /** @param vitals what callers may do, and what is kept of the backends' answers; null where neither is known */
    Resilience(Discovery discovery, @Nullable Vitals vitals) {
        this.discovery = discovery;
        this.vitals = vitals;
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(
                                POST,
                                "/api/v1/mcp/servers/{name}/{verb}",
                                "drain, undrain, eject, restore or weigh an ?endpoint of a server, reset its breakers, or clear-cache of its answers; here only",
                                this::act)
                        .with(
                                Manual.answering(200, "Done; how the server is now")
                                        .or(404, "There is no such server, or no such verb")
                                        .or(422, "The endpoint or the number is missing or cannot be meant")
                                        .asking("endpoint", "URL of the endpoint; needed when there are several", false)
                                        .asking("seconds", "How long to eject it", false)
                                        .asking("weight", "Its new weight", false)
                                        .giving("breaker", "string", "State of the server's breaker")
                                        .giving(
                                                "failure_rate",
                                                "number",
                                                "Percentage of its last calls that failed, if there were enough")
                                        .giving("concurrency_limit", "integer", "Calls that it gets at a time")
                                        .giving("most_concurrent", "integer", "Calls that it gets at a time at most")
                                        .giving("in_flight", "integer", "Calls that it has")
                                        .giving(
                                                "endpoints",
                                                "array",
                                                "Each with url, state, ejections, doubted, breaker, failure_rate, weight, in_flight and expected_ms")));
    }

    /** For {@code GET /api/v1/mcp/servers/{name}}; empty while the backend is not asked. */
    Optional<Map<String, Object>> of(String backend) {
        return Optional.ofNullable(discovery.state().upstreams().get(backend)).map(Resilience::shown);
    }

    /** What is kept of a backend's answers, and how that serves; empty while the backend is not asked. */
    Optional<Map<String, Object>> cached(String backend) {
        return Optional.ofNullable(vitals)
                .flatMap(known -> Optional.ofNullable(
                                discovery.state().upstreams().get(backend))
                        .map(upstream -> cached(known.cache().figures(upstream))));
    }

    /** The limits on rates that concern a backend's calls, and how many they have refused. */
    Optional<List<Map<String, Object>>> rates(String backend) {
        return Optional.ofNullable(vitals)
                .map(known -> known.guard().rates(backend).stream()
                        .map(Resilience::shown)
                        .toList());
    }

    private static Map<String, Object> shown(Guard.Rate rate) {
        RateRule rule = rate.rule();
        Map<String, Object> shown = new LinkedHashMap<>();
        rule.tenant().ifPresent(glob -> shown.put("tenant", glob));
        rule.caller().ifPresent(glob -> shown.put("caller", glob));
        rule.backend().ifPresent(glob -> shown.put("backend", glob));
        rule.tool().ifPresent(glob -> shown.put("tool", glob));
        shown.put("calls", rule.calls());
        shown.put("per_ms", rule.per().toMillis());
        shown.put("burst", rule.burst());
        shown.put("refused", rate.refused());
        return shown;
    }

    /**
     * How long a backend's calls may take: those of which no tool is named, and the tools that have another time, listed
     * ones only. Empty while the backend is not asked.
     */
    Optional<Map<String, Object>> deadlines(String backend) {
        return Optional.ofNullable(vitals)
                .map(Vitals::guard)
                .flatMap(guard -> Optional.ofNullable(
                                discovery.state().upstreams().get(backend))
                        .map(upstream -> deadlines(upstream, guard)));
    }

    private Map<String, Object> deadlines(Upstream upstream, Guard guard) {
        String backend = upstream.backend().name();
        Map<String, Object> others = deadline(upstream, guard.deadline(backend, ""));
        Map<String, Object> tools = new LinkedHashMap<>();
        for (Definition tool : Servers.functions(discovery.state().contribution(backend))) {
            Map<String, Object> own = deadline(upstream, guard.deadline(backend, tool.key()));
            if (!own.equals(others)) {
                tools.put(tool.key(), own);
            }
        }
        Map<String, Object> shown = new LinkedHashMap<>(others);
        shown.put("tools", tools);
        return shown;
    }

    /** Without a rule it is the parts of an answer that may take so long, and event streams that end. */
    private static Map<String, Object> deadline(Upstream upstream, @Nullable DeadlineRule rule) {
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("set_by", rule == null ? "timeout" : "limits.deadlines");
        shown.put("within_ms", (rule == null ? upstream.backend().timeout() : rule.within()).toMillis());
        shown.put("at_most_ms", (rule == null ? upstream.policy().longest() : rule.atMost()).toMillis());
        return shown;
    }

    private static Map<String, Object> cached(CacheFigures figures) {
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("entries", figures.entries());
        shown.put("bytes", figures.bytes());
        shown.put("hits", figures.hits());
        shown.put("misses", figures.misses());
        shown.put("joined", figures.joined());
        shown.put("hit_ratio", Math.round(figures.hitRatio() * 1e4) / 1e4);
        return shown;
    }

    private static Map<String, Object> shown(Upstream upstream) {
        Gate gate = upstream.gate();
        long now = System.nanoTime();
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("breaker", word(gate.breakerState()));
        gate.breaker().failureRate().ifPresent(percent -> shown.put("failure_rate", percent));
        shown.put("concurrency_limit", gate.limit());
        shown.put("most_concurrent", gate.mostCalls());
        shown.put("in_flight", gate.inFlight());
        shown.put("waiting", gate.waiting());
        shown.put("refused", gate.refused());
        shown.put("retries", upstream.retries());
        shown.put("balance", word(upstream.policy().balance().strategy()).replace('_', '-'));
        shown.put(
                "endpoints",
                upstream.endpoints().states().stream()
                        .map(state -> endpoint(state, now))
                        .toList());
        return shown;
    }

    private static Map<String, Object> endpoint(EndpointState state, long now) {
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("url", Servers.shown(state.endpoint().url()));
        shown.put("state", state.isDrained() ? "drained" : state.isEjected(now) ? "ejected" : "in");
        shown.put("ejections", state.timesEjected());
        shown.put("doubted", state.isDoubted(now));
        shown.put("breaker", word(state.breakerState()));
        Breaker breaker = state.breaker();
        if (breaker != null) {
            breaker.failureRate().ifPresent(percent -> shown.put("failure_rate", percent));
        }
        shown.put("weight", state.fullWeight());
        shown.put("in_flight", state.inFlight());
        shown.put("expected_ms", Math.round(state.averageNanos(now) / 1e4) / 100.0);
        return shown;
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private Mono<Answer> act(Question question) {
        String name = String.valueOf(question.path().get("name"));
        Upstream upstream = Optional.ofNullable(discovery.state().upstreams().get(name))
                .orElseThrow(() -> Problem.of(404, "server.unknown", "There is no server '" + name + "'"));
        Endpoints endpoints = upstream.endpoints();
        switch (String.valueOf(question.path().get("verb"))) {
            case "drain" -> endpoints.drain(endpoint(question, endpoints), true);
            case "undrain" -> endpoints.drain(endpoint(question, endpoints), false);
            case "eject" ->
                endpoints.eject(
                        endpoint(question, endpoints),
                        Duration.ofSeconds(number(question, "seconds", 1, MOST_SECONDS)));
            case "restore" -> endpoints.eject(endpoint(question, endpoints), Duration.ZERO);
            case "weigh" -> endpoints.weight(endpoint(question, endpoints), number(question, "weight", 1, 1000));
            case "reset" -> {
                upstream.gate().breaker().reset();
                endpoints.resetBreakers();
            }
            case "clear-cache" -> {
                if (vitals != null) {
                    vitals.cache().clear(upstream);
                }
            }
            default ->
                throw Problem.of(
                        404, "verb.unknown", "Use one of drain, undrain, eject, restore, weigh, reset and clear-cache");
        }
        return Mono.just(new Answer(200, shown(upstream)));
    }

    private static EndpointState endpoint(Question question, Endpoints endpoints) {
        if (endpoints.size() == 1 && question.parameter("endpoint").isEmpty()) {
            return endpoints.states().get(0);
        }
        String url = question.parameter("endpoint")
                .orElseThrow(() -> Problem.of(422, "endpoint.missing", "Say which with ?endpoint=URL"));
        return endpoints.states().stream()
                .filter(state -> Servers.shown(state.endpoint().url()).equals(url)
                        || state.endpoint().url().equals(uri(url)))
                .findFirst()
                .orElseThrow(() -> Problem.of(422, "endpoint.unknown", "The server has no endpoint " + url));
    }

    private static URI uri(String text) {
        try {
            return URI.create(text);
        } catch (IllegalArgumentException e) {
            throw Problem.of(422, "endpoint.unknown", "'" + text + "' is not a URL");
        }
    }

    private static int number(Question question, String name, int least, int most) {
        String text = question.parameter(name).orElse("");
        if (text.matches("\\d{1,9}")) {
            int value = Integer.parseInt(text);
            if (value >= least && value <= most) {
                return value;
            }
        }
        throw Problem.of(422, name + ".invalid", "Give ?" + name + "= from " + least + " to " + most);
    }
}
