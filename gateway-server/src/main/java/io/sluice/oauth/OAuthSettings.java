package io.sluice.oauth;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Transport;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * How the gateway gets tokens for a backend.
 *
 * @param interactive whether a person has to agree (authorization code); otherwise client credentials
 * @param clientId who the gateway is at the authorization server; empty to tell it or to register there
 * @param clientSecret empty for a public client. Secret
 * @param authorizationUrl skips discovery together with {@code tokenUrl}; empty to discover
 * @param redirectUri where the person's browser comes back to; empty for {@code /callback} of the gateway
 */
public record OAuthSettings(
        boolean interactive,
        Optional<String> clientId,
        Optional<String> clientSecret,
        Optional<String> authorizationUrl,
        Optional<String> tokenUrl,
        Optional<String> redirectUri,
        List<String> scopes) {
    private static final JsonMapper JSON = JsonMapper.shared();

    public OAuthSettings {
        if (!interactive && (clientId.isEmpty() || clientSecret.isEmpty())) {
            throw new IllegalArgumentException(
                    "oauth by client credentials needs a clientId and a clientSecret; authorization_code can do without");
        }
        if (clientSecret.isPresent() && clientId.isEmpty()) {
            throw new IllegalArgumentException("oauth has a clientSecret and no clientId");
        }
        if (interactive && authorizationUrl.isPresent() != tokenUrl.isPresent()) {
            throw new IllegalArgumentException(
                    "oauth by authorization code needs both authorizationUrl and tokenUrl, or neither to find them out");
        }
        if (interactive && tokenUrl.isPresent() && clientId.isEmpty()) {
            throw new IllegalArgumentException("oauth with a configured tokenUrl needs a clientId");
        }
        scopes = List.copyOf(scopes);
    }

    /** A transport that is the given one, with these settings. */
    public Transport on(Transport transport) {
        ObjectNode all = (ObjectNode) JSON.readTree(transport.settings().bytes());
        ObjectNode json = all.putObject("oauth");
        json.put("interactive", interactive);
        clientId.ifPresent(value -> json.put("clientId", value));
        clientSecret.ifPresent(value -> json.put("clientSecret", value));
        authorizationUrl.ifPresent(value -> json.put("authorizationUrl", value));
        tokenUrl.ifPresent(value -> json.put("tokenUrl", value));
        redirectUri.ifPresent(value -> json.put("redirectUri", value));
        scopes.forEach(json.putArray("scopes")::add);
        return new Transport(transport.kind(), RawJson.of(JSON.writeValueAsBytes(all)));
    }

    /** @throws IllegalArgumentException with a sentence when they cannot be meant */
    public static Optional<OAuthSettings> of(Transport transport) {
        try {
            JsonNode json = JSON.readTree(transport.settings().bytes()).path("oauth");
            if (!json.isObject()) {
                return Optional.empty();
            }
            List<String> scopes = new ArrayList<>();
            json.path("scopes").forEach(scope -> scopes.add(scope.asString("")));
            return Optional.of(new OAuthSettings(
                    json.path("interactive").asBoolean(false),
                    text(json, "clientId"),
                    text(json, "clientSecret"),
                    text(json, "authorizationUrl"),
                    text(json, "tokenUrl"),
                    text(json, "redirectUri"),
                    scopes));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its oauth settings cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    private static Optional<String> text(JsonNode json, String member) {
        return json.path(member).isString() ? Optional.of(json.path(member).stringValue()) : Optional.empty();
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "OAuthSettings[" + clientId.orElse("unregistered")
                + (interactive ? " by a person" : " by client credentials") + "]";
    }
}
