package io.sluice.oauth;

import io.sluice.registry.Backend;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.upstream.Credentials;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.JsonNode;

/**
 * The tokens of one backend: fetched when first needed, renewed before they end, fetched anew when they are refused. All who need one at the same time share one request. Tokens are kept in this
 * process's memory only.
 */
final class TokenKeeper implements Credentials.Keeper {
    private static final Logger log = LoggerFactory.getLogger(TokenKeeper.class);
    private static final Duration AHEAD = Duration.ofSeconds(30);
    private static final Duration UNSAID = Duration.ofMinutes(5);
    private static final Duration CONSENT = Duration.ofMinutes(10);
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Backend backend;
    private final OAuthSettings settings;
    private final Supplier<String> gatewayUrl;
    private final OAuthHttp http;
    private final URI resource;
    private final AtomicReference<@Nullable Token> token = new AtomicReference<>();
    private final AtomicReference<@Nullable Mono<Token>> fetching = new AtomicReference<>();
    private final AtomicReference<@Nullable Discovered> server = new AtomicReference<>();
    private final AtomicReference<@Nullable Consent> consent = new AtomicReference<>();
    private volatile Optional<URI> announced = Optional.empty();

    /** {@code untilNanos} by {@link System#nanoTime}. */
    private record Token(
            String access, long untilNanos, @Nullable String refresh) {
        boolean isFresh() {
            return untilNanos - System.nanoTime() > AHEAD.toNanos();
        }
    }

    /** A person was sent to the authorization server and may come back with this state. */
    private record Consent(String state, String verifier, String redirectUri, Discovered server, long untilNanos) {}

    /** @param gatewayUrl where browsers reach the gateway, for the way back */
    TokenKeeper(Backend backend, OAuthSettings settings, Supplier<String> gatewayUrl, OAuthHttp http) {
        this.backend = backend;
        this.settings = settings;
        this.gatewayUrl = gatewayUrl;
        this.http = http;
        this.resource = backend.endpoints().get(0).url();
    }

    Backend backend() {
        return backend;
    }

    /** Whether a person has to agree before the backend can be called. */
    boolean needsConsent() {
        Token now = token.get();
        return settings.interactive() && (now == null || (!now.isFresh() && now.refresh() == null));
    }

    @Override
    public Mono<String> authorization() {
        return Mono.defer(() -> {
            Token now = token.get();
            return (now != null && now.isFresh() ? Mono.just(now) : fetched()).map(found -> "Bearer " + found.access());
        });
    }

    @Override
    public Mono<Boolean> refused(String header, int status, String challenge) {
        return Mono.fromSupplier(() -> {
            if (status == 403 && !challenge.contains("insufficient_scope")) {
                return false; // the token is fine, and not enough
            }
            try {
                announced = Discovered.resourceMetadata(challenge);
            } catch (IllegalArgumentException noUrl) {
                // as before
            }
            Token now = token.get();
            if (now != null && header.equals("Bearer " + now.access())) {
                token.set(new Token(now.access(), System.nanoTime(), now.refresh())); // ended early
            }
            return true;
        });
    }

    private Mono<Token> fetched() {
        while (true) {
            Mono<Token> running = fetching.get();
            if (running != null) {
                return running;
            }
            Mono<Token> next = fetch().doOnNext(token::set)
                    .onErrorMap(error -> !(error instanceof BackendFailure), this::failure)
                    .doFinally(end -> fetching.set(null))
                    .cache();
            if (fetching.compareAndSet(null, next)) {
                return next;
            }
        }
    }

    private Mono<Token> fetch() {
        Token now = token.get();
        String refresh = now == null ? null : now.refresh();
        if (refresh != null) {
            Map<String, String> form = form("refresh_token");
            form.put("refresh_token", refresh);
            return server().flatMap(found -> asked(found, form, refresh)).onErrorResume(Denied.class, denied -> {
                token.set(null);
                return settings.interactive() ? Mono.error(consentNeeded(denied.getMessage())) : byItself();
            });
        }
        return settings.interactive() ? Mono.error(consentNeeded(null)) : byItself();
    }

    private Mono<Token> byItself() {
        Map<String, String> form = form("client_credentials");
        scope(form);
        return server().flatMap(found -> asked(found, form, null));
    }

    private BackendFailure consentNeeded(@Nullable String why) {
        return unavailable("it needs somebody's consent" + (why == null ? "" : " again, " + why) + ": open "
                + gatewayUrl.get() + "/oauth/" + backend.name() + "/authorize");
    }

    private Throwable failure(Throwable error) {
        return unavailable("no token could be got for it, " + error.getMessage());
    }

    private BackendFailure unavailable(String what) {
        return BackendFailure.unavailable(
                backend.name(), "Backend '" + backend.name() + "' is unavailable: " + what, Duration.ofSeconds(5));
    }

    // ---- the authorization server

    private Mono<Discovered> server() {
        Discovered known = server.get();
        if (known != null) {
            return Mono.just(known);
        }
        if (settings.tokenUrl().isPresent()) {
            return Mono.fromSupplier(() -> new Discovered(
                    Optional.empty(),
                    settings.authorizationUrl().map(URI::create),
                    URI.create(settings.tokenUrl().get()),
                    true,
                    true,
                    false));
        }
        return Discovered.find(http, resource, announced).doOnNext(server::set);
    }

    private Map<String, String> form(String grant) {
        Map<String, String> form = new LinkedHashMap<>();
        form.put("grant_type", grant);
        form.put("resource", resource.toString());
        return form;
    }

