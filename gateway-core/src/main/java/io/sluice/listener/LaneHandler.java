package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.netty.NettyPipeline;

/**
 * Offers a connection's requests to the {@link Lane} before Reactor Netty sees them. Held back for that is only a
 * request whose body arrives in the same breath; whatever the lane does not want goes on untouched. What the listener
 * would refuse goes on as well, to be refused where everything is refused.
 *
 * <p>Sits behind {@link StrictHttpCodec}, which hands over one exchange at a time. State is owned by the event loop.
 */
final class LaneHandler extends ChannelInboundHandlerAdapter implements Lane.Turn, Lane.Body {
    static final String NAME = "sluice.lane";

    /** A call that takes longer is no longer worth a way of its own, and idle time is counted on the other. */
    private static final Duration LONGEST = Duration.ofSeconds(5);

    /** So much of an answer is not kept back for its next part. */
    private static final int GATHERED_BYTES = 256 * 1024;

    private final Lane lane;
    private final ClientPolicy clients;
    private final HostPolicy hosts;
    private final BooleanSupplier draining;
    private final long patience;

    private @Nullable ChannelHandlerContext context;
    private @Nullable StrictHttpCodec codec;
    private @Nullable HttpRequest request;
    private @Nullable ByteBuf body;

    /** Whether the request was offered, and is not answered yet. */
    private boolean offered;

    /** Whether it is being answered in parts. */
    private boolean begun;

    /** Whether the connection ends with that answer. */
    private boolean last;

    private long unflushed;

    private Lane.@Nullable Ride ride;
    private long takenAt;

    /** How often something was read, and in which of these times the call under way came. */
    private long reads;

    private long takenIn;
    private boolean watching;
    private long readsAtLastLook = -1;
    private final long idleNanos;

    /** @param idle after which the listener closes a connection on which nothing happens */
    LaneHandler(Lane lane, ClientPolicy clients, HostPolicy hosts, BooleanSupplier draining, Duration idle) {
        this.lane = lane;
        this.clients = clients;
        this.hosts = hosts;
        this.draining = draining;
        this.patience = Math.min(LONGEST.toNanos(), idle.toNanos() / 2);
        this.idleNanos = idle.toNanos();
    }

    /** Said once, before it is used. */
    void answerBy(StrictHttpCodec before) {
        codec = before;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) {
        context = added;
    }

