package io.sluice.oauth;

import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend;
import io.sluice.registry.Backend.Source;
import io.sluice.registry.Change;
import io.sluice.registry.Endpoint;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.SharedRecord;
import io.sluice.upstream.Credentials;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.resources.LoopResources;

/**
 * Keeps the tokens of the backends whose settings ask for OAuth, renews them before they end, and takes people through their consent. What it is given lies in the registry, for all replicas.
 */
public final class OAuthKeepers implements Credentials, Disposable {
    private static final Logger log = LoggerFactory.getLogger(OAuthKeepers.class);
    private static final Duration TENDING = Duration.ofSeconds(5);
    private static final Duration SWEEPING = Duration.ofMinutes(5);

    private final LoopResources loops;
    private final EgressPolicy egress;
    private final Registry registry;
    private final Supplier<String> gatewayUrl;
    private final InstantSource clock;
    private final CodeFlow flow;
    private final Map<String, TokenKeeper> keepers = new ConcurrentHashMap<>();
    private final Map<Source, OAuthHttp> https = new ConcurrentHashMap<>();
    private final Sinks.Many<String> granted = Sinks.many().multicast().directBestEffort();
    private final Disposable.Composite work = Disposables.composite();

    /** Those of the records that nobody seemed to need at the last look; touched by the sweep alone. */
    private Set<String> orphans = Set.of();

    /** @param gatewayUrl where browsers reach the gateway, without a slash at the end; asked when it is needed */
    public OAuthKeepers(
            LoopResources loops,
            EgressPolicy egress,
            Registry registry,
            Supplier<String> gatewayUrl,
            InstantSource clock) {
        this(loops, egress, registry, gatewayUrl, clock, TENDING);
    }

    /** @param tending how often it is looked which tokens are to be renewed */
    OAuthKeepers(
            LoopResources loops,
            EgressPolicy egress,
            Registry registry,
            Supplier<String> gatewayUrl,
            InstantSource clock,
            Duration tending) {
        this.loops = loops;
        this.egress = egress;
        this.registry = registry;
        this.gatewayUrl = gatewayUrl;
        this.clock = clock;
        this.flow = new CodeFlow(registry, gatewayUrl, this::http, clock);
        work.add(registry.watch(RecordKind.OAUTH_TOKEN)
                .scan(Set.<String>of(), (before, records) -> announce(before, records))
                .subscribe(known -> {}, error -> log.error("The tokens can no longer be followed", error)));
        work.add(Flux.interval(tending)
                .onBackpressureDrop()
                .concatMap(tick -> Flux.fromIterable(keepers.values()).flatMap(TokenKeeper::tend))
                .subscribe(done -> {}, error -> log.error("Tokens are no longer renewed ahead of time", error)));
        work.add(Flux.interval(SWEEPING)
                .onBackpressureDrop()
                .concatMap(tick -> sweep())
                .subscribe(done -> {}, error -> log.error("Tokens nobody needs are no longer removed", error)));
    }

    @Override
    public Optional<Keeper> of(Backend backend) {
        Optional<OAuthSettings> settings = OAuthSettings.of(backend.transport());
        if (settings.isEmpty()) {
            keepers.remove(backend.name());
            return Optional.empty();
        }
        SharedTokens shared =
                new SharedTokens(registry, record(backend, settings.get()), Kept.nothing(backend.source()));
        TokenKeeper keeper =
                new TokenKeeper(backend, settings.get(), gatewayUrl, http(backend.source()), shared, clock);
        return Optional.of(keepers.merge(
                backend.name(),
                keeper,
                (before, next) -> before.shared().id().equals(next.shared().id())
                                && before.settings().equals(next.settings())
                        ? before
                        : next));
    }

    /** What was agreed to holds for the same server and client, and for nothing else. A new secret of the client changes neither. */
    private static String record(Backend backend, OAuthSettings settings) {
        String what = backend.endpoints().stream()
                        .map(Endpoint::url)
                        .map(Object::toString)
                        .sorted()
                        .collect(Collectors.joining(" "))
                + "\n" + backend.source() + "\n" + settings.interactive() + "\n" + settings.clientId() + "\n"
                + settings.authorizationUrl() + "\n" + settings.tokenUrl() + "\n" + settings.scopes();
        return backend.name() + "." + Texts.digest(what).substring(0, 24);
    }

