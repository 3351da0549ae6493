package io.sluice.server;

import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.adapter.Adapters;
import io.sluice.adapter.GrpcSettings;
import io.sluice.adapter.Part;
import io.sluice.adapter.PartAdapters;
import io.sluice.auth.Authenticator;
import io.sluice.auth.Caller;
import io.sluice.auth.TokenTable;
import io.sluice.catalog.CatalogSettings;
import io.sluice.config.GatewayConfig;
import io.sluice.config.NextStart;
import io.sluice.config.RootKey;
import io.sluice.config.StartCheck;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoverySettings;
import io.sluice.egress.EgressPolicy;
import io.sluice.egress.EgressTls;
import io.sluice.gateway.Gateway;
import io.sluice.gateway.GatewaySettings;
import io.sluice.listener.HttpHandler;
import io.sluice.listener.HttpListener;
import io.sluice.listener.Limits;
import io.sluice.listener.ListenerSettings;
import io.sluice.listener.ListenerTls;
import io.sluice.listener.Timeouts;
import io.sluice.management.About;
import io.sluice.management.GatewayTools;
import io.sluice.management.ManagementApi;
import io.sluice.management.Profiles;
import io.sluice.management.Readiness;
import io.sluice.management.Vitals;
import io.sluice.oauth.OAuthKeepers;
import io.sluice.openapi.OpenApiAdapters;
import io.sluice.openapi.OpenApiSettings;
import io.sluice.overload.Watch;
import io.sluice.registry.Backend;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.seal.Keyring;
import io.sluice.stdio.CommandAllowList;
import io.sluice.stdio.StdioAdapters;
import io.sluice.stdio.StdioSettings;
import io.sluice.upstream.UpstreamSettings;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.resources.LoopResources;

/**
 * Puts the parts together into one process: registry, discovery, gateway, management and listener, in the order in which they need each other, and takes them apart in the opposite one. Applies
 * later configurations without a restart: backends that changed are replaced, the others are not touched.
 */
public final class SluiceServer implements RunningGateway {
    private static final Logger log = LoggerFactory.getLogger(SluiceServer.class);

    /** How long a backend that does not answer keeps the gateway from being ready. */
    private static final Duration FIRST_ROUND = Duration.ofSeconds(10);

    private static final int LONGEST_MESSAGE_BYTES = 16 << 20;
    /** How often the certificate's files are looked at. */
    private static final Duration CERTIFICATE_CHECK = Duration.ofSeconds(5);

    private final GatewayConfig first;
    private final AtomicReference<GatewayConfig> current;
    private final AtomicReference<TokenTable> tokens;
    private final AtomicReference<CommandAllowList> commands;
    private final AtomicReference<Map<String, Backend>> fromFile = new AtomicReference<>(Map.of());
    private final Registry registry;
    private final SharedState shared;
    /** Ends what this replica does together with the others. */
    private final Mono<Void> leave;

    private final Discovery discovery;
    private final Gateway gateway;
    private final Readiness readiness;
    private final Disposable profiles;
    private final OAuthKeepers keepers;
    private final Disposable granted;
    private final ManagementApi management;
    private final HttpHandler handler;
    private final LoopResources loops;
    private final Disposable.Swap reloads = Disposables.swap();
    private final AtomicReference<HttpListener> listener = new AtomicReference<>();
    private final Disposable.Swap renewals = Disposables.swap();
    private final Disposable.Swap watch = Disposables.swap();
    private final Authenticator everyone = Authenticator.local();
    private final Authenticator bearers;
    private final String version;

    /** What the file says by now and the process does not do. Touched by the configuration's thread alone. */
    private List<String> waiting = List.of();

    private final Mono<Void> stopped = Mono.defer(this::takeApart).cache();

