package io.sluice.oauth;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/**
 * A backend as its metadata tells (RFC 9728; MCP 2026-07-28, <em>Protected Resource Metadata Discovery</em>).
 *
 * @param resource what tokens must be for, exactly as it is written there
 * @param issuer its authorization server, the first it names; empty when the backend has no metadata
 * @param scopes what it says it knows
 */
record ProtectedResource(String resource, Optional<String> issuer, List<String> scopes) {
    ProtectedResource {
        scopes = List.copyOf(scopes);
    }

    /** One that says nothing of itself, as backends up to 2025-03-26 do. */
    static ProtectedResource plain(URI backend) {
        return new ProtectedResource(backend.toString(), Optional.empty(), List.of());
    }

    /**
     * Looks where the backend's challenge said, and otherwise at the path of the backend and at the root.
     *
     * @param announced what the challenge named
     */
    static Mono<ProtectedResource> find(OAuthHttp http, URI backend, Optional<URI> announced) {
        if (announced.isPresent()) {
            return at(http, backend, announced.get())
                    .switchIfEmpty(Mono.error(() ->
                            new OAuthTrouble("there is no metadata at " + announced.get() + ", where it says it is")));
        }
        String path = backend.getRawPath() == null || backend.getRawPath().equals("/") ? "" : backend.getRawPath();
        URI root = backend.resolve("/.well-known/oauth-protected-resource");
        Mono<ProtectedResource> atRoot = at(http, backend, root);
        return (path.isEmpty()
                        ? atRoot
                        : at(http, backend, URI.create(root + path)).switchIfEmpty(atRoot))
                .defaultIfEmpty(plain(backend));
    }

    /** Empty when there is none; a server that cannot be reached, or fails, is not the same as none. */
    private static Mono<ProtectedResource> at(OAuthHttp http, URI backend, URI place) {
        return http.get(place).flatMap(got -> {
            if (got.status() >= 500) {
                return Mono.error(new OAuthTrouble("its metadata at " + place + " answers " + got.status()));
            }
            return got.isGood()
                            && got.json().path("authorization_servers").path(0).isString()
                    ? Mono.fromSupplier(() -> read(backend, got.json()))
                    : Mono.empty();
        });
    }

    private static ProtectedResource read(URI backend, JsonNode json) {
        String resource = json.path("resource").asString("");
        if (!covers(resource, backend)) {
            throw new OAuthTrouble("its metadata is of another resource, '" + shown(resource) + "'");
        }
        List<String> scopes = new ArrayList<>();
        json.path("scopes_supported").forEach(scope -> scopes.add(scope.asString("")));
        scopes.removeIf(String::isBlank);
        return new ProtectedResource(
                resource, Optional.of(json.path("authorization_servers").path(0).stringValue()), scopes);
    }

    /** Whether a resource is the backend, or what the backend is a part of: a token for another must never be asked for. */
    private static boolean covers(String resource, URI backend) {
        URI url;
        try {
            url = URI.create(resource);
        } catch (IllegalArgumentException e) {
            return false;
        }
        if (!OAuthHttp.isWeb(url) || !origin(url).equals(origin(backend))) {
            return false;
        }
        String whole = path(url);
        String part = path(backend);
        return part.equals(whole) || part.startsWith(whole.endsWith("/") ? whole : whole + "/");
    }

    private static String path(URI url) {
        return url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
    }

    private static String origin(URI url) {
        String scheme = url.getScheme().toLowerCase(Locale.ROOT);
        int port = url.getPort() >= 0 ? url.getPort() : scheme.equals("https") ? 443 : 80;
        return scheme + "://" + url.getHost().toLowerCase(Locale.ROOT) + ":" + port;
    }

    private static String shown(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
}
