package io.sluice.management;

import io.sluice.catalog.Contribution;
import io.sluice.catalog.Definition;
import io.sluice.catalog.Listing;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoveryState;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The backends as people and the gateway's own tools are told of them. Holds no secret. */
final class Servers {
    private final Registry registry;
    private final Discovery discovery;
    private final Predicate<String> needsConsent;
    private final @Nullable Vitals vitals;

    /**
     * @param needsConsent whether a person has to agree before a backend, or all of it, can be used
     * @param vitals of which the backend's part is told as well; null where only its name and lists are
     */
    Servers(Registry registry, Discovery discovery, Predicate<String> needsConsent, @Nullable Vitals vitals) {
        this.registry = registry;
        this.discovery = discovery;
        this.needsConsent = needsConsent;
        this.vitals = vitals;
    }

    /** Whether a backend can be called. */
    enum Status {
        CONNECTED,
        /** It was never reached; it is asked again and again. */
        PENDING,
        /** It was reached before, and is not now. */
        UNAVAILABLE,
        /** Somebody has to agree before it, or all of it, can be used. */
        NEEDS_REAUTH;

        static Status of(Optional<Contribution> found) {
            if (found.flatMap(Contribution::listing).isEmpty()) {
                return PENDING;
            }
            return found.flatMap(Contribution::trouble).isEmpty() ? CONNECTED : UNAVAILABLE;
        }

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** All that are registered, by name. */
    List<Map<String, Object>> all() {
        DiscoveryState state = discovery.state();
        List<Map<String, Object>> servers = new ArrayList<>();
        for (Registration registration : registry.snapshot().registrations().values()) {
            Backend backend = registration.backend();
            servers.add(described(backend, state.contribution(backend.name())));
        }
        return servers;
    }

    Optional<Map<String, Object>> find(String name) {
        return Optional.ofNullable(registry.snapshot().registrations().get(name))
                .map(Registration::backend)
                .map(backend -> described(backend, discovery.state().contribution(name)))
                .map(server -> {
                    Resilience state = new Resilience(discovery, vitals);
                    state.of(name).ifPresent(shown -> server.put("resilience", shown));
                    state.deadlines(name).ifPresent(shown -> server.put("deadlines", shown));
                    state.rates(name).ifPresent(shown -> server.put("rates", shown));
                    state.cached(name).ifPresent(shown -> server.put("cache", shown));
                    return server;
                });
    }

    /** Names of those that can be called. */
    List<String> available() {
        DiscoveryState state = discovery.state();
        return names().stream()
                .filter(name -> Status.of(state.contribution(name)) == Status.CONNECTED)
                .toList();
    }

    List<String> names() {
        return List.copyOf(registry.snapshot().registrations().keySet());
    }

    /** What a backend's tools are, or were when it was last reached. */
    static List<Definition> functions(Optional<Contribution> found) {
        return found.flatMap(Contribution::listing).map(Listing::tools).orElse(List.of());
    }

    private Map<String, Object> described(Backend backend, Optional<Contribution> found) {
        Map<String, Object> server = server(backend, found);
        consent(server, backend.name());
        return server;
    }

    /** Says in a description that somebody has to agree, and where. */
    void consent(Map<String, Object> described, String name) {
        if (needsConsent.test(name)) {
            described.put("status", Status.NEEDS_REAUTH.word());
            described.put("authorize", "/oauth/" + name + "/authorize");
        }
    }

    private static Map<String, Object> server(Backend backend, Optional<Contribution> found) {
        Status status = Status.of(found);
        List<String> functions = functions(found).stream().map(Definition::key).toList();
        Map<String, Object> server = new LinkedHashMap<>();
        server.put("name", backend.name());
        server.put("url", url(backend));
        server.put("description", description(backend));
        server.put("enabled", true);
        server.put("connected", status == Status.CONNECTED);
        server.put("status", status.word());
        server.put("source", backend.source().name().toLowerCase(Locale.ROOT));
        server.put("function_count", functions.size());
        server.put("functions", functions);
        found.flatMap(Contribution::listing)
                .ifPresent(listing ->
                        server.put("protocol_version", listing.version().wire()));
        server.put(
                "endpoints",
                backend.endpoints().stream()
                        .map(endpoint -> Map.of("url", shown(endpoint.url()), "weight", endpoint.weight()))
                        .toList());
        if (status != Status.CONNECTED) {
            server.put("reason", reason(found));
        }
        return server;
    }

    static String reason(Optional<Contribution> found) {
        return found.flatMap(Contribution::trouble).orElse("It is being asked what it offers");
    }

    static String description(Backend backend) {
        return (backend.source() == Backend.Source.PEER ? "Peer node at " : "MCP server at ") + url(backend);
    }

    static String url(Backend backend) {
        return shown(backend.endpoints().get(0).url());
    }

    /** Without the query, which may carry a key. */
    static String shown(URI url) {
        String text = url.toString();
        int query = text.indexOf('?');
        return query < 0 ? text : text.substring(0, query);
    }
}