    private SluiceServer(String version, GatewayConfig config) {
        this.first = config;
        this.version = version;
        this.current = new AtomicReference<>(config);
        this.tokens = new AtomicReference<>(tokenTable(config));
        this.commands = new AtomicReference<>(new CommandAllowList(config.stdioAllow()));
        this.bearers = Authenticator.bearer(() -> Objects.requireNonNull(tokens.get()));
        boolean loopback = StartCheck.isLoopback(config.server().host());
        Authenticator authenticator = Authenticator.failingClosed(this::caller);
        EgressPolicy egress = EgressPolicy.of(loopback, config.egress().allowPrivate());
        this.loops = HttpListener.newLoops("sluice", Runtime.getRuntime().availableProcessors());
        Keyring keyring = keyring(config);
        GatewaySettings plain = gatewaySettings(version, config);
        GatewaySettings settings =
                SharedState.gatewayId(config, keyring).map(plain::withGatewayId).orElse(plain);
        this.shared = SharedState.open(config, keyring, settings.sessionIdle());
        this.registry = shared.registry();
        // Of the thread that asks: a secure one would read from the system now and then, on event loops.
        RandomGenerator random = () -> ThreadLocalRandom.current().nextLong();
        this.keepers = new OAuthKeepers(loops, egress, registry, this::ownUrl, InstantSource.system());
        this.discovery = Discovery.start(
                registry,
                UpstreamSettings.of(loops, egress, version, random)
                        .withGatewayId(settings.gatewayId())
                        .withPolicies(
                                name -> Objects.requireNonNull(current.get()).policy(name))
                        .withCredentials(keepers)
                        .withAdapters(adapters(loops, egress, version, () -> Objects.requireNonNull(commands.get()))),
                DiscoverySettings.DEFAULT.withAsAsked(true));
        this.granted = keepers.granted()
                .onBackpressureBuffer()
                .flatMap(discovery::refresh)
                .subscribe(asked -> {}, e -> log.error("Backends are no longer asked when somebody agreed", e));
        this.gateway = new Gateway(settings, discovery, authenticator, keyring, shared.sessions(), shared.messages());
        this.leave = shared.join(gateway);
        gateway.guard().apply(config.limits());
        gateway.cache().apply(config.cache());
        InstantSource clock = InstantSource.system();
        this.readiness = new Readiness(registry, gateway::catalog, clock, FIRST_ROUND);
        About about = new About(
                version,
                config.environment(),
                () -> gateway.activeClients()
                        + registry.snapshot().records(RecordKind.CLIENT).size());
        GatewayTools.host(
                registry, discovery, keepers::needsConsent, about, readiness, clock, config.gatewayAggregated());
        this.management = new ManagementApi(
                registry,
                discovery,
                authenticator,
                egress,
                about,
                readiness,
                clock,
                config.maxRegistered(),
                () -> Objects.requireNonNull(current.get()).clientIdle(),
                keepers,
                vitals(),
                line -> Objects.requireNonNull(commands.get()).permits(line));
        this.handler = management.before(gateway.handler());
        this.profiles = registry.watch(RecordKind.PROFILE)
                .map(records -> Profiles.of(records.values()))
                .subscribe(gateway::profiles, e -> log.error("The profiles can no longer be followed", e));
    }

    private Vitals vitals() {
        return new Vitals(
                this::connections,
                gateway::liveSessions,
                gateway::openStreams,
                gateway::parkedCalls,
                registry,
                gateway.guard(),
                gateway.overload(),
                gateway.cache());
    }

    private int connections() {
        HttpListener bound = listener.get();
        return bound == null ? 0 : bound.connections();
    }

    /** Where browsers reach the gateway: if nobody said, those on this machine. */
    private String ownUrl() {
        if (first.server().publicUrl().isPresent()) {
            return first.server().publicUrl().get();
        }
        HttpListener bound = listener.get();
        int port = bound == null ? first.server().port() : bound.address().getPort();
        return (first.server().tls().isPresent() ? "https" : "http") + "://localhost:" + port;
    }

