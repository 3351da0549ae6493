package io.sluice.oauth;

import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend;
import io.sluice.upstream.Credentials;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** Keeps the tokens of the backends whose settings ask for OAuth, and takes people through their consent. */
public final class OAuthKeepers implements Credentials {
    private final LoopResources loops;
    private final EgressPolicy egress;
    private final Supplier<String> gatewayUrl;
    private final Map<String, TokenKeeper> keepers = new ConcurrentHashMap<>();

    /** @param gatewayUrl where browsers reach the gateway, without a slash at the end; asked when it is needed */
    public OAuthKeepers(LoopResources loops, EgressPolicy egress, Supplier<String> gatewayUrl) {
        this.loops = loops;
        this.egress = egress;
        this.gatewayUrl = gatewayUrl;
    }

    @Override
    public Optional<Keeper> of(Backend backend) {
        Optional<OAuthSettings> settings = OAuthSettings.of(backend.transport());
        if (settings.isEmpty()) {
            keepers.remove(backend.name());
            return Optional.empty();
        }
        TokenKeeper keeper =
                new TokenKeeper(backend, settings.get(), gatewayUrl, new OAuthHttp(loops, egress, backend.source()));
        // What was agreed to holds for the same server and client, and for nothing else.
        return Optional.of(keepers.merge(
                backend.name(),
                keeper,
                (before, next) ->
                        before.backend().transport().equals(next.backend().transport())
                                        && before.backend()
                                                .endpoints()
                                                .equals(next.backend().endpoints())
                                        && before.backend().source()
                                                == next.backend().source()
                                ? before
                                : next));
    }

    /** The page of the authorization server where somebody agrees; empty when the backend has no use for it. */
    public Mono<String> authorizationUrl(String backend) {
        TokenKeeper keeper = keepers.get(backend);
        return keeper == null ? Mono.empty() : keeper.authorizationUrl();
    }

    /** Takes the answer that a browser brings back; the backend's name, or empty when its state is none of ours. */
    public Mono<String> cameBack(String state, String code, Optional<String> issuer) {
        int dot = state.indexOf('.');
        TokenKeeper keeper = dot < 0 ? null : keepers.get(state.substring(0, dot));
        return keeper == null
                ? Mono.empty()
                : keeper.cameBack(state, code, issuer)
                        .thenReturn(keeper.backend().name());
    }

    /** Whether the backend waits for somebody's consent. */
    public boolean needsConsent(String backend) {
        TokenKeeper keeper = keepers.get(backend);
        return keeper != null && keeper.needsConsent();
    }
}