    // What comes in

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof FullHttpRequest whole && request == null) {
            request = whole;
            body = whole.content();
            if (isCandidate(whole)) {
                offer(ctx);
            } else {
                forward(ctx);
            }
        } else if (message instanceof HttpRequest head && request == null && isCandidate(head)) {
            request = head;
        } else if (message instanceof HttpRequest && request == null) {
            reading(ctx, false);
            ctx.fireChannelRead(message);
        } else if (request != null && !offered && message instanceof HttpContent content) {
            gather(ctx, content);
        } else {
            ctx.fireChannelRead(message);
        }
    }

    /** Whether the request could be one for the lane, by what can be seen without looking far. */
    private boolean isCandidate(HttpRequest head) {
        HttpHeaders headers = head.headers();
        return HttpMethod.POST.equals(head.method())
                && HttpVersion.HTTP_1_1.equals(head.protocolVersion())
                && head.uri().startsWith("/mcp")
                && isPlain(headers.get(HttpHeaderNames.CONNECTION))
                && !headers.contains(HttpHeaderNames.EXPECT)
                && !headers.contains(HttpHeaderNames.ORIGIN)
                && isShort(headers.get(HttpHeaderNames.CONTENT_LENGTH));
    }

    /** Whether the connection is to be kept or closed afterwards, and nothing fancy. */
    private static boolean isPlain(@Nullable String connection) {
        return connection == null
                || HttpHeaderValues.KEEP_ALIVE.contentEqualsIgnoreCase(connection)
                || HttpHeaderValues.CLOSE.contentEqualsIgnoreCase(connection);
    }

    /** The codec has seen to it that there are only digits. */
    private static boolean isShort(@Nullable String length) {
        return length != null && length.length() <= 5 && Integer.parseInt(length) <= Lane.MAX_BODY_BYTES;
    }

    private void gather(ChannelHandlerContext ctx, HttpContent content) {
        ByteBuf before = body;
        body = before == null ? content.content() : Unpooled.wrappedBuffer(before, content.content());
        if (content instanceof LastHttpContent last) {
            if (last.trailingHeaders().isEmpty()) {
                offer(ctx);
            } else {
                forward(ctx);
            }
        }
    }

    /**
     * Reading by itself saves two system calls for each request, against Reactor Netty's way of asking for each read. A
     * client that sends ahead of an answer is stopped for it.
     */
    private static void reading(ChannelHandlerContext ctx, boolean byItself) {
        if (ctx.channel().config().isAutoRead() != byItself) {
            ctx.channel().config().setAutoRead(byItself);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (request != null && !offered) {
            forwardPart(ctx);
        } else if (ride != null && takenIn != reads) {
            reading(ctx, false);
        }
        reads++;
        ctx.fireChannelReadComplete();
    }

    private void offer(ChannelHandlerContext ctx) {
        HttpRequest head = request;
        ByteBuf whole = body;
        if (head == null || whole == null || draining.getAsBoolean() || !isWelcome(ctx, head)) {
            forward(ctx);
            return;
        }
        offered = true;
        reading(ctx, true);
        Lane.Ride taken = lane.take(head, whole, this);
        if (taken == null) {
            forward(ctx);
        } else if (offered) {
            ride = taken;
            takenAt = System.nanoTime();
            takenIn = reads;
            watch(ctx, patience);
        }
    }

    private boolean isWelcome(ChannelHandlerContext ctx, HttpRequest head) {
        try {
            clients.check(ctx.channel().remoteAddress());
            hosts.check(head.headers());
            return true;
        } catch (Rejection refused) {
            return false;
        }
    }

    /** Passes on the whole request. */
    private void forward(ChannelHandlerContext ctx) {
        HttpRequest head = request;
        ByteBuf whole = body;
        forget();
        reading(ctx, false);
        if (head != null) {
            ctx.fireChannelRead(head instanceof FullHttpRequest ? head(head) : head);
            ctx.fireChannelRead(
                    whole == null || !whole.isReadable() ? empty(whole) : new DefaultLastHttpContent(whole));
        } else if (whole != null) {
            whole.release();
        }
    }

    /** The head alone, as those expect it who may change it. */
    private static HttpRequest head(HttpRequest whole) {
        return new DefaultHttpRequest(
                whole.protocolVersion(), whole.method(), whole.uri(), new DefaultHttpHeaders().set(whole.headers()));
    }

    private static LastHttpContent empty(@Nullable ByteBuf whole) {
        if (whole != null) {
            whole.release();
        }
        return LastHttpContent.EMPTY_LAST_CONTENT;
    }

    /** Passes on what there is of a request; the rest will follow by itself. */
    private void forwardPart(ChannelHandlerContext ctx) {
        HttpRequest head = request;
        ByteBuf part = body;
        forget();
        reading(ctx, false);
        if (head != null) {
            ctx.fireChannelRead(head);
        }
        if (part != null) {
            ctx.fireChannelRead(new DefaultHttpContent(part));
        }
    }

    private void forget() {
        request = null;
        body = null;
        offered = false;
        begun = false;
        ride = null;
    }

    private void release() {
        ByteBuf held = body;
        forget();
        if (held != null) {
            held.release();
        }
    }

    // What the lane does with it

    private ChannelHandlerContext context() {
        ChannelHandlerContext known = context;
        if (known == null) {
            throw new IllegalStateException("not in a pipeline");
        }
        return known;
    }

    @Override
    public EventLoop eventLoop() {
        return context().channel().eventLoop();
    }

    @Override
    public void answer(int status, Map<String, String> headers, @Nullable String type, ByteBuf json) {
        if (!offered) {
            json.release();
            return;
        }
        boolean ending = isLast();
        release();
        StrictHttpCodec known = codec;
        if (known == null) {
            json.release();
            throw new IllegalStateException("no codec to answer by");
        }
        if (json.readableBytes() > Lane.MAX_BODY_BYTES) {
            outlastIdleness();
        }
        known.answer(status, headers, type, json, ending);
        if (!ending) {
            reading(context(), true);
        }
    }

    private boolean isLast() {
        return request != null && !HttpUtil.isKeepAlive(request);
    }

    private StrictHttpCodec codec() {
        StrictHttpCodec known = codec;
        if (known == null) {
            throw new IllegalStateException("no codec to answer by");
        }
        return known;
    }

    // An answer in parts

    @Override
    public Lane.Body begin(String type) {
        if (offered) {
            last = isLast();
            unflushed = 0;
            outlastIdleness();
            codec().begin(type, last);
            begun = true;
        }
        return this;
    }

    @Override
    public void write(ByteBuf part) {
        if (!begun || !part.isReadable()) {
            part.release();
            return;
        }
        unflushed += part.readableBytes();
        codec().part(part);
        if (unflushed >= GATHERED_BYTES) {
            flush();
        }
    }

    @Override
    public void flush() {
        if (!begun) {
            return;
        }
        unflushed = 0;
        context().flush();
        Lane.Ride under = ride;
        if (begun && under != null && !context().channel().isWritable()) {
            under.flowing(false);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        Lane.Ride under = ride;
        if (begun && under != null && ctx.channel().isWritable()) {
            under.flowing(true);
        }
        ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void end() {
        if (begun) {
            boolean ending = last;
            release();
            codec().end(ending);
            if (!ending) {
                reading(context(), true);
            }
        }
    }

    @Override
    public void cut() {
        if (begun) {
            release();
            context().close();
        }
    }

    @Override
    public void handOver(Lane.Begun begun) {
        ChannelHandlerContext ctx = context();
        if (!offered || !ctx.channel().isActive()) {
            begun.abandon();
            return;
        }
        ctx.channel().attr(Lane.Attribute.BEGUN).set(begun);
        forward(ctx);
        ctx.fireChannelReadComplete();
        Lane.Begun unclaimed = ctx.channel().attr(Lane.Attribute.BEGUN).getAndSet(null);
        if (unclaimed != null) {
            unclaimed.abandon();
        }
    }

    // What else may happen

    /** One timer for all calls of a connection: it looks whether there is one that takes long. */
    private void watch(ChannelHandlerContext ctx, long nanos) {
        if (!watching) {
            watching = true;
            ctx.executor().schedule(() -> look(ctx), nanos, TimeUnit.NANOSECONDS);
        }
    }

    private void look(ChannelHandlerContext ctx) {
        watching = false;
        Lane.Ride under = ride;
        if (under == null || begun) {
            return;
        }
        long left = takenAt + patience - System.nanoTime();
        if (left > 0) {
            watch(ctx, left);
        } else {
            under.handOver();
        }
    }

    /** Whether nothing was read since this was last asked, and no call is under way here. */
    boolean isIdleSinceLastLook() {
        boolean idle = reads == readsAtLastLook && request == null && !isBusy();
        readsAtLastLook = reads;
        return idle;
    }

    private boolean isBusy() {
        return ride != null || StallGuard.pendingBytes(context().channel()) > 0;
    }

    /**
     * A large answer may take longer than a connection may be idle, and its client says nothing meanwhile. The general
     * way suspends that timeout by itself; here it is replaced by one that waits while there is something to send. A
     * client that does not take it is {@link StallGuard}'s matter.
     */
    private void outlastIdleness() {
        ChannelPipeline pipeline = context().pipeline();
        ChannelHandler known = pipeline.get(NettyPipeline.IdleTimeoutHandler);
        if (known != null && !(known instanceof Patient)) {
            pipeline.replace(known, NettyPipeline.IdleTimeoutHandler, new Patient());
        }
    }

    /** Closes a connection that is idle in truth. */
    private final class Patient extends IdleStateHandler {
        Patient() {
            super(idleNanos, 0, 0, TimeUnit.NANOSECONDS);
        }

        @Override
        protected void channelIdle(ChannelHandlerContext ctx, IdleStateEvent event) {
            if (!isBusy()) {
                ctx.close();
            }
        }
    }

    /**
     * Has a call that is under way end on the general way, which knows what a drain is; or, if its answer has begun,
     * the connection with it.
     *
     * @return whether the connection will end by itself
     */
    boolean drain() {
        Lane.Ride under = ride;
        if (under != null && !begun) {
            under.handOver();
        }
        last |= begun;
        return begun;
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        leave();
        ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        leave();
    }

    private void leave() {
        Lane.Ride under = ride;
        release();
        if (under != null) {
            under.left();
        }
    }
}