    /** What reaches the backends that do not speak Streamable HTTP. */
    static Adapters adapters(
            LoopResources loops, EgressPolicy egress, String version, Supplier<CommandAllowList> commands) {
        return Adapters.of(Map.of(
                StdioSettings.KIND,
                new StdioAdapters(commands, LONGEST_MESSAGE_BYTES, Schedulers.parallel()),
                OpenApiSettings.KIND,
                new OpenApiAdapters(loops, egress, "sluice/" + version, Schedulers.parallel()),
                GrpcSettings.KIND,
                new PartAdapters(
                        GrpcSettings.KIND,
                        new Part.Surroundings(
                                loops, egress, EgressTls.PLATFORM, "sluice/" + version, Schedulers.parallel()))));
    }

    /** Launches gateways that call themselves this version. They listen once their value comes; backends are found in the background. */
    public static GatewayLauncher launcher(String version) {
        return (config, changes) -> launch(version, config, changes);
    }

    private static Mono<RunningGateway> launch(String version, GatewayConfig config, Flux<GatewayConfig> changes) {
        return Mono.defer(() -> {
            SluiceServer server = new SluiceServer(version, config);
            server.applyBackends(config);
            return HttpListener.start(listenerSettings(config), server.loops, server.handler, server.gateway.lane())
                    .<RunningGateway>map(bound -> {
                        server.listener.set(bound);
                        server.watch.update(Watch.start(
                                config.overload(), server.gateway.overload(), server.loops.onServer(true), bound));
                        server.reloads.update(changes.subscribe(server::apply));
                        if (config.server().tls().isPresent()) {
                            server.renewCertificates(bound);
                        }
                        return server;
                    })
                    .doOnError(e -> server.release());
        });
    }

    @Override
    public InetSocketAddress address() {
        return bound().address();
    }

    /** What is offered, for start-up lines and tests. */
    public Gateway gateway() {
        return gateway;
    }

    private HttpListener bound() {
        return Objects.requireNonNull(listener.get());
    }

    // Configuration

    /**
     * Tokens that are added count at once. Without any, everyone is {@code local}; that was judged safe for the settings
     * of the listener that came with it, so it counts at once only where those are the ones in use.
     */
    private void apply(GatewayConfig config) {
        commands.set(new CommandAllowList(config.stdioAllow()));
        boolean opens = config.auth().tokens().isEmpty()
                && !Objects.requireNonNull(tokens.get()).isEmpty();
        List<String> later = new ArrayList<>(NextStart.changes(first, config));
        if (opens && !config.server().equals(first.server())) {
            later.add("auth");
        } else {
            tokens.set(tokenTable(config));
        }
        if (opens && !later.contains("auth")) {
            log.warn("No token is asked for any more: every caller is 'local' with all rights");
        }
        current.set(config);
        gateway.guard().apply(config.limits());
        gateway.cache().apply(config.cache());
        gateway.apply(gatewaySettings(version, config));
        applyBackends(config);
        if (!later.equals(waiting) && !later.isEmpty()) {
            log.warn("What changed in {} takes effect at the next start", String.join(", ", later));
        }
        waiting = List.copyOf(later);
    }

    private Caller caller(HttpHeaders headers) {
        return Objects.requireNonNull(tokens.get()).isEmpty()
                ? everyone.authenticate(headers)
                : bearers.authenticate(headers);
    }

    /** Registers what the file names now and removes what it named before and does no longer. */
    private void applyBackends(GatewayConfig config) {
        Map<String, Backend> now =
                config.backends().stream().collect(Collectors.toMap(Backend::name, Function.identity()));
        Map<String, Backend> before = fromFile.getAndSet(now);
        Set<String> gone = new HashSet<>(before.keySet());
        gone.removeAll(now.keySet());
        Flux.concat(
                        Flux.fromIterable(gone).concatMap(registry::remove),
                        Flux.fromIterable(config.backends()).concatMap(registry::register))
                .then()
                .subscribe(done -> {}, e -> log.error("The configuration could not be applied to the registry", e));
    }

