package io.sluice.oauth;

import io.sluice.oauth.Kept.Need;
import io.sluice.registry.Backend;
import io.sluice.registry.Fence;
import io.sluice.registry.RegistryRefusal;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.upstream.Credentials;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * The tokens of one backend: fetched when first needed, renewed before they end, fetched anew when they are refused. All who need one at the same time share one request, on this replica and on all of
 * them; what came of it is in {@link SharedTokens}.
 *
 * <p>A backend for which a person has to agree is first asked without a token: its challenge says what for.
 */
final class TokenKeeper implements Credentials.Keeper {
    private static final Logger log = LoggerFactory.getLogger(TokenKeeper.class);

    /** How long a failure to get a token is told to everybody who asks, before it is tried again. */
    private static final Duration PAUSE = Duration.ofSeconds(5);

    /** Of tokens that were refused, one is replaced in this time: another one would be refused as well. */
    private static final Duration ONE_REFUSAL = Duration.ofSeconds(10);

    private static final int ROUNDS = 5;

    private final Backend backend;
    private final OAuthSettings settings;
    private final Supplier<String> gatewayUrl;
    private final OAuthHttp http;
    private final SharedTokens shared;
    private final InstantSource clock;
    private final URI url;
    private final AtomicReference<@Nullable Mono<Token>> fetching = new AtomicReference<>();
    private final AtomicReference<@Nullable Discovered> discovered = new AtomicReference<>();
    private volatile Optional<URI> announced = Optional.empty();
    private volatile @Nullable Failed failed;

    /** A token that the registry could not take. */
    private volatile @Nullable Token unshared;

    /** The header that was refused last, and until when no other is got because one was refused. */
    private volatile String refused = "";

    private volatile Instant nextRefusal = Instant.MIN;
    private volatile Instant used = Instant.MIN;

    private record Failed(BackendFailure why, Instant until) {}

    /** @param gatewayUrl where browsers reach the gateway, for sentences */
    TokenKeeper(
            Backend backend,
            OAuthSettings settings,
            Supplier<String> gatewayUrl,
            OAuthHttp http,
            SharedTokens shared,
            InstantSource clock) {
        this.backend = backend;
        this.settings = settings;
        this.gatewayUrl = gatewayUrl;
        this.http = http;
        this.shared = shared;
        this.clock = clock;
        this.url = backend.endpoints().get(0).url();
    }

    Backend backend() {
        return backend;
    }

    OAuthSettings settings() {
        return settings;
    }

    OAuthHttp http() {
        return http;
    }

    SharedTokens shared() {
        return shared;
    }

    /** Whether a person has to agree before the backend, or all of it, can be used. */
    boolean needsConsent() {
        return settings.interactive() && shared.kept().need().isPresent();
    }

    /** The token of the moment, as long as nobody refused it. */
    Optional<Token> usable() {
        Instant now = clock.instant();
        return Optional.ofNullable(unshared)
                .filter(token -> isUsable(token, now))
                .or(() -> shared.kept().token().filter(token -> isUsable(token, now)));
    }

    private boolean isUsable(Token token, Instant now) {
        return token.isGood(now) && !token.header().equals(refused);
    }

    @Override
    public Mono<String> authorization() {
        return Mono.defer(() -> {
            used = clock.instant();
            Optional<Token> token = usable();
            if (token.isPresent()) {
                return Mono.just(token.get().header());
            }
            Kept kept = shared.kept();
            if (!settings.interactive() || isRenewable(kept)) {
                return renewed().map(Token::header);
            }
            return kept.need().isPresent()
                    ? Mono.error(consentNeeded(kept.need().get()))
                    : Mono.empty();
        });
    }

    private static boolean isRenewable(Kept kept) {
        return kept.token().flatMap(Token::refresh).isPresent();
    }

    // ---- refusals

    @Override
    public Mono<Boolean> refused(String header, int status, String said) {
        return Mono.defer(() -> {
            Challenge challenge = Challenge.of(said);
            if (status == 403 && !challenge.insufficient()) {
                return Mono.just(false); // the token is fine, and not enough, and no other would be
            }
            challenge.metadata().ifPresent(place -> announced = Optional.of(place));
            Optional<Token> now = usable();
            if (now.isPresent() && !now.get().header().equals(header)) {
                return Mono.just(true); // there is another one by now
            }
            return status == 403 ? wantsMore(challenge) : wantsAnother(header, challenge);
        });
    }

