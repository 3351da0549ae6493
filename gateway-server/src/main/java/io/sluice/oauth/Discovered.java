package io.sluice.oauth;

import java.net.URI;
import java.util.Optional;
import reactor.core.publisher.Mono;

/** Whom to ask for tokens, and what for. */
record Discovered(ProtectedResource resource, AuthorizationServer server) {
    /**
     * Asks the backend who gives tokens for it, and then that server what it can do. Fails with an {@link OAuthTrouble}.
     *
     * @param announced where the backend's challenge said its metadata is
     */
    static Mono<Discovered> find(OAuthHttp http, URI backend, Optional<URI> announced) {
        return ProtectedResource.find(http, backend, announced)
                .flatMap(resource -> AuthorizationServer.find(http, backend, resource)
                        .map(server -> new Discovered(resource, server)));
    }
}
