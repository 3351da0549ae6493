package io.sluice.config;

import io.sluice.adapter.GrpcSettings;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Backends that are gRPC services: the keys of {@code mcpServers} that say what of them is offered. */
final class GrpcKeys {
    private static final Key<List<String>> SERVICES = Key.listOf(
            "services",
            Shape.word(),
            "all but reflection and health",
            "Globs of the services of a gRPC server to offer, by their full names.");
    private static final Key<Integer> MAX_MESSAGE = Key.of(
            "maxMessage",
            Shape.size(1024, 64 << 20),
            "4MiB",
            "Longest message that is accepted from a gRPC service, up to 64MiB.");
    private static final Key<Integer> MAX_STREAMED = Key.of(
            "maxStreamed",
            Shape.integer(1, 100_000),
            String.valueOf(GrpcSettings.USUAL.maxMessages()),
            "After how many messages of a gRPC stream the call ends with what there is.");
    static final List<Key<?>> ALL = List.of(SERVICES, MAX_MESSAGE, MAX_STREAMED);

    private GrpcKeys() {}

    /** Addresses of a gRPC service, which have no path: a method's name is its path. */
    static List<Endpoint> servers(Section.Fields f) {
        List<Endpoint> servers = new ArrayList<>();
        for (Endpoint endpoint : EndpointKeys.endpoints(f)) {
            String path = endpoint.pathAndQuery();
            if (!path.equals("/") && !path.equals("/mcp")) {
                f.in().fault(
                                f.at(f.node(EndpointKeys.URL).isPresent() ? EndpointKeys.URL : EndpointKeys.ENDPOINTS),
                                f.path() + ": the address of a gRPC service has no path; " + path + " is too much");
            }
            servers.add(new Endpoint(endpoint.url().resolve("/"), endpoint.weight()));
        }
        return servers;
    }

    /** What of the service is offered. */
    static Transport grpc(Section.Fields f) {
        BackendKeys.refuse(f, ProgramKeys.ALL, "is for programs; give it a command, or leave it out");
        BackendKeys.refuse(
                f,
                ServiceKeys.ALL.stream()
                        .filter(key -> !key.equals(ServiceKeys.INTERVAL))
                        .toList(),
                "is for services with an OpenAPI document; a gRPC service says itself what it offers");
        BackendKeys.refuse(
                f, List.of(OAuthKeys.OAUTH), "is for MCP servers; give a gRPC service its credentials in headers");
        for (String name : f.find(BackendKeys.HEADERS).orElse(Map.of()).keySet()) {
            if (name.regionMatches(true, 0, "grpc-", 0, 5)) {
                f.in().fault(
                                f.at(BackendKeys.HEADERS),
                                f.pathOf(BackendKeys.HEADERS) + ": '" + name
                                        + "' belongs to gRPC itself; leave it out");
            }
        }
        return new GrpcSettings(
                        f.value(SERVICES), f.value(ServiceKeys.INTERVAL), f.value(MAX_MESSAGE), f.value(MAX_STREAMED))
                .transport();
    }
}