    /** MCP 2026-07-28, Scope Challenge Handling: what was granted is asked for again, with what is wanted besides. */
    private Mono<Boolean> wantsMore(Challenge challenge) {
        Kept kept = shared.kept();
        List<String> before =
                kept.token().map(Token::scopes).orElseGet(() -> Token.union(settings.scopes(), kept.scopes()));
        List<String> all = Token.union(before, challenge.scopes());
        if (all.equals(before)) {
            return Mono.error(unavailable("it wants a token that may do more (403, insufficient_scope), although all it"
                    + " names was asked for"));
        }
        String why = "it wants a token that may do more: " + String.join(" ", challenge.scopes());
        if (settings.interactive()) {
            return asking(why, all, "");
        }
        refused = kept.token().map(Token::header).orElse(refused);
        return shared.update(known -> known.asking(all)).thenReturn(true).onErrorReturn(true);
    }

    private Mono<Boolean> wantsAnother(String header, Challenge challenge) {
        boolean known = !header.isEmpty() && header.equals(refused);
        if (!known) {
            refused = header.isEmpty() ? refused : header;
            discovered.set(null); // it may have moved to another authorization server
        }
        Kept kept = shared.kept();
        if (!settings.interactive() || isRenewable(kept)) {
            Instant now = clock.instant();
            boolean another = known || now.isAfter(nextRefusal);
            nextRefusal = known || !another ? nextRefusal : now.plus(ONE_REFUSAL);
            return Mono.just(another);
        }
        List<String> wanted = settings.scopes().isEmpty() ? challenge.scopes() : settings.scopes();
        List<String> before = kept.token().map(Token::scopes).orElse(List.of());
        return asking(header.isEmpty() ? "" : "it refuses the token it has", Token.union(before, wanted), "");
    }

    /**
     * Tells all replicas that a person is needed, and whoever called what to do.
     *
     * @param ended a token that is of no use any more, not even to be renewed
     */
    private Mono<Boolean> asking(String why, List<String> scopes, String ended) {
        Need need = new Need(why, scopes, announced.map(URI::toString), clock.instant());
        Optional<Need> known = shared.kept().need();
        boolean news = known.filter(
                        old -> old.scopes().equals(scopes) && old.metadata().equals(need.metadata()))
                .isEmpty();
        Mono<Kept> told = shared.update(kept -> kept.without(ended).needing(need))
                .doOnNext(done -> log.info("{}", consentNeeded(need).reason()));
        return (news || !ended.isEmpty() ? told : Mono.<Kept>empty())
                .onErrorComplete(RegistryRefusal.class)
                .then(Mono.error(() -> consentNeeded(need)));
    }

    // ---- fetching

    /** Renews what is about to end, if anybody uses it, and hands over what the registry did not take. */
    Mono<Void> tend() {
        return Mono.defer(() -> {
            Token alone = unshared;
            if (alone != null) {
                return shared.update(kept -> kept.with(alone))
                        .doOnNext(done -> unshared = null)
                        .then()
                        .onErrorComplete();
            }
            Instant now = clock.instant();
            boolean due = usable().filter(token -> token.isAgeing(now) && used.isAfter(token.since()))
                    .isPresent();
            return due && (!settings.interactive() || isRenewable(shared.kept()))
                    ? renewed().then().onErrorComplete()
                    : Mono.<Void>empty();
        });
    }

    private Mono<Token> renewed() {
        Failed before = failed;
        if (before != null && clock.instant().isBefore(before.until())) {
            return Mono.error(before.why());
        }
        while (true) {
            Mono<Token> running = fetching.get();
            if (running != null) {
                return running;
            }
            Mono<Token> next = Mono.defer(() -> renew(1))
                    .onErrorMap(error -> !(error instanceof BackendFailure), this::failure)
                    .doOnError(
                            BackendFailure.class,
                            why -> failed = new Failed(why, clock.instant().plus(PAUSE)))
                    .doOnNext(token -> failed = null)
                    .doFinally(end -> fetching.set(null))
                    .cache();
            if (fetching.compareAndSet(null, next)) {
                return next;
            }
        }
    }

