package io.sluice.wire;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.resolver.NoopAddressResolverGroup;
import io.netty.util.concurrent.Future;
import io.sluice.egress.EgressClient;
import io.sluice.egress.EgressPolicy;
import io.sluice.egress.EgressTls;
import io.sluice.registry.Backend.Source;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.netty.resources.LoopResources;

/**
 * The connections to one backend. Each event loop keeps its own, so that an exchange never changes threads and no lock
 * is needed: the last one used is the next one taken, and what idles too long is closed.
 *
 * <p>A connection is made only to what the {@link EgressPolicy} lets the backend's source reach, checked on the address
 * that is dialled. No redirect is followed, nothing inflated, nothing sent twice, no proxy used, and the host name of an
 * {@code https} backend is checked against its certificate.
 */
public final class Connections {
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final int LONGEST_LINE = 8 * 1024;
    private static final int LARGEST_HEAD = 64 * 1024;

    private final EventLoopGroup loops;
    private final Class<? extends Channel> channelType;
    private final ChannelHandler gate;
    private final SslContext tls;
    private final Names names;
    private final Map<EventLoop, Pool> pools = new ConcurrentHashMap<>();
    private volatile boolean closed;

    private Connections(LoopResources loops, EgressPolicy policy, Source source, EgressTls tls) {
        this.loops = loops.onClient(true);
        this.channelType = loops.onChannelClass(SocketChannel.class, this.loops);
        this.gate = EgressClient.gate(policy, source);
        this.tls = tls.context();
        this.names = Names.on(loops);
    }

    /** Connects nowhere yet. Reads files: not to be called on an event loop. */
    public static Connections open(LoopResources loops, EgressPolicy policy, Source source, EgressTls tls) {
        return new Connections(loops, policy, source, tls);
    }

    /** The event loop of this thread, or any other when this thread is none. */
    public EventLoop eventLoop() {
        return loops.next();
    }

    /**
     * Sends a request. To be called on {@code loop}, one of {@link #eventLoop}'s.
     *
     * @param request head and body as they go on the wire; released by this
     * @param patience longest silence before and within the answer; zero for no limit
     * @param shared whether a connection that idles may be used, and kept afterwards
     */
    public void send(EventLoop loop, Origin to, ByteBuf request, Duration patience, boolean shared, Exchange exchange) {
        exchange.patience = patience.toNanos();
        if (!shared || closed) {
            pool(loop).connect(to, request, exchange, false);
            return;
        }
        Pool pool = pool(loop);
        Line idle = pool.take(to);
        if (idle != null) {
            idle.send(exchange, request);
        } else {
            pool.connect(to, request, exchange, true);
        }
    }

    private Pool pool(EventLoop loop) {
        Pool known = pools.get(loop);
        return known != null ? known : pools.computeIfAbsent(loop, Pool::new);
    }

    /** Closes idle connections, and the others when their exchange ends. What is sent after this is on connections of its own. */
    public void close() {
        closed = true;
        pools.values().forEach(pool -> {
            try {
                pool.loop.execute(pool::clear);
            } catch (RejectedExecutionException ended) {
                // the loop's connections have ended with it
            }
        });
    }

    /** What one event loop keeps. */
    final class Pool {
        private final EventLoop loop;
        private final Map<Origin, ArrayDeque<Line>> idle = new HashMap<>(4);

        Pool(EventLoop loop) {
            this.loop = loop;
        }

        @Nullable
        Line take(Origin to) {
            ArrayDeque<Line> lines = idle.get(to);
            if (lines == null) {
                return null;
            }
            long now = System.nanoTime();
            for (Line line = lines.pollLast(); line != null; line = lines.pollLast()) {
                if (line.take(now)) {
                    return line;
                }
                line.channel.close();
            }
            return null;
        }

        void put(Line line) {
            if (closed) {
                line.channel.close();
            } else {
                idle.computeIfAbsent(line.to, to -> new ArrayDeque<>()).addLast(line);
            }
        }

        void remove(Line line) {
            ArrayDeque<Line> lines = idle.get(line.to);
            if (lines != null) {
                lines.remove(line);
            }
        }

        private void clear() {
            List.copyOf(idle.values()).forEach(lines -> List.copyOf(lines).forEach(line -> line.channel.close()));
            idle.clear();
        }

