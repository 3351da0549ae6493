package io.sluice.oauth;

import io.sluice.oauth.Kept.Need;
import io.sluice.registry.Backend.Source;
import io.sluice.registry.Change;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.SharedRecord;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.seal.SeededRandom;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Takes a person to an authorization server and back (OAuth 2.1, authorization code with PKCE). What the way back needs is a record of the registry, so that any replica may be the one to which the
 * browser comes; it is good once, for ten minutes.
 */
final class CodeFlow {
    private static final Logger log = LoggerFactory.getLogger(CodeFlow.class);
    private static final Duration LONGEST = Duration.ofMinutes(10);
    private static final int MOST = 1000;

    /** How long a browser may be ahead of the registry, and how many may be waited for. */
    private static final Duration SETTLING = Duration.ofSeconds(1);

    private static final int MOST_WAITING = 64;
    private static final Pattern STATE = Pattern.compile("[A-Za-z0-9_-]{43}");

    private final Registry registry;
    private final Supplier<String> gatewayUrl;
    private final Function<Source, OAuthHttp> https;
    private final InstantSource clock;
    private final SecureRandom random = SeededRandom.create();
    private final AtomicInteger waiting = new AtomicInteger();

    /** @param gatewayUrl where browsers and authorization servers reach the gateway */
    CodeFlow(Registry registry, Supplier<String> gatewayUrl, Function<Source, OAuthHttp> https, InstantSource clock) {
        this.registry = registry;
        this.gatewayUrl = gatewayUrl;
        this.https = https;
        this.clock = clock;
    }

    /** Where to send a person, whose browser then comes back to the redirect address. */
    Mono<String> begin(TokenKeeper keeper) {
        return Mono.defer(() -> {
                    if (!keeper.settings().interactive()) {
                        return Mono.error(keeper.unavailable("it gets its tokens by itself"));
                    }
                    return keeper.discovered().flatMap(found -> begin(keeper, found));
                })
                .onErrorMap(error -> !(error instanceof BackendFailure), keeper::failure);
    }

    private Mono<String> begin(TokenKeeper keeper, Discovered found) {
        AuthorizationServer server = found.server();
        if (server.authorization().isEmpty()) {
            return Mono.error(keeper.unavailable("its authorization server has no page for people"));
        }
        if (!server.pkce()) {
            return Mono.error(keeper.unavailable("its authorization server does not do PKCE with S256"));
        }
        if (registry.snapshot().records(RecordKind.OAUTH_CONSENT).size() >= MOST) {
            return Mono.error(keeper.unavailable(MOST + " people are being asked for consent, and no more may be"));
        }
        String redirect = keeper.settings().redirectUri().orElseGet(() -> gatewayUrl.get() + "/callback");
        Kept kept = keeper.shared().kept();
        List<String> scopes = scopes(keeper, kept, found);
        return client(keeper, kept, server, redirect).flatMap(client -> {
            String state = Texts.random(random);
            String verifier = Texts.random(random);
            Consent consent = new Consent(
                    keeper.backend().name(),
                    keeper.backend().source(),
                    keeper.shared().id(),
                    server.key(),
                    server.issuer(),
                    server.issuerInResponse(),
                    server.token(),
                    server.methods(),
                    client,
                    redirect,
                    verifier,
                    found.resource().resource(),
                    scopes);
            Map<String, String> query = new LinkedHashMap<>();
            query.put("response_type", "code");
            query.put("client_id", client.id());
            query.put("redirect_uri", redirect);
            query.put("state", state);
            query.put("code_challenge", Texts.challenge(verifier));
            query.put("code_challenge_method", "S256");
            query.put("resource", found.resource().resource());
            if (!scopes.isEmpty()) {
                query.put("scope", String.join(" ", scopes));
            }
            return registry.put(
                            RecordKind.OAUTH_CONSENT,
                            Texts.digest(state),
                            consent.json(),
                            Optional.of(LONGEST),
                            Change.creating())
                    .thenReturn(with(query, server.authorization().get()));
        });
    }

    private static String with(Map<String, String> query, URI page) {
        StringBuilder url = new StringBuilder(page.toString());
        char between = url.indexOf("?") < 0 ? '?' : '&';
        for (Map.Entry<String, String> each : query.entrySet()) {
            url.append(between)
                    .append(each.getKey())
                    .append('=')
                    .append(OAuthHttp.encoded(each.getValue()).replace("+", "%20"));
            between = '&';
        }
        return url.toString();
    }

    /** What the backend asked for, or what is configured, or what it says it knows; and to be allowed to renew the token. */
    private static List<String> scopes(TokenKeeper keeper, Kept kept, Discovered found) {
        List<String> asked = kept.need().map(Need::scopes).orElse(List.of());
        List<String> configured = keeper.settings().scopes();
        List<String> scopes = !asked.isEmpty()
                ? asked
                : configured.isEmpty() ? found.resource().scopes() : configured;
        boolean renewable = !scopes.isEmpty() && found.server().scopes().contains("offline_access");
        return renewable ? Token.union(scopes, List.of("offline_access")) : scopes;
    }

