package io.sluice.registry.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.reactive.RedisClusterReactiveCommands;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * What a replica keeps open to Redis: one connection for small commands, one for what takes Redis long to say, one for
 * messages. All refuse at once while Redis is away, give up on an answer after {@link RedisSettings#commandTimeout()},
 * and never send anything twice. Safe for use by many threads, never blocks.
 */
public final class RedisConnections {
    private static final RedisCodec<String, byte[]> CODEC = RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE);
    private static final int MOST_WAITING = 4096;
    private static final Duration QUIET = Duration.ofMillis(0);
    private static final Duration SHUTDOWN = Duration.ofSeconds(2);

    /** How much longer than a small command one may take that moves everything. */
    private static final int BULK = 20;

    private final RedisSettings settings;
    private final List<RedisURI> nodes;
    private final ClientResources resources;
    private final RedisClient client;
    /** Asked who has our slot; null unless it is a cluster. */
    private final @Nullable RedisClusterClient cluster;

    private final Scheduler timer = Schedulers.newSingle("sluice-redis", true);
    private final Link<StatefulRedisConnection<String, byte[]>> commands;
    private final Link<StatefulRedisConnection<String, byte[]>> bulk;
    private final Link<StatefulRedisPubSubConnection<String, byte[]>> messages;

    /** For what waits for Redis' own replicas, which keeps a connection busy. */
    private final Link<StatefulRedisConnection<String, byte[]>> confirmed;

    /** Guards itself and the connection that they were told of last. */
    private final List<Consumer<StatefulRedisPubSubConnection<String, byte[]>>> listeners = new ArrayList<>();

    private @Nullable StatefulRedisPubSubConnection<String, byte[]> listening;
    private final List<Runnable> upListeners = new CopyOnWriteArrayList<>();

    private RedisConnections(RedisSettings settings) {
        this.settings = settings;
        this.resources = DefaultClientResources.builder()
                .ioThreadPoolSize(2)
                .computationThreadPoolSize(2)
                .build();
        this.nodes = settings.url().nodes();
        nodes.forEach(node -> {
            node.setTimeout(settings.connectTimeout());
            node.getSentinels().forEach(sentinel -> sentinel.setTimeout(settings.connectTimeout()));
            node.setClientName("sluice");
        });
        this.client = RedisClient.create(resources);
        client.setOptions(
                configure(ClientOptions.builder(), settings.url().isTls()).build());
        this.cluster = settings.url().isCluster() ? topology() : null;
        this.commands = new Link<>(
                "commands",
                link -> dial(settings.commandTimeout()),
                fresh -> upListeners.forEach(Runnable::run),
                settings,
                timer);
        this.bulk = new Link<>(
                "snapshots", link -> dial(settings.commandTimeout().multipliedBy(BULK)), fresh -> {}, settings, timer);
        this.confirmed = new Link<>("changes", link -> dial(settings.commandTimeout()), fresh -> {}, settings, timer);
        this.messages = new Link<>("messages", link -> dialMessages(), this::messagesConnected, settings, timer);
    }

    /** Begins to connect, and goes on trying until closed. Blocks for a moment: for start-up. */
    public static RedisConnections open(RedisSettings settings) {
        RedisConnections connections = new RedisConnections(settings);
        connections.commands.open();
        connections.bulk.open();
        return connections;
    }

    public RedisSettings settings() {
        return settings;
    }

    /** Whether commands would be sent now, rather than refused with {@link RedisAway}. */
    public boolean isUp() {
        return commands.isUp();
    }

    /** Why not, as the end of a sentence. */
    public String trouble() {
        return commands.why();
    }

    /**
     * Sends a command.
     *
     * <p>Fails with {@link RedisAway} when nothing was sent; with {@link
     * io.lettuce.core.RedisCommandTimeoutException} or another {@link io.lettuce.core.RedisException} when it is unknown
     * whether it was done, or Redis refused it.
     */
    public <T> Mono<T> command(Function<RedisClusterReactiveCommands<String, byte[]>, Mono<T>> command) {
        return commands.use(connection -> command.apply(connection.reactive()));
    }

    /** As {@link #command}, for many answers. */
    public <T> Flux<T> commands(Function<RedisClusterReactiveCommands<String, byte[]>, Flux<T>> command) {
        return command(redis -> command.apply(redis).collectList()).flatMapIterable(Function.identity());
    }

    /** Runs a script, whose answer is a list of byte arrays, numbers and such lists. Fails as {@link #command}. */
    public Mono<List<Object>> run(Script script, List<String> keys, byte[]... arguments) {
        return command(redis -> run(redis, script, keys, arguments));
    }

    /** As {@link #run}, with time for an answer of many megabytes, and without delaying smaller ones on this side. */
    public Mono<List<Object>> runBulk(Script script, List<String> keys, byte[]... arguments) {
        return bulk.use(connection -> run(connection.reactive(), script, keys, arguments));
    }

    /** Opens the connection that {@link #runConfirmed} needs. */
    void openConfirmed() {
        confirmed.open();
    }

    /**
     * As {@link #run}, and waits until so many replicas of Redis have what was written. Fails with {@link Unconfirmed}
     * when they do not soon: then it is written all the same.
     */
    Mono<List<Object>> runConfirmed(int replicas, Script script, List<String> keys, byte[]... arguments) {
        long patience = settings.commandTimeout().toMillis() / 2;
        return confirmed.use(connection -> run(connection.reactive(), script, keys, arguments)
                .flatMap(said -> connection
                        .reactive()
                        .waitForReplication(replicas, patience)
                        .flatMap(have ->
                                have >= replicas ? Mono.just(said) : Mono.error(new Unconfirmed(have, replicas)))));
    }

    /** What was written is not safe yet from the loss of this Redis. */
    static final class Unconfirmed extends RedisException {
        Unconfirmed(long have, int wanted) {
            super(have + " replicas of Redis have the change, " + wanted + " are wanted");
        }
    }

    private static Mono<List<Object>> run(
            RedisClusterReactiveCommands<String, byte[]> redis, Script script, List<String> keys, byte[]... arguments) {
        String[] names = keys.toArray(String[]::new);
        return redis.<Object>evalsha(script.digest(), ScriptOutputType.MULTI, names, arguments)
                .collectList()
                .onErrorResume(
                        RedisNoScriptException.class,
                        e -> redis.<Object>eval(script.text(), ScriptOutputType.MULTI, names, arguments)
                                .collectList())
                .map(RedisConnections::flat);
    }

    /** Some outputs come as one element that is the list. */
    @SuppressWarnings("unchecked")
    private static List<Object> flat(List<Object> answer) {
        return answer.size() == 1 && answer.get(0) instanceof List<?> inner ? (List<Object>) inner : answer;
    }

    /** Has this done whenever commands can be sent again, and now if they can. */
    void onUp(Runnable listener) {
        upListeners.add(listener);
        if (isUp()) {
            listener.run();
        }
    }

    /** Whether an error tells of Redis or the way to it, rather than of a mistake of ours. */
    static boolean isOutage(Throwable e) {
        return e instanceof RedisAway || e instanceof RedisException || e instanceof IOException;
    }

    /** Opens the connection for messages, and tells the listener of it and of each that replaces it. */
    void onMessages(Consumer<StatefulRedisPubSubConnection<String, byte[]>> onConnected) {
        synchronized (listeners) {
            listeners.add(onConnected);
            if (listening != null) {
                onConnected.accept(listening);
            }
        }
        messages.open();
    }

    private void messagesConnected(StatefulRedisPubSubConnection<String, byte[]> fresh) {
        synchronized (listeners) {
            listening = fresh;
            listeners.forEach(listener -> listener.accept(fresh));
        }
    }

    /** Closes everything; what is still under way fails. */
    public Mono<Void> close() {
        return Mono.whenDelayError(commands.close(), bulk.close(), confirmed.close(), messages.close())
                .onErrorComplete()
                .then(shutDown(client))
                .then(cluster == null ? Mono.empty() : shutDown(cluster))
                .publishOn(Schedulers.boundedElastic()) // what follows takes locks
                .then(Mono.fromRunnable(
                        () -> resources.shutdown(QUIET.toMillis(), SHUTDOWN.toMillis(), TimeUnit.MILLISECONDS)))
                .then(Mono.fromRunnable(timer::dispose));
    }

    private static Mono<Void> shutDown(AbstractRedisClient client) {
        return Mono.fromFuture(
                () -> client.shutdownAsync(QUIET.toMillis(), SHUTDOWN.toMillis(), TimeUnit.MILLISECONDS));
    }

    private Mono<StatefulRedisConnection<String, byte[]>> dial(Duration timeout) {
        return node().flatMap(node -> Mono.fromCompletionStage(() -> client.connectAsync(CODEC, node)))
                .doOnNext(connection -> connection.setTimeout(timeout));
    }

    private Mono<StatefulRedisPubSubConnection<String, byte[]>> dialMessages() {
        return node().flatMap(node -> Mono.fromCompletionStage(() -> client.connectPubSubAsync(CODEC, node)));
    }

    /**
     * Whom to connect to: in a cluster the node that has the one slot in which all our keys are, so that a connection is
     * to one Redis in every case, and ends as such.
     */
    private Mono<RedisURI> node() {
        RedisClusterClient asked = cluster;
        return asked == null
                ? Mono.just(nodes.get(0))
                : Mono.fromFuture(() -> asked.refreshPartitionsAsync().toCompletableFuture())
                        .then(Mono.fromCallable(() -> owner(asked)));
    }

    private RedisURI owner(RedisClusterClient asked) {
        RedisClusterNode owner = asked.getPartitions().getPartitionBySlot(SlotHash.getSlot(settings.key("")));
        if (owner == null) {
            throw new RedisConnectionException("no node of the cluster has the slot of '" + settings.key("") + "'");
        }
        return owner.getUri();
    }

    private RedisClusterClient topology() {
        RedisClusterClient asked = RedisClusterClient.create(resources, nodes);
        ClusterClientOptions.Builder options = ClusterClientOptions.builder();
        configure(options, settings.url().isTls());
        asked.setOptions(options.build());
        return asked;
    }

    private ClientOptions.Builder configure(ClientOptions.Builder options, boolean tls) {
        if (tls) {
            options.sslOptions(trustOfTheJvm());
        }
        return options.autoReconnect(false)
                .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                .requestQueueSize(MOST_WAITING)
                .pingBeforeActivateConnection(true)
                .protocolVersion(ProtocolVersion.RESP3)
                .timeoutOptions(TimeoutOptions.builder()
                        .timeoutCommands(true)
                        .connectionTimeout()
                        .build())
                .socketOptions(SocketOptions.builder()
                        .connectTimeout(settings.connectTimeout())
                        .keepAlive(SocketOptions.KeepAliveOptions.builder()
                                .enable()
                                .idle(Duration.ofSeconds(5))
                                .interval(Duration.ofSeconds(1))
                                .count(3)
                                .build())
                        .tcpNoDelay(true)
                        .build());
    }

    /** The authorities that the JVM trusts, read now: left to Lettuce it is done on an event loop with each connection. */
    private static SslOptions trustOfTheJvm() {
        try {
            TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trusted.init((KeyStore) null);
            return SslOptions.builder().jdkSslProvider().trustManager(trusted).build();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the authorities that the JVM trusts cannot be read", e);
        }
    }
}