        void connect(Origin to, ByteBuf request, Exchange exchange, boolean kept) {
            Future<List<InetSocketAddress>> found = names.resolve(to, loop);
            new Dialling(this, to, request, exchange, kept).resolved(found);
        }
    }

    /** A connection in the making: one address after the other, until one answers. */
    private final class Dialling {
        private final Pool pool;
        private final Origin to;
        private final ByteBuf request;
        private final Exchange exchange;
        private final boolean kept;

        Dialling(Pool pool, Origin to, ByteBuf request, Exchange exchange, boolean kept) {
            this.pool = pool;
            this.to = to;
            this.request = request;
            this.exchange = exchange;
            this.kept = kept;
        }

        void resolved(Future<List<InetSocketAddress>> found) {
            if (found.isDone()) {
                dial(found);
            } else {
                found.addListener((Future<List<InetSocketAddress>> done) -> onLoop(() -> dial(done)));
            }
        }

        private void onLoop(Runnable next) {
            if (pool.loop.inEventLoop()) {
                next.run();
            } else {
                pool.loop.execute(next);
            }
        }

        private void dial(Future<List<InetSocketAddress>> found) {
            if (!found.isSuccess()) {
                fail(found.cause());
            } else {
                dial(found.getNow(), 0);
            }
        }

        private void dial(List<InetSocketAddress> addresses, int i) {
            if (exchange.over) {
                request.release();
                return;
            }
            if (pool.loop.isShuttingDown()) {
                // Nobody would be told what becomes of a connection, and nothing would release the request.
                fail(new ConnectException("the gateway stops"));
                return;
            }
            Bootstrap bootstrap = new Bootstrap()
                    .group(pool.loop)
                    .channel(channelType)
                    .resolver(NoopAddressResolverGroup.INSTANCE)
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(CONNECT.toMillis()))
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            assemble(channel, addresses.get(i));
                        }
                    });
            if (!kept) {
                watch(bootstrap);
            }
            ChannelFuture connecting = bootstrap.connect(addresses.get(i));
            connecting.addListener(done -> {
                if (done.isSuccess()) {
                    connected(connecting.channel());
                } else if (i + 1 < addresses.size() && !exchange.over) {
                    dial(addresses, i + 1);
                } else {
                    fail(done.cause());
                }
            });
        }

        private void assemble(Channel channel, InetSocketAddress address) {
            channel.pipeline().addLast(gate);
            if (to.tls()) {
                SslHandler ssl = tls.newHandler(channel.alloc(), to.host(), address.getPort());
                ssl.setHandshakeTimeout(CONNECT.toMillis(), TimeUnit.MILLISECONDS);
                channel.pipeline().addLast(ssl);
            }
        }

        private void connected(Channel channel) {
            SslHandler ssl = channel.pipeline().get(SslHandler.class);
            if (ssl == null) {
                begin(channel);
                return;
            }
            ssl.handshakeFuture().addListener(done -> {
                if (done.isSuccess()) {
                    begin(channel);
                } else {
                    channel.close();
                    fail(done.cause());
                }
            });
        }

        private void begin(Channel channel) {
            if (exchange.over) {
                request.release();
                channel.close();
                return;
            }
            Line line = new Line(channel, pool, to, kept);
            channel.pipeline()
                    .addLast(new AnswerDecoder(new HttpDecoderConfig()
                            .setMaxInitialLineLength(LONGEST_LINE)
                            .setMaxHeaderSize(LARGEST_HEAD)
                            .setMaxChunkSize(64 * 1024)
                            .setAllowDuplicateContentLengths(false)))
                    .addLast(line);
            line.send(exchange, request);
        }

        private void fail(Throwable error) {
            request.release();
            if (!exchange.over) {
                exchange.over = true;
                exchange.failed(
                        error instanceof ClosedChannelException
                                ? new ConnectException("the connection was closed while it was made")
                                : error);
            }
        }
    }

    /** A stream may be silent for hours; only TCP itself can tell that nobody is left at the other end. */
    private static void watch(Bootstrap bootstrap) {
        bootstrap.option(ChannelOption.SO_KEEPALIVE, true);
        if (Epoll.isAvailable()) {
            bootstrap
                    .option(EpollChannelOption.TCP_KEEPIDLE, 30)
                    .option(EpollChannelOption.TCP_KEEPINTVL, 10)
                    .option(EpollChannelOption.TCP_KEEPCNT, 3);
        }
    }
}
