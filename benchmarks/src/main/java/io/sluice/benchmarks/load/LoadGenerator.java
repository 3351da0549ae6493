package io.sluice.benchmarks.load;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Drives one server over a number of connections, each with one call at a time, and looks into every answer. A closed loop calls again as soon as it is answered; an open loop calls at times drawn
 * beforehand and counts latency from the time that was meant, so that a server that stalls is charged for all who wait. Everything happens on one event loop.
 */
final class LoadGenerator implements AutoCloseable {
    private static final int FAULTS_SHOWN = 5;
    private static final int FIRSTS_AT_ONCE = 32;

    private final EventLoopGroup group = Wire.loop();
    private final EventLoop loop = group.next();
    private final List<Connection> connections = new ArrayList<>();
    private final ArrayDeque<Connection> idle = new ArrayDeque<>();
    private final ArrayDeque<Long> waiting = new ArrayDeque<>();
    private final CountDownLatch opened;
    private final boolean closedLoop;
    private final Bootstrap bootstrap;
    private final int port;
    private boolean running;
    private @Nullable Arrivals arrivals;

    /** How many connections are still to make their first call. */
    private int firsts;

    private long nextId = 1_000_000;
    private long answered;
    private long faults;
    private final List<String> firstFaults = new ArrayList<>();
    private Histogram latencies = new Histogram(TimeUnit.MINUTES.toNanos(2), 3);

    /** What happened in a stretch of time. {@code latencies} are in nanoseconds. */
    record Stretch(long calls, long faults, List<String> firstFaults, Histogram latencies) {}

    /**
     * Connects, and has every conversation opened before it returns.
     *
     * @param closedLoop whether a connection calls again by itself
     */
    LoadGenerator(int port, int count, boolean closedLoop, Supplier<Conversation> conversations)
            throws InterruptedException {
        this.closedLoop = closedLoop;
        this.port = port;
        this.opened = new CountDownLatch(count);
        this.bootstrap = new Bootstrap().group(loop).channel(Wire.client()).option(ChannelOption.TCP_NODELAY, true);
        for (int i = 0; i < count; i++) {
            connections.add(new Connection(conversations.get()));
            connect(connections.get(i)).sync();
        }
        if (!opened.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("not every conversation could be opened: " + firstFaults);
        }
    }