    /** Certificates are short-lived, and whoever renews them replaces the files. */
    private void renewCertificates(HttpListener bound) {
        AtomicReference<String> trouble = new AtomicReference<>("");
        renewals.update(Schedulers.boundedElastic()
                .schedulePeriodically(
                        () -> {
                            try {
                                if (bound.renewTls()) {
                                    log.info(
                                            "The listener's certificate was replaced; new connections get the new one");
                                }
                                trouble.set("");
                            } catch (IllegalArgumentException e) {
                                String why = String.valueOf(e.getMessage());
                                if (!why.equals(trouble.getAndSet(why))) {
                                    log.warn("{}; the one in use stays", why);
                                }
                            }
                        },
                        CERTIFICATE_CHECK.toMillis(),
                        CERTIFICATE_CHECK.toMillis(),
                        TimeUnit.MILLISECONDS));
    }

    private static TokenTable tokenTable(GatewayConfig config) {
        return TokenTable.of(config.auth().tokens());
    }

    private static Keyring keyring(GatewayConfig config) {
        List<RootKey> keys = config.secretKeys();
        if (keys.isEmpty()) {
            log.info("No secretKey is configured: legacy sessions end when this process does");
            return Keyring.random();
        }
        return keys.size() == 1
                ? Keyring.of(keys.get(0).bytes())
                : Keyring.of(keys.get(0).bytes(), keys.get(1).bytes());
    }

    private static GatewaySettings gatewaySettings(String version, GatewayConfig config) {
        CatalogSettings.Names names = switch (config.names()) {
            case BARE -> CatalogSettings.Names.BARE;
            case QUALIFIED -> CatalogSettings.Names.QUALIFIED;
        };
        return GatewaySettings.of(version)
                .withCluster(config.redis().cluster())
                .withNames(names)
                .withSessionless(config.sessionless())
                .withParking(config.parking())
                .withMaxBodyBytes(config.server().maxBodyBytes());
    }

    private static ListenerSettings listenerSettings(GatewayConfig config) {
        GatewayConfig.Server server = config.server();
        Timeouts standard = Timeouts.STANDARD;
        ListenerSettings plain = ListenerSettings.of(server.host(), server.port())
                .withHosts(Set.copyOf(server.allowedHosts()))
                .withOrigins(Set.copyOf(server.allowedOrigins()))
                .withCorsOrigins(Set.copyOf(server.corsOrigins()))
                .withAllow(server.allow())
                .withLimits(Limits.STANDARD
                        .withMaxBodyBytes(server.maxBodyBytes())
                        .withMaxConnections(server.maxConnections()))
                .withTimeouts(new Timeouts(
                        standard.handshake(),
                        server.idleTimeout(),
                        standard.read(),
                        server.bodyTimeout(),
                        standard.stall()));
        return server.tls()
                .map(tls -> plain.withTls(ListenerTls.of(tls.cert(), tls.key())))
                .orElse(plain);
    }

    // Stopping

    @Override
    public Mono<Void> stop() {
        return stopped;
    }

    private Mono<Void> takeApart() {
        Duration delay = first.server().drainDelay();
        Duration timeout = first.server().drainTimeout();
        log.info(
                "Stopping: calls in flight may finish within {} s",
                delay.plus(timeout).toSeconds());
        readiness.drain();
        reloads.dispose();
        renewals.dispose();
        watch.dispose();
        return Mono.delay(delay)
                .then(Mono.fromRunnable(gateway::endStreams))
                .then(bound().drain(timeout))
                .then(gateway.close())
                .then(Mono.fromRunnable(management::dispose))
                .then(Mono.fromRunnable(profiles::dispose))
                .then(Mono.fromRunnable(granted::dispose))
                .then(Mono.fromRunnable(keepers::dispose))
                .then(discovery.stop())
                .then(leave)
                .then(shared.close())
                .then(bound().close())
                .timeout(delay.plus(timeout).plus(Duration.ofSeconds(10)))
                .doOnSuccess(done -> log.info("Stopped"));
    }

    private void release() {
        gateway.dispose();
        granted.dispose();
        keepers.dispose();
        discovery
                .stop()
                .then(leave)
                .then(shared.close())
                .doFinally(left -> loops.dispose())
                .subscribe();
    }
}
