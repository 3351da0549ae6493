package io.sluice.oauth;

import java.net.URI;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Who the gateway is at one authorization server.
 *
 * @param secret empty for a public client. Secret
 * @param method how it says so, in the words of RFC 7591; empty to choose by what the server takes
 * @param redirect where a browser comes back to, as the server was told; empty when it was not told by the gateway
 * @param until when the secret ends; empty when it does not
 */
record ClientIdentity(
        String id,
        Optional<String> secret,
        Optional<String> method,
        Optional<String> redirect,
        Optional<Instant> until) {
    static ClientIdentity known(String id, Optional<String> secret) {
        return new ClientIdentity(id, secret, Optional.empty(), Optional.empty(), Optional.empty());
    }

    /** One whose id is the address of its metadata. */
    static ClientIdentity document(String url) {
        return new ClientIdentity(url, Optional.empty(), Optional.of("none"), Optional.empty(), Optional.empty());
    }

    boolean isFor(String redirectUri, Instant now) {
        return redirect.filter(redirectUri::equals).isPresent()
                && until.map(now::isBefore).orElse(true);
    }

    /**
     * Registers the gateway (RFC 7591).
     *
     * @param name what people are shown
     */
    static Mono<ClientIdentity> register(
            OAuthHttp http, AuthorizationServer server, URI endpoint, String name, String redirect) {
        Map<String, Object> asked = new LinkedHashMap<>(description(name, redirect));
        asked.put(
                "token_endpoint_auth_method",
                List.of("client_secret_basic", "client_secret_post", "none").stream()
                        .filter(server.methods()::contains)
                        .findFirst()
                        .orElse("client_secret_basic"));
        return http.post(endpoint, asked).map(got -> {
            if (!got.isGood() || !got.json().path("client_id").isString()) {
                throw new OAuthTrouble("its authorization server did not register the gateway, it answered "
                        + got.words(List.of()) + "; register it there and give oauth its clientId");
            }
            JsonNode json = got.json();
            long ends = json.path("client_secret_expires_at").asLong(0);
            return new ClientIdentity(
                    json.path("client_id").stringValue(),
                    text(json, "client_secret"),
                    text(json, "token_endpoint_auth_method"),
                    Optional.of(redirect),
                    ends > 0 ? Optional.of(Instant.ofEpochSecond(ends)) : Optional.empty());
        });
    }

    /** What an authorization server is told, by registration or by document. */
    static Map<String, Object> description(String name, String redirect) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("client_name", name);
        told.put("redirect_uris", List.of(redirect));
        told.put("grant_types", List.of("authorization_code", "refresh_token"));
        told.put("response_types", List.of("code"));
        told.put("application_type", isLoopback(URI.create(redirect)) ? "native" : "web");
        return told;
    }

    private static boolean isLoopback(URI url) {
        String host = String.valueOf(url.getHost());
        return host.equals("localhost") || host.equals("127.0.0.1") || host.equals("[::1]");
    }

    /**
     * Adds to a request for a token who asks; what belongs in the header comes back.
     *
     * @param form gets what belongs into the body
     */
    Optional<String> sign(Map<String, String> form, AuthorizationServer server) {
        return sign(form, server.methods());
    }

    Optional<String> sign(Map<String, String> form, List<String> methods) {
        boolean basic = secret.isPresent()
                && method.map("client_secret_basic"::equals)
                        .orElseGet(() -> methods.isEmpty()
                                || methods.contains("client_secret_basic")
                                || !methods.contains("client_secret_post"));
        if (basic) {
            return secret.map(value -> OAuthHttp.basic(id, value));
        }
        form.put("client_id", id);
        if (!method.equals(Optional.of("none"))) {
            secret.ifPresent(value -> form.put("client_secret", value));
        }
        return Optional.empty();
    }

    void writeTo(ObjectNode json) {
        json.put("id", id);
        secret.ifPresent(value -> json.put("secret", value));
        method.ifPresent(value -> json.put("method", value));
        redirect.ifPresent(value -> json.put("redirect", value));
        until.ifPresent(value -> json.put("until", value.toEpochMilli()));
    }

    static ClientIdentity of(JsonNode json) {
        return new ClientIdentity(
                json.path("id").asString(""),
                text(json, "secret"),
                text(json, "method"),
                text(json, "redirect"),
                json.has("until")
                        ? Optional.of(Instant.ofEpochMilli(json.path("until").asLong()))
                        : Optional.empty());
    }

    static Optional<String> text(JsonNode json, String member) {
        return json.path(member).isString() ? Optional.of(json.path(member).stringValue()) : Optional.empty();
    }

    /** Without the secret. */
    @Override
    public String toString() {
        return "ClientIdentity[" + id + "]";
    }
}
