package io.sluice.oauth;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/**
 * An authorization server as its metadata tells (RFC 8414, OpenID Connect Discovery; MCP 2026-07-28, <em>Authorization Server Metadata Discovery</em>).
 *
 * @param issuer empty when its addresses were configured, or guessed for a server of 2025-03-26
 * @param authorization its page for people
 * @param registration where clients register themselves
 * @param methods how clients may say who they are at {@code token}; empty when it does not say
 * @param pkce whether it does PKCE with S256
 * @param issuerInResponse whether its answers to a browser always name it (RFC 9207)
 * @param documents whether a client's id may be the address of its metadata
 * @param scopes what it says it knows
 */
record AuthorizationServer(
        Optional<String> issuer,
        Optional<URI> authorization,
        URI token,
        Optional<URI> registration,
        List<String> methods,
        boolean pkce,
        boolean issuerInResponse,
        boolean documents,
        List<String> scopes) {
    AuthorizationServer {
        methods = List.copyOf(methods);
        scopes = List.copyOf(scopes);
    }

    /** One whose addresses were configured. */
    static AuthorizationServer configured(Optional<URI> authorization, URI token) {
        return new AuthorizationServer(
                Optional.empty(), authorization, token, Optional.empty(), List.of(), true, false, false, List.of());
    }

    /** What tells it from others: credentials of one are never shown to another. */
    String key() {
        return issuer.orElseGet(token::toString);
    }

    /** Says what of a server that was found cannot be used by a backend. */
    static Mono<AuthorizationServer> find(OAuthHttp http, URI backend, ProtectedResource resource) {
        if (resource.issuer().isPresent()) {
            String issuer = resource.issuer().get();
            return at(http, backend, issuer)
                    .switchIfEmpty(Mono.error(() -> new OAuthTrouble(
                            "no metadata of its authorization server " + shown(issuer) + " was found")));
        }
        // Servers of 2025-03-26 are their own authorization servers, at the root, with or without metadata.
        URI root = backend.resolve("/");
        String issuer = root.toString().replaceAll("/$", "");
        return at(http, backend, issuer)
                .defaultIfEmpty(new AuthorizationServer(
                        Optional.empty(),
                        Optional.of(root.resolve("/authorize")),
                        root.resolve("/token"),
                        Optional.of(root.resolve("/register")),
                        List.of("none", "client_secret_post"),
                        true,
                        false,
                        false,
                        List.of()));
    }

    private static Mono<AuthorizationServer> at(OAuthHttp http, URI backend, String issuer) {
        URI url = url(backend, issuer)
                .filter(found -> found.getRawQuery() == null)
                .orElse(null);
        if (url == null) {
            return Mono.error(new OAuthTrouble("its authorization server '" + shown(issuer) + "' cannot be used"));
        }
        String path = url.getRawPath() == null ? "" : url.getRawPath().replaceAll("/$", "");
        Mono<AuthorizationServer> found = at(
                        http, backend, issuer, url.resolve("/.well-known/oauth-authorization-server" + path))
                .switchIfEmpty(Mono.defer(
                        () -> at(http, backend, issuer, url.resolve("/.well-known/openid-configuration" + path))));
        return path.isEmpty()
                ? found
                : found.switchIfEmpty(Mono.defer(
                        () -> at(http, backend, issuer, url.resolve(path + "/.well-known/openid-configuration"))));
    }

    private static Mono<AuthorizationServer> at(OAuthHttp http, URI backend, String issuer, URI place) {
        return http.get(place).flatMap(got -> {
            if (got.status() >= 500) {
                return Mono.error(
                        new OAuthTrouble("its authorization server answers " + got.status() + " at " + place));
            }
            return got.isGood() && got.json().path("token_endpoint").isString()
                    ? Mono.fromSupplier(() -> read(backend, issuer, got.json()))
                    : Mono.empty();
        });
    }

    private static AuthorizationServer read(URI backend, String issuer, JsonNode json) {
        String named = json.path("issuer").asString("");
        if (!named.equals(issuer)) {
            throw new OAuthTrouble(
                    "its authorization server calls itself '" + shown(named) + "' and not '" + shown(issuer) + "'");
        }
        return new AuthorizationServer(
                Optional.of(issuer),
                endpoint(backend, json, "authorization_endpoint"),
                endpoint(backend, json, "token_endpoint").orElseThrow(),
                endpoint(backend, json, "registration_endpoint"),
                texts(json.path("token_endpoint_auth_methods_supported")),
                texts(json.path("code_challenge_methods_supported")).contains("S256"),
                json.path("authorization_response_iss_parameter_supported").asBoolean(false),
                json.path("client_id_metadata_document_supported").asBoolean(false),
                texts(json.path("scopes_supported")));
    }

    private static Optional<URI> endpoint(URI backend, JsonNode json, String member) {
        if (!json.path(member).isString()) {
            return Optional.empty();
        }
        String text = json.path(member).stringValue();
        Optional<URI> url = url(backend, text);
        if (url.isEmpty()) {
            throw new OAuthTrouble(
                    "the " + member + " of its authorization server, '" + shown(text) + "', cannot be used");
        }
        return url;
    }

    /** What is reached by TLS is not sent elsewhere without: an authorization server is never worse guarded than its backend. */
    private static Optional<URI> url(URI backend, String text) {
        try {
            return Optional.of(URI.create(text))
                    .filter(OAuthHttp::isWeb)
                    .filter(url -> "https".equalsIgnoreCase(url.getScheme())
                            || !"https".equalsIgnoreCase(backend.getScheme()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asString("")));
        return texts;
    }

    private static String shown(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
}