    private Mono<Token> renew(int round) {
        Instant now = clock.instant();
        Optional<Token> there = usable().filter(token -> !token.isAgeing(now));
        if (there.isPresent()) {
            return Mono.just(there.get());
        }
        long before = shared.revision();
        if (round > ROUNDS) {
            return Mono.error(unavailable("another replica is getting a token for it, and is not done"));
        }
        return shared.claim()
                .map(Optional::of)
                .defaultIfEmpty(Optional.empty())
                .flatMap(fence -> fence.isPresent()
                        ? claimed(fence.get())
                        : shared.whenOthersAreDone(before).then(Mono.defer(() -> renew(round + 1))))
                // By itself it can have as many tokens as it likes; a refresh token is for one use by one replica.
                .onErrorResume(
                        RegistryRefusal.Unavailable.class,
                        away -> settings.interactive()
                                ? Mono.error(unavailable("its token cannot be renewed while the registry is away"))
                                : fetch(shared.kept()).doOnNext(token -> unshared = token));
    }

    private Mono<Token> claimed(Fence fence) {
        return Mono.usingWhen(
                Mono.just(fence),
                held -> {
                    Kept kept = shared.kept();
                    Instant now = clock.instant();
                    Optional<Token> there = usable().filter(token -> !token.isAgeing(now));
                    return there.isPresent()
                            ? Mono.just(there.get())
                            : fetch(kept).flatMap(this::share);
                },
                shared::release);
    }

    private Mono<Token> share(Token token) {
        if (token.header().equals(refused)) {
            return Mono.error(new OAuthTrouble("its authorization server gives the token again that it refused"));
        }
        return shared.update(kept -> kept.with(token)).thenReturn(token).onErrorResume(RegistryRefusal.class, away -> {
            log.warn("Backend '{}': its token is known to this replica alone: {}", backend.name(), away.getMessage());
            unshared = token;
            return Mono.just(token);
        });
    }

    private Mono<Token> fetch(Kept kept) {
        return (settings.interactive() ? refreshed(kept) : byItself(kept))
                .onErrorResume(
                        OAuthTrouble.Ended.class,
                        ended -> settings.interactive()
                                ? asking(
                                                ended.reason(),
                                                kept.token().map(Token::scopes).orElse(List.of()),
                                                kept.token().map(Token::access).orElse(""))
                                        .then(Mono.<Token>empty())
                                : Mono.error(ended));
    }

    private Mono<Token> refreshed(Kept kept) {
        Token old = kept.token().orElseThrow(() -> new OAuthTrouble("nobody has agreed yet"));
        String refresh = old.refresh().orElseThrow(() -> new OAuthTrouble("nobody has agreed yet"));
        return discovered().flatMap(found -> {
            AuthorizationServer server = found.server();
            if (!server.key().equals(old.server())) {
                return Mono.error(new OAuthTrouble.Ended("its authorization server is another one now"));
            }
            ClientIdentity client = Optional.ofNullable(kept.clients().get(server.key()))
                    .orElseThrow(() -> new OAuthTrouble.Ended("the gateway is not known to its authorization server"));
            Map<String, String> form = form("refresh_token", found);
            form.put("refresh_token", refresh);
            Optional<String> basic = client.sign(form, server);
            return asked(server, form, basic, client, Optional.of(refresh), old.scopes());
        });
    }

    private Mono<Token> byItself(Kept kept) {
        return discovered().flatMap(found -> {
            ClientIdentity client = configured(kept, found.server());
            List<String> scopes = Token.union(settings.scopes(), kept.scopes());
            Map<String, String> form = form("client_credentials", found);
            if (!scopes.isEmpty()) {
                form.put("scope", String.join(" ", scopes));
            }
            Optional<String> basic = client.sign(form, found.server());
            return bound(kept, found.server(), client)
                    .then(Mono.defer(() -> asked(found.server(), form, basic, client, Optional.empty(), scopes)));
        });
    }

