package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.sluice.benchmarks.load.Scenario.Spoken;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Many clients that hold a stream open and wait: a legacy one opens a session, says that it is ready, and opens its GET stream; a modern one sends {@code subscriptions/listen}. Everything happens on one
 * event loop; the counters may be read from anywhere.
 */
final class OpenStreams implements AutoCloseable {
    /** How many are on their way at once. */
    private static final int WINDOW = 100;

    private static final byte[] CHANGED = "tools/list_changed".getBytes(UTF_8);
    private static final byte[] STREAM = "text/event-stream".getBytes(UTF_8);

    private final EventLoopGroup group = Wire.loop();
    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger heard = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final Set<Client> clients = ConcurrentHashMap.newKeySet();
    private final Bootstrap bootstrap =
            new Bootstrap().group(group).channel(Wire.client()).option(ChannelOption.TCP_NODELAY, true);
    private final int port;
    private final Spoken era;
    private volatile String firstLoss = "";

    OpenStreams(int port, Spoken era) {
        this.port = port;
        this.era = era;
    }

    /** @throws IOException when they are not all open in time */
    void open(int count, long millis) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        int asked = 0;
        while (opened.get() < count) {
            while (asked < count && asked - opened.get() - lost.get() < WINDOW) {
                asked++;
                connect();
            }
            if (System.nanoTime() > end || lost.get() > 0) {
                throw new IOException("only " + opened.get() + " of " + count + " streams were opened, " + lost.get()
                        + " lost; " + firstLoss);
            }
            Thread.sleep(1); // lets the event loop go on
        }
    }

    private void connect() {
        Client client = new Client();
        clients.add(client);
        bootstrap
                .clone()
                .handler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(client);
                    }
                })
                .connect("127.0.0.1", port)
                .addListener(done -> {
                    if (!done.isSuccess()) {
                        lose(String.valueOf(done.cause()));
                    }
                });
    }

    /** How many have heard of a change since {@link #forget}. */
    int heard() {
        return heard.get();
    }

    int lost() {
        return lost.get();
    }

    /** How often one was told to come back later. */
    int refused() {
        return refused.get();
    }

    void forget() throws InterruptedException {
        group.submit(() -> {
                    clients.forEach(client -> client.heard = false);
                    heard.set(0);
                })
                .sync();
    }

    private void lose(String why) {
        if (lost.getAndIncrement() == 0) {
            firstLoss = why.length() > 300 ? why.substring(0, 300) : why;
        }
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }

    private final class Client extends ChannelInboundHandlerAdapter {
        private @Nullable HttpReader reader = new HttpReader(1024);
        private String session = "";
        private boolean open;
        private boolean heard;
        private boolean again;

        @Override
        public void channelActive(ChannelHandlerContext context) {
            byte[] first = era == Spoken.MODERN
                    ? Requests.modern(
                            "/mcp", 1, "subscriptions/listen", "\"notifications\":{\"toolsListChanged\":true}")
                    : Requests.legacy("/mcp", "", Requests.INITIALIZE);
            context.writeAndFlush(Unpooled.wrappedBuffer(first));
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf in = (ByteBuf) message;
            try {
                if (open) {
                    listen(in);
                } else {
                    opening(context, in);
                }
            } finally {
                in.release();
            }
        }

        private void opening(ChannelHandlerContext context, ByteBuf in) {
            if (indexOf(in, STREAM) >= 0 && (era == Spoken.MODERN || !session.isEmpty())) {
                open = true;
                reader = null; // ten thousand of them would be felt
                opened.incrementAndGet();
                return;
            }
            HttpReader answer = reader;
            if (answer == null) {
                return;
            }
            answer.add(in);
            if (!answer.whole()) {
                return;
            }
            if (answer.status() == 200 && session.isEmpty() && era == Spoken.LEGACY) {
                session = answer.header("Mcp-Session-Id");
                context.writeAndFlush(Unpooled.wrappedBuffer(Requests.legacy("/mcp", session, Requests.INITIALIZED)));
            } else if (answer.status() == 202) {
                context.writeAndFlush(Unpooled.wrappedBuffer(Requests.stream("/mcp", session)));
            } else if (answer.status() == 503) { // too many at once: it says so, and is asked again
                refused.incrementAndGet();
                again = true;
                context.close();
                return;
            } else {
                lose("status " + answer.status() + ": " + answer.body());
                context.close();
            }
            answer.next();
        }

        private void listen(ByteBuf in) {
            if (!heard && indexOf(in, CHANGED) >= 0) {
                heard = true;
                OpenStreams.this.heard.incrementAndGet();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            if (again) {
                clients.remove(this);
                context.executor().schedule(OpenStreams.this::connect, 250, TimeUnit.MILLISECONDS);
            } else if (!group.isShuttingDown()) {
                lose("a stream was closed");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            lose(cause.toString());
            context.close();
        }
    }

    private static int indexOf(ByteBuf in, byte[] text) {
        int last = in.writerIndex() - text.length;
        for (int i = in.readerIndex(); i <= last; i++) {
            int k = 0;
            while (k < text.length && in.getByte(i + k) == text[k]) {
                k++;
            }
            if (k == text.length) {
                return i;
            }
        }
        return -1;
    }
}