    /** MCP 2026-07-28, Client Registration: configured, else a document, else registered. */
    private Mono<ClientIdentity> client(TokenKeeper keeper, Kept kept, AuthorizationServer server, String redirect) {
        if (keeper.settings().clientId().isPresent()) {
            ClientIdentity client = keeper.configured(kept, server);
            return keeper.bound(kept, server, client).thenReturn(client);
        }
        String gateway = gatewayUrl.get();
        if (server.documents() && ClientDocument.covers(gateway, redirect)) {
            ClientIdentity client = ClientIdentity.document(ClientDocument.url(gateway));
            return keeper.bound(kept, server, client).thenReturn(client);
        }
        Optional<ClientIdentity> known = Optional.ofNullable(kept.clients().get(server.key()))
                .filter(client -> client.isFor(redirect, clock.instant()));
        if (known.isPresent()) {
            return Mono.just(known.get());
        }
        return server.registration()
                .map(place -> ClientIdentity.register(keeper.http(), server, place, ClientDocument.NAME, redirect)
                        .flatMap(client -> keeper.bound(kept, server, client).thenReturn(client)))
                .orElseGet(() -> Mono.error(new OAuthTrouble("its authorization server lets nobody register: register"
                        + " the gateway there and give oauth its clientId")));
    }

    /**
     * The browser came back. Empty when nobody was sent there, or too long ago, or it has been back before.
     *
     * @param issuer the parameter {@code iss}, if there was one
     * @return the backend's name
     */
    Mono<String> finish(String state, String code, Optional<String> issuer) {
        if (!STATE.matcher(state).matches()) {
            return Mono.empty();
        }
        String id = Texts.digest(state);
        return record(id)
                .flatMap(record -> registry.delete(RecordKind.OAUTH_CONSENT, id, Change.any())
                        .filter(mine -> mine)
                        .map(mine -> Consent.of(record.body())))
                .flatMap(consent -> exchange(consent, code, issuer)
                        .thenReturn(consent.backend())
                        .onErrorMap(
                                OAuthTrouble.class,
                                trouble -> BackendFailure.unavailable(
                                        consent.backend(),
                                        "Backend '" + consent.backend() + "' is unavailable: " + trouble.reason(),
                                        Duration.ofSeconds(5))));
    }

    private Mono<SharedRecord> record(String id) {
        return Mono.defer(() -> {
            SharedRecord there =
                    registry.snapshot().records(RecordKind.OAUTH_CONSENT).get(id);
            if (there != null) {
                return Mono.just(there);
            }
            if (waiting.incrementAndGet() > MOST_WAITING) {
                waiting.decrementAndGet();
                return Mono.empty();
            }
            return registry.watch(RecordKind.OAUTH_CONSENT)
                    .mapNotNull(records -> records.get(id))
                    .next()
                    .timeout(SETTLING, Mono.empty())
                    .doFinally(end -> waiting.decrementAndGet());
        });
    }

    private Mono<Void> exchange(Consent consent, String code, Optional<String> issuer) {
        return Mono.defer(() -> {
            check(consent, issuer);
            Map<String, String> form = new LinkedHashMap<>();
            form.put("grant_type", "authorization_code");
            form.put("code", code);
            form.put("redirect_uri", consent.redirect());
            form.put("code_verifier", consent.verifier());
            form.put("resource", consent.resource());
            Optional<String> basic = consent.client().sign(form, consent.methods());
            Instant now = clock.instant();
            return Mono.fromSupplier(() -> https.apply(consent.source()))
                    .subscribeOn(Schedulers.boundedElastic()) // the first one reads key stores
                    .flatMap(http -> TokenKeeper.asked(http, consent.token(), form, basic, consent.client()))
                    .map(got -> Token.of(got.json(), Optional.empty(), consent.server(), consent.scopes(), now))
                    .flatMap(token -> new SharedTokens(registry, consent.record(), Kept.nothing(consent.source()))
                            .update(kept -> kept.with(consent.server(), consent.client())
                                    .with(token)))
                    .doOnNext(done ->
                            log.info("Backend '{}': somebody agreed, the gateway has a token now", consent.backend()))
                    .onErrorMap(
                            error -> !(error instanceof OAuthTrouble)
                                    && !(error instanceof io.sluice.registry.RegistryRefusal),
                            error -> new OAuthTrouble("asking for its token failed: " + error))
                    .then();
        });
    }

    /** RFC 9207: an answer of another server than the one that was asked is an attack. */
    private static void check(Consent consent, Optional<String> issuer) {
        if (consent.issuerInResponse() && issuer.isEmpty()) {
            throw new OAuthTrouble("the answer of its authorization server does not say whose it is");
        }
        if (issuer.isPresent() && consent.issuer().isPresent() && !issuer.equals(consent.issuer())) {
            String named = issuer.get();
            throw new OAuthTrouble("the answer came from another authorization server, "
                    + (named.length() > 200 ? named.substring(0, 200) + "…" : named));
        }
    }
}
