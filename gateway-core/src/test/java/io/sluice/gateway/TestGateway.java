package io.sluice.gateway;

import static org.awaitility.Awaitility.await;

import io.sluice.auth.Authenticator;
import io.sluice.auth.NamedToken;
import io.sluice.auth.TokenTable;
import io.sluice.catalog.Catalog;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoverySettings;
import io.sluice.egress.EgressPolicy;
import io.sluice.listener.HttpListener;
import io.sluice.listener.ListenerSettings;
import io.sluice.registry.Backend;
import io.sluice.registry.InMemoryRegistry;
import io.sluice.registry.Registry;
import io.sluice.replica.InMemoryMessages;
import io.sluice.replica.Messages;
import io.sluice.seal.Keyring;
import io.sluice.session.SessionStore;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.Upstream;
import io.sluice.upstream.UpstreamSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * A whole data plane on a port of its own: registry, discovery, gateway and listener, as the process puts them together. {@link #start()} gives the usual one; {@link #setUp()} lets a test choose
 * settings first. Closing it closes everything that was started or {@linkplain #closing handed over}, backends last.
 */
public final class TestGateway implements AutoCloseable {
    public static final Duration PATIENCE = Duration.ofSeconds(10);

    /** Of all gateways, and never disposed of: what a gateway still sends while it closes must get out. */
    private static final LoopResources LOOPS = HttpListener.newLoops("test-gateway", 2);

    private final Registry registry = new InMemoryRegistry();
    private final Discovery discovery;
    private final Gateway gateway;
    private final HttpListener listener;
    private final List<AutoCloseable> closeables = new ArrayList<>();

    private TestGateway(SetUp chosen) {
        EgressPolicy egress = EgressPolicy.of(true, List.of());
        UpstreamSettings upstream = UpstreamSettings.of(LOOPS, egress, "test", new Random(7))
                .withFailureMemory(Duration.ZERO)
                .withProbeTimeout(Duration.ofSeconds(2));
        discovery = Discovery.start(registry, chosen.upstream.apply(upstream), chosen.discovery);
        TokenTable tokens = TokenTable.of(chosen.tokens);
        Authenticator authenticator =
                chosen.tokens.isEmpty() ? chosen.authenticator : Authenticator.bearer(() -> tokens);
        gateway = new Gateway(chosen.settings, discovery, authenticator, chosen.keyring, chosen.store, chosen.messages);
        listener = Objects.requireNonNull((chosen.lane
                        ? HttpListener.start(chosen.listener, LOOPS, gateway.handler(), gateway.lane())
                        : HttpListener.start(chosen.listener, LOOPS, gateway.handler()))
                .block(PATIENCE));
    }

    /** The settings of a gateway that is not there yet. */
    public static final class SetUp {
        private GatewaySettings settings = GatewaySettings.of("test");
        private UnaryOperator<UpstreamSettings> upstream = UnaryOperator.identity();
        private DiscoverySettings discovery = DiscoverySettings.DEFAULT;
        private ListenerSettings listener = ListenerSettings.of("127.0.0.1", 0);
        private Keyring keyring = Keyring.random();
        private SessionStore store = SessionStore.ofOneReplica();
        private Messages messages = InMemoryMessages.alone();
        private Authenticator authenticator = Authenticator.local();
        private boolean lane = true;
        private final List<NamedToken> tokens = new ArrayList<>();

        private SetUp() {}

        public SetUp settings(UnaryOperator<GatewaySettings> change) {
            settings = change.apply(settings);
            return this;
        }

        public SetUp upstream(UnaryOperator<UpstreamSettings> change) {
            upstream = change;
            return this;
        }

        public SetUp discovery(UnaryOperator<DiscoverySettings> change) {
            discovery = change.apply(discovery);
            return this;
        }

        public SetUp listener(UnaryOperator<ListenerSettings> change) {
            listener = change.apply(listener);
            return this;
        }

        /** What replicas of one gateway share. */
        public SetUp sharing(Keyring keys, SessionStore ended) {
            keyring = keys;
            store = ended;
            return this;
        }

        /** What replicas of one gateway share, and how they talk to each other. */
        public SetUp sharing(Keyring keys, SessionStore shared, Messages between) {
            messages = between;
            return sharing(keys, shared);
        }

        /** From now on a bearer token is asked for. Of at least 20 varied characters. */
        public SetUp token(String name, String secret) {
            tokens.add(new NamedToken(name, secret, false));
            return this;
        }

        /** Sends everything the general way. */
        public SetUp withoutLane() {
            lane = false;
            return this;
        }

        /** Who names callers, unless there are {@linkplain #token tokens}. */
        public SetUp authenticator(Authenticator other) {
            authenticator = other;
            return this;
        }

        public TestGateway start() {
            return new TestGateway(this);
        }
    }

    public static SetUp setUp() {
        return new SetUp();
    }

    public static TestGateway start() {
        return setUp().start();
    }

    /** Registers a backend, waits until its lists are in the catalog, and closes the backend with the gateway. */
    public TestGateway with(String name, FakeBackend backend) {
        closing(backend);
        return with(backend.backend(name));
    }

    /** Registers a backend and waits until its lists are in the catalog. */
    public TestGateway with(Backend backend) {
        register(backend);
        await("lists of " + backend.name()).atMost(PATIENCE).until(() -> isListed(backend.name()));
        return this;
    }

    /** Registers a backend and waits for nothing. */
    public TestGateway register(Backend backend) {
        registry.register(backend).block(PATIENCE);
        return this;
    }

    /** Waits until the gateway hears of a backend's changes. After that it asks nothing by itself for a while. */
    public TestGateway listeningTo(FakeBackend backend) {
        await("the feed")
                .atMost(PATIENCE)
                .until(() -> backend.openFeeds() > 0
                        && discovery.state().upstreams().values().stream()
                                .filter(upstream -> upstream.backend().endpoints().stream()
                                        .anyMatch(endpoint -> endpoint.url().getPort() == backend.port()))
                                .allMatch(Upstream::isListening));
        return this;
    }

    /** Removes a registration and waits until the catalog has forgotten it. */
    public TestGateway without(String name) {
        registry.remove(name).block(PATIENCE);
        return whenCatalog(catalog -> catalog.mount(name).isEmpty());
    }

    /** Waits until the catalog is like this. */
    public TestGateway whenCatalog(Predicate<Catalog> like) {
        await("the catalog").atMost(PATIENCE).until(() -> like.test(gateway.catalog()));
        return this;
    }

    private boolean isListed(String name) {
        return gateway.catalog()
                .mount(name)
                .flatMap(mount -> mount.contribution(name))
                .flatMap(contribution -> contribution.listing())
                .isPresent();
    }

    /** The way to a backend that {@link #with} registered. */
    public Upstream upstream(String backend) {
        return Objects.requireNonNull(discovery.state().upstreams().get(backend));
    }

    /** Closes this, too, when the gateway is closed. */
    public <T extends AutoCloseable> T closing(T closeable) {
        closeables.add(closeable);
        return closeable;
    }

    /** A client of the aggregate. */
    public WireClient client() {
        return client("/mcp");
    }

    public WireClient client(String path) {
        return new WireClient(port(), path);
    }

    public int port() {
        return listener.port();
    }

    public Gateway gateway() {
        return gateway;
    }

    public Discovery discovery() {
        return discovery;
    }

    public Registry registry() {
        return registry;
    }

    Mono<Void> drain(Duration grace) {
        return listener.drain(grace);
    }

    @Override
    public void close() {
        gateway.dispose();
        discovery.dispose();
        listener.drain(Duration.ZERO).block(PATIENCE);
        for (AutoCloseable closeable : closeables) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
