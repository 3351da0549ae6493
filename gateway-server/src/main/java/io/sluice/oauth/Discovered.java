package io.sluice.oauth;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/**
 * An authorization server as its metadata tells (RFC 9728, RFC 8414; MCP 2026-07-28, <em>Authorization Server Discovery</em>).
 *
 * @param issuer empty when its addresses were configured
 * @param basic whether it takes the client's secret in the header
 * @param issuerInResponse whether its answers to a browser always name it (RFC 9207)
 */
record Discovered(
        Optional<String> issuer,
        Optional<URI> authorization,
        URI token,
        boolean basic,
        boolean pkce,
        boolean issuerInResponse) {
    private static final Pattern RESOURCE_METADATA = Pattern.compile("resource_metadata=\"([^\"]{1,2048})\"");

    /** What went wrong, as the end of a sentence. */
    static final class NotFound extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotFound(String message) {
            super(message, null, false, false);
        }
    }

    /** The address in a challenge, if it names one. */
    static Optional<URI> resourceMetadata(String challenge) {
        Matcher matcher = RESOURCE_METADATA.matcher(challenge);
        return matcher.find() ? Optional.of(URI.create(matcher.group(1))) : Optional.empty();
    }

    /**
     * @param backend the server the tokens are for
     * @param announced where its challenge said its metadata is
     */
    static Mono<Discovered> find(OAuthHttp http, URI backend, Optional<URI> announced) {
        List<URI> places = new ArrayList<>();
        announced.ifPresent(places::add);
        if (announced.isEmpty()) {
            String path = backend.getRawPath() == null || backend.getRawPath().equals("/") ? "" : backend.getRawPath();
            places.add(backend.resolve("/.well-known/oauth-protected-resource" + path));
            places.add(backend.resolve("/.well-known/oauth-protected-resource"));
        }
        return first(
                        http,
                        places,
                        json -> json.path("authorization_servers").path(0).isString())
                .map(json -> json.path("authorization_servers").path(0).stringValue())
                // Servers of 2025-03-26 are their own authorization servers.
                .switchIfEmpty(
                        Mono.fromSupplier(() -> backend.resolve("/").toString().replaceAll("/$", "")))
                .flatMap(issuer -> server(http, issuer));
    }

    private static Mono<Discovered> server(OAuthHttp http, String issuer) {
        URI url;
        try {
            url = URI.create(issuer);
        } catch (IllegalArgumentException e) {
            return Mono.error(new NotFound("its authorization server '" + issuer + "' is no URL"));
        }
        String path = url.getRawPath() == null ? "" : url.getRawPath().replaceAll("/$", "");
        List<URI> places = new ArrayList<>();
        places.add(url.resolve("/.well-known/oauth-authorization-server" + path));
        places.add(url.resolve("/.well-known/openid-configuration" + path));
        if (!path.isEmpty()) {
            places.add(url.resolve(path + "/.well-known/openid-configuration"));
        }
        return first(http, places, json -> json.path("token_endpoint").isString())
                .switchIfEmpty(Mono.error(
                        () -> new NotFound("no metadata of its authorization server " + issuer + " was found")))
                .map(json -> read(issuer, json));
    }

    private static Discovered read(String issuer, JsonNode json) {
        String named = json.path("issuer").asString("");
        if (!named.equals(issuer)) {
            throw new NotFound("its authorization server calls itself '" + named + "' and not '" + issuer + "'");
        }
        List<String> methods = texts(json.path("token_endpoint_auth_methods_supported"));
        return new Discovered(
                Optional.of(issuer),
                json.path("authorization_endpoint").isString()
                        ? Optional.of(
                                URI.create(json.path("authorization_endpoint").stringValue()))
                        : Optional.empty(),
                URI.create(json.path("token_endpoint").stringValue()),
                methods.isEmpty() || methods.contains("client_secret_basic"),
                texts(json.path("code_challenge_methods_supported")).contains("S256"),
                json.path("authorization_response_iss_parameter_supported").asBoolean(false));
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asString("")));
        return texts;
    }

    private static Mono<JsonNode> first(
            OAuthHttp http, List<URI> places, java.util.function.Predicate<JsonNode> useful) {
        return Flux.fromIterable(places)
                .concatMap(place -> http.get(place)
                        .filter(got -> got.isGood() && useful.test(got.json()))
                        .map(OAuthHttp.Got::json)
                        .onErrorResume(unreachable -> Mono.empty()))
                .next();
    }
}