    private static Map<String, String> form(String grant, Discovered found) {
        Map<String, String> form = new LinkedHashMap<>();
        form.put("grant_type", grant);
        form.put("resource", found.resource().resource());
        return form;
    }

    private Mono<Token> asked(
            AuthorizationServer server,
            Map<String, String> form,
            Optional<String> basic,
            ClientIdentity client,
            Optional<String> refresh,
            List<String> scopes) {
        return asked(http, server.token(), form, basic, client)
                .map(got -> Token.of(got.json(), refresh, server.key(), scopes, clock.instant()));
    }

    /** Asks for a token; what is no token is an {@link OAuthTrouble}. */
    static Mono<OAuthHttp.Got> asked(
            OAuthHttp http, URI place, Map<String, String> form, Optional<String> basic, ClientIdentity client) {
        return http.post(place, form, basic).map(got -> {
            if (got.isGood() && got.json().path("access_token").isString()) {
                return got;
            }
            List<String> secrets = new ArrayList<>(client.secret().stream().toList());
            for (String member : List.of("refresh_token", "code", "code_verifier")) {
                Optional.ofNullable(form.get(member)).ifPresent(secrets::add);
            }
            String words = "its authorization server answered " + got.words(secrets);
            boolean ended = got.error().equals("invalid_grant")
                    || (got.error().equals("invalid_client")
                            && client.redirect().isPresent());
            throw ended ? new OAuthTrouble.Ended(words) : new OAuthTrouble(words);
        });
    }

    // ---- the authorization server, and who the gateway is there

    Mono<Discovered> discovered() {
        Discovered known = discovered.get();
        if (known != null) {
            return Mono.just(known);
        }
        if (settings.tokenUrl().isPresent()) {
            return Mono.fromSupplier(() -> new Discovered(
                    ProtectedResource.plain(url),
                    AuthorizationServer.configured(
                            settings.authorizationUrl().map(URI::create),
                            URI.create(settings.tokenUrl().get()))));
        }
        Optional<URI> place =
                announced.or(() -> shared.kept().need().flatMap(Need::metadata).map(URI::create));
        return Discovered.find(http, url, place).doOnNext(discovered::set);
    }

    /**
     * The client that was configured. It is the one authorization server's that it was first used at; what another one
     * would learn from it must not be known there (MCP 2026-07-28, <em>Authorization Server Binding</em>).
     */
    ClientIdentity configured(Kept kept, AuthorizationServer server) {
        ClientIdentity client = ClientIdentity.known(settings.clientId().orElseThrow(), settings.clientSecret());
        Optional<String> other = kept.clients().entrySet().stream()
                .filter(known -> known.getValue().id().equals(client.id())
                        && !known.getKey().equals(server.key()))
                .map(Map.Entry::getKey)
                .findFirst();
        if (other.isPresent() && !kept.clients().containsKey(server.key())) {
            throw new OAuthTrouble("its authorization server is " + server.key() + " now, and the configured clientId"
                    + " belongs to " + other.get());
        }
        return client;
    }

    /** Remembers whose client it is. */
    Mono<Void> bound(Kept kept, AuthorizationServer server, ClientIdentity client) {
        return client.equals(kept.clients().get(server.key()))
                ? Mono.empty()
                : shared.update(known -> known.with(server.key(), client))
                        .onErrorComplete(RegistryRefusal.Unavailable.class)
                        .then();
    }

    // ---- sentences

    private BackendFailure consentNeeded(Need need) {
        return unavailable("it needs somebody's consent" + (need.why().isEmpty() ? "" : ", " + need.why()) + ": open "
                + gatewayUrl.get() + "/oauth/" + backend.name() + "/authorize");
    }

    Throwable failure(Throwable error) {
        return unavailable("no token could be got for it, "
                + (error instanceof OAuthTrouble trouble ? trouble.reason() : "asking for it failed: " + error));
    }

    BackendFailure unavailable(String what) {
        return BackendFailure.unavailable(
                backend.name(), "Backend '" + backend.name() + "' is unavailable: " + what, PAUSE);
    }
}
