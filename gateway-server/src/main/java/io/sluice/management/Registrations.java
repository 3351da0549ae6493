package io.sluice.management;

import io.sluice.catalog.Contribution;
import io.sluice.catalog.Definition;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoveryState;
import io.sluice.egress.EgressPolicy;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import io.sluice.registry.Backend;
import io.sluice.registry.BackendPart;
import io.sluice.registry.Change;
import io.sluice.registry.Lease;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.upstream.Upstream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Lets backends come and go: {@code /register} and {@code /services}. */
final class Registrations {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    static final Manual REGISTER = Manual.answering(201, "Kept; status says whether it could be reached")
            .or(400, "The body is not JSON")
            .or(409, "The name is not the API's to change, or there are too many backends")
            .or(422, "A member is missing or wrong")
            .needing("serviceName|name", "string", "1 to 64 of a-z, 0-9 and '-'; serviceName or name")
            .needing(
                    "endpoint|url|command",
                    "string",
                    "Where it listens, endpoint or url; or a program that speaks MCP on stdin and stdout, if stdio.allow"
                            + " lists it")
            .giving("name", "string", "As it was given")
            .giving("url", "string", "Where it listens")
            .giving("status", "string", "connected, pending, unavailable or needs_reauth")
            .giving("tools", "array", "Names of its tools")
            .giving("source", "string", "Who named it")
            .mayGive("reason", "string", "Why it is not connected")
            .mayGive("authorize", "string", "Where to ask for the page on which somebody agrees")
            .mayGive("lease", "object", "What an instance must know to stay")
            .taking("args", "array", "The arguments of the command")
            .taking("manifestUrl", "string", "Of a plain HTTP service: its OpenAPI document or manifest")
            .taking("type", "string", "Of a server: http (usual), sse or grpc")
            .taking("headers", "object", "Sent with every request to it: its credentials")
            .taking("oauth", "object", "How the gateway gets tokens for it, as in the configuration file")
            .taking("ttl", "string", "Time to live, such as 30s; without it the registration stays until it is removed")
            .taking("instance", "string", "Tells the instances of one name apart");

    static final Manual SERVICES =
            Manual.answering(200, "Done").giving("services", "array", "Each with name, url, status, tools and source");
    static final Manual REMOVE = Manual.answering(200, "Removed")
            .giving("name", "string", "Of the backend")
            .giving("status", "string", "removed")
            .or(404, "There is no such backend or instance")
            .or(409, "The backend is not the API's to remove")
            .asking("instance", "Only this instance", false);

    static final Manual HEARTBEAT = Manual.answering(200, "The lease is renewed")
            .giving("name", "string", "Of the backend")
            .giving("instance", "string", "Of its instances the one that stays")
            .giving("status", "string", "renewed")
            .or(404, "The lease has ended; register again")
            .or(422, "There are several instances; name one")
            .asking("instance", "Which instance; not needed when there is only one", false);

    private final Registry registry;
    private final Discovery discovery;
    private final Servers servers;
    private final Addresses addresses;
    private final int most;
    private final Predicate<List<String>> startable;

    /**
     * @param most how many backends there may be that were registered here
     * @param startable the command lines that requests may have started
     */
    Registrations(
            Registry registry,
            Discovery discovery,
            Servers servers,
            EgressPolicy egress,
            int most,
            Predicate<List<String>> startable) {
        this.startable = startable;
        this.servers = servers;
        this.registry = registry;
        this.discovery = discovery;
        this.addresses = new Addresses(egress);
        this.most = most;
    }

    /** Keeps the backend, asks what it offers and says so; one that does not answer in time stays, and is asked again. */
    Mono<Answer> register(Question question) {
        return Mono.fromCallable(() -> RegistrationRequest.of(json(question), startable))
                .flatMap(asked -> {
                    Owner.check(registry, asked.name(), "change");
                    Room.check(registry, asked.name(), most);
                    Mono<Void> checked =
                            asked.endpoint().isAddress() ? addresses.check(asked.endpoint(), "/url") : Mono.empty();
                    return checked.then(Mono.defer(() -> keep(asked)));
                });
    }

    Mono<Answer> services(Question question) {
        return Mono.fromSupplier(() -> {
            DiscoveryState state = discovery.state();
            List<Map<String, Object>> services = new ArrayList<>();
            for (Registration registration : registry.snapshot().registrations().values()) {
                Backend backend = registration.backend();
                Map<String, Object> service = described(backend, state.contribution(backend.name()));
                Optional.ofNullable(state.upstreams().get(backend.name()))
                        .flatMap(Upstream::remarks)
                        .ifPresent(remarks ->
                                service.put("remarks", remarks.lines().toList()));
                services.add(service);
            }
            return new Answer(200, Map.of("services", services));
        });
    }

    /** Of an instance what it must know to stay. */
    private static Map<String, Object> leased(String name, Lease lease) {
        Map<String, Object> leased = new LinkedHashMap<>();
        leased.put("instance", lease.instance());
        leased.put("ttlSeconds", lease.ttl().toMillis() / 1000.0);
        leased.put("heartbeat", "/register/" + name + "/heartbeat?instance=" + lease.instance());
        return leased;
    }

