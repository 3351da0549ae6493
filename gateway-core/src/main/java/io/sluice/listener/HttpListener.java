package io.sluice.listener;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.sluice.overload.Relief;
import io.sluice.rejection.Rejection;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.FutureMono;
import reactor.netty.channel.AbortedException;
import reactor.netty.channel.ChannelOperations;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.ProxyProtocolSupportType;
import reactor.netty.resources.LoopResources;

/**
 * An HTTP server bound to a port: HTTP/1.1, and h2 as well under TLS. What reaches its {@link HttpHandler} is well-formed,
 * within the limits, meant for this gateway and from a client that may connect; slow or flooding clients are cut off.
 */
public final class HttpListener implements Relief {
    /** Paths that probes call by whatever address they know, so that neither Host nor Origin is checked. */
    private static final Set<String> PROBED = Set.of("/livez", "/readyz", "/health");

    /**
     * How much a kernel may hold that it has not sent yet. Left to itself it takes megabytes, which hides a client that
     * reads slowly from us, and from a {@link StallGuard} that it reads at all.
     */
    private static final long UNSENT_BYTES = 128 * 1024;

    /** A client for which so much is ready to be sent is behind. */
    private static final long BEHIND_BYTES = 64 * 1024;

    private static final Logger log = LoggerFactory.getLogger(HttpListener.class);

    private final HttpHandler handler;
    private final @Nullable Lane lane;
    private final LoopResources loops;
    private final HeadRules headRules;
    private final ClientPolicy clients;
    private final HostPolicy hosts;
    private final Cors cors;
    private final ConnectionGuards guards;
    private final ChannelGroup live = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private volatile boolean draining;
    private volatile boolean closing;
    private @Nullable DisposableServer server;
    private @Nullable RenewableTls tls;

    private HttpListener(ListenerSettings settings, LoopResources loops, HttpHandler handler, @Nullable Lane lane) {
        this.handler = handler;
        this.lane = lane;
        this.loops = loops;
        this.headRules = new HeadRules(settings.limits());
        this.clients = new ClientPolicy(settings.allow());
        this.hosts = new HostPolicy(settings);
        this.cors = new Cors(settings.corsOrigins());
        this.guards = new ConnectionGuards(
                settings, () -> laneHandler(settings.timeouts().idle()));
    }

    /** As the other form, on event loops of its own, one for each processor, disposed of with {@link #close}. */
    public static Mono<HttpListener> start(ListenerSettings settings, HttpHandler handler) {
        return Mono.defer(() ->
                start(settings, newLoops("sluice-http", Runtime.getRuntime().availableProcessors()), handler));
    }

    /**
     * Binds when subscribed to. Fails with {@link IllegalArgumentException} where the settings make no sense or the TLS
     * files cannot be used, and with a {@link reactor.netty.ChannelBindException} where the port cannot be had.
     *
     * @param loops to share with the clients that calls leave through, see {@link #newLoops}
     */
    public static Mono<HttpListener> start(ListenerSettings settings, LoopResources loops, HttpHandler handler) {
        return bind(settings, loops, handler, null);
    }

    /**
     * As the other form, with a short way for some requests.
     *
     * @param lane not asked while the settings switch CORS on, whose headers it would have to write
     */
    public static Mono<HttpListener> start(
            ListenerSettings settings, LoopResources loops, HttpHandler handler, Lane lane) {
        return bind(settings, loops, handler, settings.corsOrigins().isEmpty() ? lane : null);
    }

    private static Mono<HttpListener> bind(
            ListenerSettings settings, LoopResources loops, HttpHandler handler, @Nullable Lane lane) {
        return Mono.fromCallable(() -> {
                    HttpListener listener = new HttpListener(settings, loops, handler, lane);
                    return listener.server(settings).bind().map(bound -> {
                        listener.server = bound;
                        return listener;
                    });
                })
                .subscribeOn(Schedulers.boundedElastic()) // reads certificate files
                .flatMap(binding -> binding);
    }

    /** Event loops fit for the listener and its upstream clients together: a call stays on the loop it arrived on. */
    public static LoopResources newLoops(String name, int threads) {
        return LoopResources.create(name, 1, threads, true, true);
    }

    /** The port in use, also where the settings asked for any. */
    public int port() {
        return bound().port();
    }

    public InetSocketAddress address() {
        return (InetSocketAddress) bound().address();
    }

    /** Connections that are open now. */
    public int connections() {
        return guards.open();
    }

    /** The event loops that connections live on. */
    public LoopResources loops() {
        return loops;
    }

    /**
     * Reads the certificate and key again; new connections get what they hold now. Blocks: not for event loops.
     *
     * @return whether they changed; never without TLS
     * @throws IllegalArgumentException when they cannot be used; those in use stay
     */
    public boolean renewTls() {
        RenewableTls renewable = tls;
        return renewable != null && renewable.renew();
    }