    private ChannelFuture connect(Connection connection) {
        return bootstrap
                .clone()
                .handler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(connection.onWire());
                    }
                })
                .connect("127.0.0.1", port);
    }

    /** Has every connection make one call, some at a time: what a server does once for each connection is not what a call costs. */
    void callOnEach() throws InterruptedException, ExecutionException {
        loop.submit(() -> {
                    firsts = connections.size();
                    for (int i = 0; i < FIRSTS_AT_ONCE; i++) {
                        nextFirst();
                    }
                })
                .get();
        await(() -> firsts == 0 && idle.size() == connections.size(), Duration.ofSeconds(30));
    }

    /** The queue of those idle hands out every connection once before it hands out one again. */
    private void nextFirst() {
        Connection next = firsts > 0 ? idle.poll() : null;
        if (next != null) {
            firsts--;
            next.call(System.nanoTime());
        }
    }

    /** Calls for a while and says what came of it. An open loop's rate is calls a second; a closed one's is ignored. */
    Stretch run(long millis, int rate) throws InterruptedException, ExecutionException {
        loop.submit(() -> begin(rate)).get();
        Thread.sleep(millis); // the stretch itself: the event loop works meanwhile
        return loop.submit(this::end).get();
    }

    private void begin(int rate) {
        answered = 0;
        faults = 0;
        firstFaults.clear();
        latencies = new Histogram(TimeUnit.MINUTES.toNanos(2), 3);
        running = true;
        if (closedLoop) {
            while (!idle.isEmpty()) {
                idle.poll().call(System.nanoTime());
            }
        } else {
            arrivals = new Arrivals(rate);
            arrivals.next();
        }
    }

    private Stretch end() {
        Stretch stretch = new Stretch(answered, faults, List.copyOf(firstFaults), latencies);
        if (!closedLoop) {
            running = false;
            arrivals = null; // what it has scheduled must not go on beside the next one's
            waiting.clear();
        }
        return stretch;
    }

    /** No more calls; those under way are waited for. */
    void stop() throws InterruptedException, ExecutionException {
        loop.submit(() -> running = false).get();
        await(() -> idle.size() == connections.size(), Duration.ofSeconds(2));
    }

    /** Polls the event loop, and goes on when it takes too long. */
    private void await(Callable<Boolean> condition, Duration most) throws InterruptedException, ExecutionException {
        long end = System.nanoTime() + most.toNanos();
        while (!loop.submit(condition).get() && System.nanoTime() < end) {
            Thread.sleep(10); // calls come home meanwhile, on the event loop
        }
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private void fault(String what) {
        faults++;
        if (firstFaults.size() < FAULTS_SHOWN) {
            firstFaults.add(what.length() > 300 ? what.substring(0, 300) : what);
        }
    }

    /** A Poisson process: its next arrival is drawn from the one before, not from now. */
    private final class Arrivals implements Runnable {
        private final Random random = new Random(42);
        private final double meanNanos;
        private double due = System.nanoTime();

        Arrivals(int rate) {
            this.meanNanos = 1e9 / rate;
        }

        @Override
        public void run() {
            while (running && arrivals == this && due <= System.nanoTime()) {
                long intended = (long) due;
                Connection free = idle.poll();
                if (free == null) {
                    waiting.add(intended);
                } else {
                    free.call(intended);
                }
                due += -Math.log(1 - random.nextDouble()) * meanNanos;
            }
            if (running && arrivals == this) {
                next();
            }
        }

        void next() {
            loop.schedule(this, Math.max(0, (long) due - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
    }

    /** One conversation, which outlives the sockets it takes: servers close one after so many requests. */
    private final class Connection {
        private final Conversation conversation;
        private HttpReader reader = new HttpReader();
        private @Nullable Channel channel;
        private boolean open;
        private boolean calling;
        private boolean closing;
        private long id;
        private long intended;

        Connection(Conversation conversation) {
            this.conversation = conversation;
        }

        ChannelInboundHandlerAdapter onWire() {
            return new ChannelInboundHandlerAdapter() {
                @Override
                public void channelActive(ChannelHandlerContext context) {
                    active(context.channel());
                }

                @Override
                public void channelRead(ChannelHandlerContext context, Object message) {
                    ByteBuf in = (ByteBuf) message;
                    reader.add(in);
                    in.release();
                    if (reader.whole()) {
                        answered();
                    }
                }

                @Override
                public void channelInactive(ChannelHandlerContext context) {
                    if (calling) {
                        fault("a connection was closed in the middle of a call");
                        return;
                    }
                    idle.remove(Connection.this);
                    if (!group.isShuttingDown()) {
                        connect(Connection.this);
                    }
                }

                @Override
                public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
                    fault(cause.toString());
                    context.close();
                }
            };
        }

        private void active(Channel connected) {
            channel = connected;
            reader = new HttpReader();
            closing = false;
            Optional<byte[]> opening = open ? Optional.empty() : conversation.opening();
            if (opening.isPresent()) {
                calling = true;
                connected.writeAndFlush(Unpooled.wrappedBuffer(opening.get()));
                return;
            }
            if (!open) {
                open = true;
                opened.countDown();
            }
            free();
        }

        void call(long time) {
            id = nextId++;
            intended = time;
            calling = true;
            Objects.requireNonNull(channel).writeAndFlush(Unpooled.wrappedBuffer(conversation.call(id)));
        }

        private void answered() {
            calling = false;
            closing = reader.header("connection").equals("close");
            if (!open) {
                conversation.opened(reader);
                Optional<byte[]> more = conversation.opening();
                if (more.isPresent()) {
                    reader.next();
                    calling = true;
                    Objects.requireNonNull(channel).writeAndFlush(Unpooled.wrappedBuffer(more.get()));
                    return;
                }
                open = true;
                opened.countDown();
            } else {
                conversation.fault(id, reader).ifPresent(LoadGenerator.this::fault);
                answered++;
                latencies.recordValue(Math.min(System.nanoTime() - intended, latencies.getHighestTrackableValue()));
            }
            reader.next();
            if (!closing) {
                free();
            }
        }

        private void free() {
            Long late = waiting.poll();
            if (running && late != null) {
                call(late);
            } else if (running && closedLoop) {
                call(System.nanoTime());
            } else {
                idle.add(this);
                nextFirst();
            }
        }
    }
}