    /** Removes the backend, or one instance of it. */
    Mono<Answer> remove(Question question) {
        String name = question.path().getOrDefault("name", "");
        Optional<String> instance = question.parameter("instance");
        return Mono.defer(() -> {
                    Owner.check(registry, name, "remove");
                    return instance.isPresent()
                            ? registry.remove(name, instance.get(), Change.any())
                            : registry.remove(name);
                })
                .map(removed -> {
                    if (!removed) {
                        throw Problem.of(
                                404,
                                "backend.not_found",
                                instance.map(one ->
                                                "Backend '" + shown(name) + "' has no instance '" + shown(one) + "'")
                                        .orElse("No backend '" + shown(name) + "' is registered"));
                    }
                    Map<String, Object> body = new LinkedHashMap<>();
                    body.put("name", name);
                    instance.ifPresent(one -> body.put("instance", one));
                    body.put("status", "removed");
                    return new Answer(200, body);
                });
    }

    /** Renews the lease of one instance, the only one if none is named. */
    Mono<Answer> heartbeat(Question question) {
        String name = question.path().getOrDefault("name", "");
        return Mono.defer(() -> {
            Registration there = registry.snapshot().registrations().get(name);
            String instance = question.parameter("instance").orElseGet(() -> onlyInstance(name, there));
            return registry.heartbeat(name, instance).map(renewed -> {
                if (!renewed) {
                    throw gone(name, instance);
                }
                Map<String, Object> body = new LinkedHashMap<>();
                body.put("name", name);
                body.put("instance", instance);
                body.put("status", "renewed");
                Optional.ofNullable(there)
                        .flatMap(known -> known.part(instance))
                        .flatMap(BackendPart::lease)
                        .ifPresent(lease -> body.put("ttlSeconds", lease.ttl().toMillis() / 1000.0));
                return new Answer(200, body);
            });
        });
    }

    private static String onlyInstance(String name, @Nullable Registration there) {
        List<String> instances = there == null
                ? List.of()
                : there.parts().stream()
                        .map(BackendPart::instance)
                        .filter(instance -> !instance.isEmpty())
                        .toList();
        if (instances.size() > 1) {
            throw Problem.unprocessable(
                    "lease.ambiguous",
                    "/instance",
                    "Backend '" + name + "' has " + instances.size() + " instances; name one with ?instance=");
        }
        if (instances.isEmpty()) {
            throw gone(name, "");
        }
        return instances.get(0);
    }

    private static Problem gone(String name, String instance) {
        String who = instance.isEmpty() ? "no instance" : "no instance '" + shown(instance) + "'";
        return Problem.of(
                        404,
                        "lease.ended",
                        "Backend '" + shown(name) + "' has " + who + " with a lease: it has ended," + " or never was")
                .withHint("POST /register again");
    }

    private Mono<Answer> keep(RegistrationRequest asked) {
        Backend backend = asked.backend();
        return asked.lease()
                .map(lease -> registry.register(backend, lease, Change.any()))
                .orElseGet(() -> registry.register(backend))
                .flatMap(kept -> discovery
                        .refresh(backend.name())
                        .map(Optional::of)
                        .defaultIfEmpty(Optional.empty())
                        .map(found -> {
                            Map<String, Object> body = described(kept.backend(), found);
                            asked.lease().ifPresent(lease -> body.put("lease", leased(backend.name(), lease)));
                            return new Answer(201, body);
                        }));
    }

    private Map<String, Object> described(Backend backend, Optional<Contribution> found) {
        Servers.Status status = Servers.Status.of(found);
        List<String> tools = found.flatMap(Contribution::listing)
                .map(listing -> listing.tools().stream().map(Definition::key).toList())
                .orElse(List.of());
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("name", backend.name());
        described.put("url", backend.endpoints().get(0).url().toString());
        described.put("status", status.word());
        described.put("tools", tools);
        if (backend.endpoints().size() > 1) {
            described.put(
                    "endpoints",
                    backend.endpoints().stream()
                            .map(endpoint -> endpoint.url().toString())
                            .toList());
        }
        described.put("source", backend.source().name().toLowerCase(Locale.ROOT));
        if (status != Servers.Status.CONNECTED) {
            described.put("reason", found.flatMap(Contribution::trouble).orElse("It is being asked what it offers"));
        }
        servers.consent(described, backend.name());
        return described;
    }

    static JsonNode json(Question question) {
        String type = question.contentType().split(";", 2)[0].strip();
        if (!type.equalsIgnoreCase("application/json")) {
            throw Problem.of(415, "body.type", "The body must be JSON: Content-Type is '" + shown(type) + "'")
                    .withHint("Send -H 'Content-Type: application/json'");
        }
        try {
            JsonNode body = JSON.readTree(question.body());
            if (body.isMissingNode()) {
                throw Problem.of(400, "body.malformed", "The body is empty; send a JSON object");
            }
            return body;
        } catch (JacksonException e) {
            throw Problem.of(
                    400,
                    "body.malformed",
                    "The body is not JSON: " + shown(e.getOriginalMessage().replaceAll(" \\(start marker at .*", "")));
        }
    }

    private static String shown(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
}