    /**
     * Stops accepting, closes idle connections, lets requests and streams in flight finish, and closes what is left after
     * {@code grace}. Completes when no connection is left, and without an error if some had to be cut. The loops stay.
     */
    public Mono<Void> drain(Duration grace) {
        return Mono.defer(() -> {
            draining = true;
            bound().dispose();
            return bound().onDispose()
                    .then(Flux.fromIterable(live)
                            .flatMap(this::finished, Integer.MAX_VALUE)
                            .then())
                    .timeout(grace, Mono.defer(this::cut));
        });
    }

    // ---- under pressure

    /** Of HTTP/1.1, by the side of which the lane runs; others have the timeout for idle ones. */
    @Override
    public void closeIdle() {
        for (Channel channel : live) {
            LaneHandler lane = channel.pipeline().get(LaneHandler.class);
            if (lane != null) {
                channel.eventLoop().execute(() -> {
                    if (lane.isIdleSinceLastLook() && ChannelOperations.get(channel) == null) {
                        channel.close();
                    }
                });
            }
        }
    }

    /** For h2: takes no further requests after the next one, and closes when its streams have ended. */
    @Override
    public void closeAfterAnswers(boolean close) {
        closing = close;
    }

    @Override
    public int cutFurthestBehind() {
        record Behind(Channel channel, long bytes) {}
        List<Behind> behind = live.stream()
                .map(channel -> new Behind(channel, pendingBytes(channel)))
                .filter(each -> each.bytes() >= BEHIND_BYTES)
                .sorted(Comparator.comparingLong(Behind::bytes).reversed())
                .toList();
        int most = (behind.size() + 9) / 10;
        behind.stream().limit(most).forEach(each -> cutNow(each.channel()));
        return most;
    }

    /** Of a connection what its socket has not taken, of a stream of h2 what its window leaves no room for. */
    private static long pendingBytes(Channel channel) {
        if (isConnection(channel)) {
            return StallGuard.pendingBytes(channel);
        }
        long bytes = channel.bytesBeforeWritable();
        return bytes == 0 ? 0 : bytes - 1 + channel.config().getWriteBufferLowWaterMark();
    }

    private static boolean isConnection(Channel channel) {
        return channel.parent() == null || channel.parent() instanceof ServerChannel;
    }