    private void scope(Map<String, String> form) {
        if (!settings.scopes().isEmpty()) {
            form.put("scope", String.join(" ", settings.scopes()));
        }
    }

    /** The authorization server said no, and would say it again. */
    private static final class Denied extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Denied(String message) {
            super(message, null, false, false);
        }
    }

    private Mono<Token> asked(Discovered found, Map<String, String> form, @Nullable String refresh) {
        Optional<String> basic = found.basic()
                ? settings.clientSecret().map(secret -> OAuthHttp.basic(settings.clientId(), secret))
                : Optional.empty();
        Map<String, String> whole = new LinkedHashMap<>(form);
        if (basic.isEmpty()) {
            whole.put("client_id", settings.clientId());
            settings.clientSecret().ifPresent(secret -> whole.put("client_secret", secret));
        }
        return http.post(found.token(), whole, basic).map(got -> {
            if (!got.isGood() || !got.json().path("access_token").isString()) {
                throw new Denied("the authorization server answered " + got.error());
            }
            return token(got.json(), refresh);
        });
    }

    private static Token token(JsonNode json, @Nullable String refresh) {
        long seconds = json.path("expires_in").asLong(UNSAID.toSeconds());
        long life = Math.max(0, Math.min(seconds, Duration.ofDays(1).toSeconds()));
        // A life shorter than what is renewed ahead of time is used to its end.
        long until = System.nanoTime()
                + Duration.ofSeconds(life).toNanos()
                + (life <= AHEAD.toSeconds() ? AHEAD.toNanos() : 0);
        return new Token(
                json.path("access_token").stringValue(),
                until,
                json.path("refresh_token").isString()
                        ? json.path("refresh_token").stringValue()
                        : refresh);
    }

    // ---- consent

    /** Where to send a person, whose browser then comes back to the redirect address. */
    Mono<String> authorizationUrl() {
        return server().publishOn(Schedulers.boundedElastic()) // secrets are read from the system, which may wait
                .map(found -> {
                    if (!settings.interactive()) {
                        throw unavailable("it gets its tokens by itself");
                    }
                    if (found.authorization().isEmpty() || !found.pkce()) {
                        throw unavailable("its authorization server "
                                + (found.authorization().isEmpty()
                                        ? "has no page for people"
                                        : "does not do PKCE with S256"));
                    }
                    String redirect = settings.redirectUri().orElseGet(() -> gatewayUrl.get() + "/callback");
                    Consent next = new Consent(
                            backend.name() + "." + random(),
                            random(),
                            redirect,
                            found,
                            System.nanoTime() + CONSENT.toNanos());
                    consent.set(next);
                    Map<String, String> query = new LinkedHashMap<>();
                    query.put("response_type", "code");
                    query.put("client_id", settings.clientId());
                    query.put("redirect_uri", redirect);
                    query.put("state", next.state());
                    query.put("code_challenge", challenge(next.verifier()));
                    query.put("code_challenge_method", "S256");
                    query.put("resource", resource.toString());
                    scope(query);
                    StringBuilder url =
                            new StringBuilder(found.authorization().get().toString());
                    char between = url.indexOf("?") < 0 ? '?' : '&';
                    for (Map.Entry<String, String> each : query.entrySet()) {
                        url.append(between)
                                .append(each.getKey())
                                .append('=')
                                .append(OAuthHttp.encoded(each.getValue()));
                        between = '&';
                    }
                    return url.toString();
                })
                .onErrorMap(error -> !(error instanceof BackendFailure), this::failure);
    }

    /**
     * The browser came back.
     *
     * @param issuer the parameter {@code iss}, if there was one
     */
    Mono<Void> cameBack(String state, String code, Optional<String> issuer) {
        return Mono.defer(() -> {
                    Consent asked = consent.getAndSet(null);
                    boolean same = asked != null
                            && MessageDigest.isEqual(
                                    asked.state().getBytes(StandardCharsets.UTF_8),
                                    state.getBytes(StandardCharsets.UTF_8));
                    if (asked == null || !same || asked.untilNanos() - System.nanoTime() < 0) {
                        return Mono.<Token>error(
                                unavailable("nobody was asked for consent, or too long ago; begin again"));
                    }
                    checkIssuer(asked.server(), issuer);
                    Map<String, String> form = form("authorization_code");
                    form.put("code", code);
                    form.put("redirect_uri", asked.redirectUri());
                    form.put("code_verifier", asked.verifier());
                    return asked(asked.server(), form, null);
                })
                .doOnNext(got -> {
                    token.set(got);
                    log.info("Backend '{}': somebody agreed, it has a token now", backend.name());
                })
                .onErrorMap(error -> !(error instanceof BackendFailure), this::failure)
                .then();
    }

    /** RFC 9207: an answer of another server than the one that was asked is an attack. */
    private void checkIssuer(Discovered found, Optional<String> issuer) {
        if (found.issuerInResponse() && issuer.isEmpty()) {
            throw unavailable("the answer of its authorization server does not say whose it is");
        }
        if (issuer.isPresent()
                && found.issuer().isPresent()
                && !found.issuer().get().equals(issuer.get())) {
            throw unavailable("the answer came from another authorization server, " + issuer.get());
        }
    }

    private static String random() {
        byte[] bytes = new byte[32];
        RANDOM.nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static String challenge(String verifier) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(verifier.getBytes(StandardCharsets.US_ASCII));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
