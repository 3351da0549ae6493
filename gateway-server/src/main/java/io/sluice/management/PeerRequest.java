package io.sluice.management;

import io.sluice.management.Problem.Fault;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * What {@code POST /api/v1/mcp/peers} asks for.
 *
 * @param token sent as bearer token with every request to the peer. Secret
 */
record PeerRequest(String name, Endpoint endpoint, Optional<String> token) {
    private static final Set<String> KNOWN = Set.of("peer_name", "peer_url", "auth_token");
    private static final int MOST_TOKEN_CHARACTERS = 4096;

    Backend backend() {
        Backend plain = Backend.of(name, endpoint.url().toString(), Backend.Source.PEER);
        return token.map(secret -> plain.withHeaders(Map.of("Authorization", "Bearer " + secret)))
                .orElse(plain);
    }

    /** Without the token. */
    @Override
    public String toString() {
        return "PeerRequest[" + name + " " + endpoint + (token.isPresent() ? " with a token" : "") + "]";
    }

    /** @throws Problem 422, with everything that is wrong */
    static PeerRequest of(JsonNode body) {
        if (!body.isObject()) {
            throw Problem.unprocessable("peer.invalid", "", "The body must be a JSON object");
        }
        List<Fault> faults = new ArrayList<>();
        for (String key : body.propertyNames()) {
            if (!KNOWN.contains(key)) {
                faults.add(new Fault(
                        "/" + RegistrationRequest.shown(key),
                        "'" + RegistrationRequest.shown(key)
                                + "' is unknown; there are peer_name, peer_url and auth_token"));
            }
        }
        Optional<String> name = text(body, "peer_name", faults)
                .flatMap(found -> RegistrationRequest.name(new RegistrationRequest.Found("peer_name", found), faults));
        Optional<Endpoint> endpoint = text(body, "peer_url", faults)
                .flatMap(found ->
                        RegistrationRequest.endpoint(new RegistrationRequest.Found("peer_url", found), faults));
        Optional<String> token = body.hasNonNull("auth_token") ? text(body, "auth_token", faults) : Optional.empty();
        token.filter(secret -> secret.isBlank()
                        || secret.length() > MOST_TOKEN_CHARACTERS
                        || !secret.chars().allMatch(c -> c > ' ' && c < 127))
                .ifPresent(secret -> faults.add(new Fault(
                        "/auth_token",
                        "'auth_token' must be 1 to " + MOST_TOKEN_CHARACTERS
                                + " characters of ASCII without spaces"))); // not quoted: it is a secret
        if (!faults.isEmpty()) {
            throw Problem.unprocessable("peer.invalid", faults);
        }
        return new PeerRequest(name.orElseThrow(), endpoint.orElseThrow(), token);
    }

    private static Optional<String> text(JsonNode body, String key, List<Fault> faults) {
        if (!body.hasNonNull(key)) {
            faults.add(new Fault("/" + key, "'" + key + "' is missing"));
            return Optional.empty();
        }
        JsonNode value = body.get(key);
        if (!value.isString()) {
            faults.add(new Fault("/" + key, "'" + key + "' must be a string"));
            return Optional.empty();
        }
        return Optional.of(value.stringValue());
    }
}