    /** A connection of h2 is closed beneath the codec, which would wait for its streams; of a stream the client is told. */
    private static void cutNow(Channel channel) {
        ChannelHandlerContext first = channel.pipeline().firstContext();
        if (first == null) {
            channel.close();
        } else if (isConnection(channel)) {
            first.close();
        } else {
            first.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.ENHANCE_YOUR_CALM));
            first.close();
        }
    }

    /** Cuts every connection and disposes of the loops. After {@link #drain} and when no client uses the loops any more. */
    public Mono<Void> close() {
        return Mono.defer(() -> {
            draining = true;
            bound().dispose();
            return cut().then(loops.disposeLater(Duration.ZERO, Duration.ofSeconds(5)));
        });
    }

    private HttpServer server(ListenerSettings settings) {
        Limits limits = settings.limits();
        Timeouts timeouts = settings.timeouts();
        HttpServer plain = HttpServer.create()
                .host(settings.host())
                .port(settings.port())
                .runOn(loops, true)
                .channelGroup(live)
                .httpRequestDecoder(decoder -> decoder.maxInitialLineLength(limits.maxLineBytes())
                        .maxHeaderSize(limits.maxHeadBytes())
                        .validateHeaders(true)
                        .allowDuplicateContentLengths(false)
                        .h2cMaxContentLength(0))
                .idleTimeout(timeouts.idle())
                .readTimeout(timeouts.read())
                .requestTimeout(timeouts.request())
                .maxKeepAliveRequests(limits.maxRequestsPerConnection())
                .http2Settings(http2 -> http2.maxConcurrentStreams(limits.maxStreams())
                        .maxHeaderListSize(limits.maxHeadBytes())
                        .initialWindowSize(65_535)
                        .maxFrameSize(16_384)
                        .maxDecodedRstFramesPerWindow(100, 10)
                        .maxEncodedRstFramesPerWindow(100, 10)
                        .pingAckTimeout(pingWait(timeouts.idle()))
                        .pingAckDropThreshold(2))
                .forwarded(false)
                .proxyProtocol(ProxyProtocolSupportType.OFF)
                .doOnChannelInit((observer, channel, remote) -> {
                    guards.install(channel);
                    closeIfDraining(channel);
                })
                .handle(this::serve);
        HttpServer tuned =
                Epoll.isAvailable() ? plain.childOption(EpollChannelOption.TCP_NOTSENT_LOWAT, UNSENT_BYTES) : plain;
        return settings.tls()
                .map(RenewableTls::of)
                .map(context -> {
                    tls = context;
                    return secured(tuned, context, timeouts.handshake());
                })
                .orElseGet(() -> tuned.protocol(HttpProtocol.HTTP11));
    }

    private @Nullable LaneHandler laneHandler(Duration idle) {
        Lane offered = lane;
        return offered == null ? null : new LaneHandler(offered, clients, hosts, () -> draining || closing, idle);
    }

    private static Duration pingWait(Duration idle) {
        Duration most = Duration.ofSeconds(5);
        return idle.compareTo(most) < 0 ? idle : most;
    }

    private static HttpServer secured(HttpServer plain, SslContext context, Duration handshake) {
        return plain.protocol(HttpProtocol.HTTP11, HttpProtocol.H2)
                .secure(spec -> spec.sslContext(context).handshakeTimeout(handshake));
    }

    private Publisher<Void> serve(HttpServerRequest request, HttpServerResponse response) {
        boolean http2 = request.version().majorVersion() == 2;
        if ((draining || closing) && !http2) {
            response.keepAlive(false);
        } else if (closing) {
            response.withConnection(stream -> leave(stream.channel().parent()));
        }
        try {
            if (request.method() instanceof RefusedMethod refused) {
                throw refused.rejection();
            }
            if (http2) {
                checkHead(request);
            }
            clients.check(request.remoteAddress());
            if (!PROBED.contains(path(request))) {
                hosts.check(request.requestHeaders());
            }
            Publisher<Void> preflight = cors.apply(request, response);
            return preflight != null
                    ? preflight
                    : Mono.from(handler.handle(request, response))
                            .onErrorResume(error -> Mono.from(answer(request, response, error)));
        } catch (Rejection refused) {
            return Refusals.write(request, response, refused);
        } catch (RuntimeException e) {
            return answer(request, response, e);
        }
    }

    /** Says GOAWAY on a connection of h2; what is under way on it is not touched, however long it takes. */
    private static void leave(@Nullable Channel connection) {
        Http2FrameCodec codec =
                connection == null ? null : connection.pipeline().get(Http2FrameCodec.class);
        if (connection != null && codec != null && !codec.connection().goAwaySent()) {
            codec.gracefulShutdownTimeoutMillis(-1);
            connection.close();
        }
    }

    private void checkHead(HttpServerRequest request) {
        Rejection refused = headRules.checkDecoded(request.uri(), request.requestHeaders());
        if (refused == null) {
            refused = headRules.check(request.method(), request.uri(), request.version(), request.requestHeaders());
        }
        if (refused != null) {
            throw refused;
        }
    }

    private static Publisher<Void> answer(HttpServerRequest request, HttpServerResponse response, Throwable error) {
        if (error instanceof AbortedException || response.hasSentHeaders()) {
            return Mono.error(error);
        }
        if (BodyReader.refusal(error) instanceof Rejection rejection) {
            return Refusals.write(request, response, rejection);
        }
        log.error("{} {} failed", request.method(), path(request), error);
        return Refusals.internalError(request, response);
    }

    private static String path(HttpServerRequest request) {
        String target = request.uri();
        int query = target.indexOf('?');
        return query < 0 ? target : target.substring(0, query);
    }

    /** A connection may be accepted in the moment of a drain, too late to be among the live ones it closes. */
    private void closeIfDraining(Channel channel) {
        channel.eventLoop().execute(() -> {
            if (draining && channel.parent() instanceof ServerChannel) {
                finish(channel);
            }
        });
    }

    /** Ends a connection as gently as its protocol can; done when it is closed. */
    private Mono<Void> finished(Channel channel) {
        Mono<Void> closed = FutureMono.from(channel.closeFuture());
        if (!isConnection(channel)) {
            return Mono.empty(); // an h2 stream: its connection waits for it
        }
        return Mono.defer(() -> {
            channel.eventLoop().execute(() -> finish(channel));
            return closed;
        });
    }

    private static void finish(Channel channel) {
        LaneHandler lane = channel.pipeline().get(LaneHandler.class);
        if (lane != null && lane.drain()) {
            return;
        }
        ChannelOperations<?, ?> exchange = ChannelOperations.get(channel);
        if (exchange == null || channel.pipeline().get(Http2FrameCodec.class) != null) {
            channel.close(); // for h2: GOAWAY, then waits for the streams
        } else {
            exchange.onTerminate().subscribe(null, error -> channel.close(), channel::close);
        }
    }

    /** Closes every socket, past all handlers that would wait. */
    private Mono<Void> cut() {
        return Flux.fromIterable(live)
                .filter(channel -> channel.parent() instanceof ServerChannel)
                .flatMap(
                        channel -> {
                            ChannelHandlerContext first = channel.pipeline().firstContext();
                            if (first == null) {
                                channel.close();
                            } else {
                                first.close();
                            }
                            return FutureMono.from(channel.closeFuture());
                        },
                        Integer.MAX_VALUE)
                .then();
    }

    private DisposableServer bound() {
        DisposableServer current = server;
        if (current == null) {
            throw new IllegalStateException("the listener is not bound yet");
        }
        return current;
    }
}
