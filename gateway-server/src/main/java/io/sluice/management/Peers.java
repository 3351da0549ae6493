package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.DELETE;
import static io.netty.handler.codec.http.HttpMethod.GET;
import static io.netty.handler.codec.http.HttpMethod.POST;

import io.sluice.catalog.Contribution;
import io.sluice.discovery.Discovery;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import reactor.core.publisher.Mono;

/**
 * Other gateways as backends of this one: {@code /api/v1/mcp/peers}, and the servers there are: {@code
 * /api/v1/mcp/servers}. A peer is tried before it is kept. Once kept it is asked again whenever it was away.
 */
final class Peers {
    private static final Duration TRIAL = Duration.ofSeconds(15);

    /** How a sentence begins that was written for a backend that is there. */
    private static final Pattern SUBJECT =
            Pattern.compile("^Backend '[^']*' (is unavailable|has been unavailable since \\S+): ");

    /** What answers of this part of the API have in common. */
    static final Manual DONE = Manual.NONE
            .giving("success", "boolean", "true")
            .giving("data", "object", "What was asked for")
            .giving("message", "string", "For people");

    private final Registry registry;
    private final Discovery discovery;
    private final Addresses addresses;
    private final Servers servers;

    private final int most;

    /** @param most how many backends there may be that were added by requests */
    Peers(Registry registry, Discovery discovery, Servers servers, Addresses addresses, int most) {
        this.most = most;
        this.registry = registry;
        this.discovery = discovery;
        this.addresses = addresses;
        this.servers = servers;
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(GET, "/api/v1/mcp/peers", "The other gateways behind this one", this::list)
                        .with(DONE),
                Operation.managing(
                                POST,
                                "/api/v1/mcp/peers",
                                "Add another gateway; ?pending=true keeps one that cannot be reached",
                                this::add)
                        .with(DONE.or(200, "Connected")
                                .or(202, "Kept, and asked again until it answers")
                                .or(400, "The body is not JSON")
                                .or(409, "The name is taken")
                                .or(422, "A member is missing or wrong")
                                .or(502, "It cannot be reached; nothing was kept")
                                .asking("pending", "true keeps one that cannot be reached", false)
                                .needing("peer_name", "string", "1 to 64 of a-z, 0-9 and '-'")
                                .needing("peer_url", "string", "Its MCP endpoint, such as http://node2:8000/mcp")
                                .taking("auth_token", "string", "Sent to it as bearer token")),
                Operation.managing(DELETE, "/api/v1/mcp/peers/{name}", "Remove another gateway", this::remove)
                        .with(DONE.or(200, "Removed")
                                .or(404, "There is no such peer")
                                .or(409, "A variable names it")),
                Operation.managing(GET, "/api/v1/mcp/servers", "All servers behind the gateway", this::servers)
                        .with(DONE),
                Operation.managing(GET, "/api/v1/mcp/servers/{name}", "One server behind the gateway", this::server)
                        .with(DONE.or(404, "There is no such server")));
    }

    private Mono<Answer> list(Question question) {
        return Mono.fromSupplier(() -> {
            List<Map<String, Object>> peers = registry.snapshot().registrations().values().stream()
                    .map(Registration::backend)
                    .filter(backend -> backend.source().peer())
                    .map(this::peer)
                    .toList();
            return done(200, Map.of("peers", peers), "Found " + peers.size() + " peer node(s)");
        });
    }

    private Map<String, Object> peer(Backend backend) {
        Optional<Contribution> found = discovery.state().contribution(backend.name());
        Servers.Status status = Servers.Status.of(found);
        Map<String, Object> peer = new LinkedHashMap<>();
        peer.put("name", backend.name());
        peer.put("url", Servers.url(backend));
        peer.put("description", Servers.description(backend));
        peer.put("connected", status == Servers.Status.CONNECTED);
        peer.put("function_count", Servers.functions(found).size());
        if (status != Servers.Status.CONNECTED) {
            peer.put("status", status.word());
            peer.put("reason", Servers.reason(found));
        }
        return peer;
    }

    private Mono<Answer> add(Question question) {
        return Mono.fromCallable(() -> PeerRequest.of(Registrations.json(question)))
                .flatMap(asked -> {
                    checkFree(asked.name());
                    return addresses.check(asked.endpoint(), "/peer_url").thenReturn(asked);
                })
                .flatMap(asked -> asksFor(question.query(), "pending") ? keepAnyway(asked) : tryAndKeep(asked));
    }

    private void checkFree(String name) {
        Owner.check(registry, name, "change");
        Room.check(registry, name, most);
        Registration there = registry.snapshot().registrations().get(name);
        if (there != null && !there.backend().source().peer()) {
            throw Problem.of(409, "peer.name_taken", "'" + name + "' is the name of a service that registered itself")
                    .withHint("Choose another peer_name, or remove that service first");
        }
    }

    /** Nothing is kept of a peer that does not answer, so that there is nothing to clean up. */
    private Mono<Answer> tryAndKeep(PeerRequest asked) {
        Backend backend = asked.backend();
        return discovery
                .tryOut(backend)
                .timeout(TRIAL)
                .onErrorMap(Peers::unreachable)
                .then(Mono.defer(() -> keep(backend)))
                .map(found -> added(backend, Optional.of(found)));
    }

    private Mono<Answer> keepAnyway(PeerRequest asked) {
        Backend backend = asked.backend();
        return keep(backend).map(Optional::of).defaultIfEmpty(Optional.empty()).map(found -> added(backend, found));
    }

    private Mono<Contribution> keep(Backend backend) {
        return registry.register(backend).then(Mono.defer(() -> discovery.refresh(backend.name())));
    }

    private static Problem unreachable(Throwable error) {
        String why;
        if (error instanceof Rejection rejection) {
            why = rejection.reason();
        } else if (error instanceof TimeoutException) {
            why = "it did not send its lists within " + TRIAL.toSeconds() + " s";
        } else {
            why = String.valueOf(error.getMessage());
        }
        return Problem.of(
                        502,
                        "peer.unreachable",
                        "Failed to add peer node: "
                                + SUBJECT.matcher(why).replaceFirst("").replaceFirst("^Backend ", "backend "))
                .withHint("Nothing was kept. POST it with ?pending=true to have it asked again until it answers");
    }

    private static Answer added(Backend backend, Optional<Contribution> found) {
        Servers.Status status = Servers.Status.of(found);
        boolean connected = status == Servers.Status.CONNECTED;
        String name = backend.name();
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("success", true);
        data.put("peer_name", name);
        data.put("peer_url", Servers.url(backend));
        data.put("function_count", Servers.functions(found).size());
        data.put("message", "Peer node '" + name + "' added successfully");
        if (!connected) {
            data.put("status", status.word());
            data.put("reason", Servers.reason(found));
        }
        return connected
                ? done(200, data, "Peer node '" + name + "' connected")
                : done(202, data, "Peer node '" + name + "' is kept, and asked again until it answers");
    }

    private Mono<Answer> remove(Question question) {
        String name = question.path().getOrDefault("name", "");
        return Mono.defer(() -> {
                    Registration there = registry.snapshot().registrations().get(name);
                    if (there == null || !there.backend().source().peer()) {
                        throw notFound("peer.not_found", "No peer node '" + name + "' is registered");
                    }
                    Owner.check(registry, name, "remove");
                    return registry.remove(name);
                })
                .map(removed -> {
                    if (!removed) {
                        throw notFound("peer.not_found", "No peer node '" + name + "' is registered");
                    }
                    Map<String, Object> data = new LinkedHashMap<>();
                    data.put("success", true);
                    data.put("peer_name", name);
                    data.put("message", "Peer node '" + name + "' removed successfully");
                    return done(200, data, "Peer node '" + name + "' disconnected");
                });
    }

    private Mono<Answer> servers(Question question) {
        return Mono.fromSupplier(() -> {
            List<Map<String, Object>> all = servers.all();
            return done(200, Map.of("servers", all), "Found " + all.size() + " MCP server(s)");
        });
    }

    private Mono<Answer> server(Question question) {
        String name = question.path().getOrDefault("name", "");
        return Mono.fromSupplier(() -> servers.find(name)
                .map(found -> done(200, found, "MCP server '" + name + "' is " + found.get("status")))
                .orElseThrow(() -> notFound("backend.not_found", "No MCP server '" + name + "' is registered")));
    }

    private static Problem notFound(String code, String detail) {
        return Problem.of(404, code, detail.length() > 300 ? detail.substring(0, 300) + "…" : detail);
    }

    static Answer done(int status, Map<String, Object> data, String message) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("success", true);
        body.put("data", data);
        body.put("message", message);
        return new Answer(status, body);
    }

    private static boolean asksFor(String query, String flag) {
        return List.of(query.split("&", -1)).stream()
                .anyMatch(part -> part.equals(flag) || part.equals(flag + "=true") || part.equals(flag + "=1"));
    }
}