    private OAuthHttp http(Source source) {
        return https.computeIfAbsent(source, known -> new OAuthHttp(loops, egress, known));
    }

    /** The page of the authorization server where somebody agrees; empty when the backend has no use for it. */
    public Mono<String> authorizationUrl(String backend) {
        TokenKeeper keeper = keepers.get(backend);
        return keeper == null ? Mono.empty() : flow.begin(keeper);
    }

    /** Takes the answer that a browser brings back, whichever replica it was sent away by; the backend's name, or empty when its state is none of ours. */
    public Mono<String> cameBack(String state, String code, Optional<String> issuer) {
        return flow.finish(state, code, issuer);
    }

    /** As {@link #needsConsent(String)}, also where nobody has used the backend on this replica. */
    public boolean needsConsent(Backend backend) {
        return OAuthSettings.of(backend.transport())
                .filter(OAuthSettings::interactive)
                .map(settings ->
                        registry.snapshot().records(RecordKind.OAUTH_TOKEN).get(record(backend, settings)))
                .map(record -> Kept.of(record.body()).need().isPresent())
                .orElse(false);
    }

    /** Forgets what was granted for a backend that is no more. */
    public Mono<Void> forget(String backend) {
        return Mono.defer(() -> {
            keepers.remove(backend);
            return Flux.fromIterable(List.copyOf(
                            registry.snapshot().records(RecordKind.OAUTH_TOKEN).keySet()))
                    .filter(id -> backendOf(id).equals(backend))
                    .concatMap(id -> registry.delete(RecordKind.OAUTH_TOKEN, id, Change.any()))
                    .onErrorComplete() // the sweep will try again
                    .then();
        });
    }

    private static String backendOf(String id) {
        return id.substring(0, Math.max(0, id.lastIndexOf('.')));
    }

    /** Whether the backend, or a part of what it offers, waits for somebody's consent. */
    public boolean needsConsent(String backend) {
        TokenKeeper keeper = keepers.get(backend);
        return keeper != null && keeper.needsConsent();
    }

    /** The names of backends, each time one of them has got a token for which a person agreed. */
    public Flux<String> granted() {
        return granted.asFlux();
    }

    /** What authorization servers may read of the gateway; empty while they could not reach it. */
    public Optional<Map<String, Object>> document() {
        String gateway = gatewayUrl.get();
        return ClientDocument.isOffered(gateway) ? Optional.of(ClientDocument.of(gateway)) : Optional.empty();
    }

    /** Ids of the records that wait for nobody, before and after. */
    private Set<String> announce(Set<String> before, SortedMap<String, SharedRecord> records) {
        Set<String> now = new HashSet<>();
        for (TokenKeeper keeper : keepers.values()) {
            String id = keeper.shared().id();
            if (records.containsKey(id)
                    && keeper.settings().interactive()
                    && keeper.usable().isPresent()
                    && !keeper.needsConsent()) {
                now.add(id);
                if (!before.contains(id)) {
                    granted.tryEmitNext(keeper.backend().name());
                }
            }
        }
        return now;
    }

    /** Removes what belongs to backends that a request named and that are gone; those of files may be another replica's. */
    private Mono<Void> sweep() {
        RegistrySnapshot snapshot = registry.snapshot();
        keepers.keySet().removeIf(name -> !isThere(snapshot, name));
        Set<String> now = new HashSet<>();
        snapshot.records(RecordKind.OAUTH_TOKEN).forEach((id, record) -> {
            if (Kept.of(record.body()).source().requested() && !isThere(snapshot, backendOf(id))) {
                now.add(id);
            }
        });
        Set<String> twice = new HashSet<>(now);
        twice.retainAll(orphans);
        orphans = now;
        return Flux.fromIterable(twice)
                .concatMap(id -> registry.delete(RecordKind.OAUTH_TOKEN, id, Change.any())
                        .onErrorComplete())
                .then();
    }

    private static boolean isThere(RegistrySnapshot snapshot, String name) {
        return snapshot.registrations().containsKey(name)
                || (name.startsWith("client-")
                        && snapshot.records(RecordKind.CLIENT).containsKey(name.substring("client-".length())));
    }

    @Override
    public void dispose() {
        work.dispose();
        granted.tryEmitComplete();
    }
}
