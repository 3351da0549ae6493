package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.ReadTimeoutException;
import io.netty.util.AsciiString;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection: carries one exchange at a time and goes back to its pool only after a whole answer to a wholly
 * written request, and not before everything that came with it was looked at, so that bytes behind an answer are never
 * taken for the next one. State is owned by the event loop of the channel.
 *
 * <p>Time limits cost no timer for each exchange: one timer looks whether its time is really over, and if not sets
 * itself anew.
 */
final class Line extends ChannelInboundHandlerAdapter implements ChannelFutureListener {
    private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");

    private final Connections.Pool pool;
    final Origin to;
    private final boolean kept;
    final Channel channel;
    private @Nullable Exchange current;

    /** Whether the request has left entirely. */
    private boolean written;

    private boolean interim;
    private boolean reusable;
    private boolean idle;
    long idleSince;
    long idleLimit = KeepAlive.UNSAID.toNanos();
    private long looksAt;
    private boolean looking;

    /** @param kept whether it may carry another exchange after the first */
    Line(Channel channel, Connections.Pool pool, Origin to, boolean kept) {
        this.channel = channel;
        this.pool = pool;
        this.to = to;
        this.kept = kept;
    }

    // Requests

    /** @param request head and body, released by this */
    void send(Exchange exchange, ByteBuf request) {
        current = exchange;
        idle = false;
        written = false;
        interim = false;
        reusable = false;
        exchange.line = this;
        exchange.silentSince = System.nanoTime();
        if (exchange.paused) {
            reading(false);
        }
        if (exchange.patience > 0) {
            look(exchange.silentSince + exchange.patience);
        }
        write(request).addListener(this);
        TurnEnd.flush(channel, channel.eventLoop());
    }

    /** The parts of a large request one by one, so that each is written from where it is and released when it has left. */
    private ChannelFuture write(ByteBuf request) {
        if (!(request instanceof CompositeByteBuf parts)) {
            return channel.write(request);
        }
        int last = parts.numComponents() - 1;
        for (int i = 0; i < last; i++) {
            channel.write(parts.componentSlice(i).retain());
        }
        ByteBuf end = parts.componentSlice(last).retain();
        parts.release();
        return channel.write(end);
    }

    @Override
    public void operationComplete(ChannelFuture write) {
        if (write.isSuccess()) {
            written = true;
        } else if (write.cause() instanceof ClosedChannelException) {
            fail(new Lost(Lost.Way.UNUSED));
        } else {
            fail(new Lost(Lost.Way.RESET));
        }
    }

    void abandoned() {
        current = null;
        channel.close();
    }

    void reading(boolean on) {
        channel.config().setAutoRead(on);
    }

    // Answers

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        Exchange exchange = current;
        if (exchange == null || !(message instanceof HttpObject object)) {
            // unasked for, or asked for by somebody who has left
            ReferenceCountUtil.release(message);
            channel.close();
            return;
        }
        if (object.decoderResult().isFailure()) {
            ReferenceCountUtil.release(message);
            fail(new CorruptedFrameException("its answer is not HTTP"));
            return;
        }
        if (message instanceof HttpResponse head) {
            begin(exchange, head);
        }
        if (message instanceof HttpContent content) {
            take(exchange, content);
        }
    }

    private void begin(Exchange exchange, HttpResponse head) {
        interim = head.status().codeClass() == HttpStatusClass.INFORMATIONAL;
        if (interim) {
            return;
        }
        reusable = kept && HttpUtil.isKeepAlive(head);
        String keepAlive = head.headers().get(KEEP_ALIVE);
        if (keepAlive != null) {
            idleLimit = KeepAlive.limit(keepAlive).toNanos();
        }
        exchange.head(head);
    }

    @SuppressWarnings("ReferenceEquality") // whether it is still the same exchange
    private void take(Exchange exchange, HttpContent content) {
        if (interim) {
            content.release();
            return;
        }
        ByteBuf part = content.content();
        if (current == exchange && part.isReadable()) {
            exchange.part(part);
        } else {
            content.release();
        }
        if (content instanceof LastHttpContent && current == exchange) {
            current = null;
            idle = reusable && written;
            if (exchange.paused) {
                reading(true);
            }
            exchange.over = true;
            exchange.end();
            exchange.pauseInArrival();
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        Exchange exchange = current;
        if (exchange != null) {
            exchange.silentSince = System.nanoTime();
            exchange.pauseInArrival();
        } else if (!idle) {
            channel.close();
        } else if (idleSince == 0) {
            idleSince = System.nanoTime();
            look(idleSince + idleLimit);
            pool.put(this);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        pool.remove(this);
        fail(new Lost(Lost.Way.CLOSED));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail(cause instanceof IOException ? new Lost(Lost.Way.RESET) : cause);
        channel.close();
    }

    private void fail(Throwable error) {
        Exchange exchange = current;
        if (exchange != null) {
            current = null;
            exchange.over = true;
            channel.close();
            exchange.failed(error);
        }
    }

    // Time

    /** Sees to it that somebody looks at that time or before. */
    private void look(long at) {
        if (looking && looksAt - at <= 0) {
            return;
        }
        looking = true;
        looksAt = at;
        channel.eventLoop().schedule(() -> lookNow(at), Math.max(1, at - System.nanoTime()), TimeUnit.NANOSECONDS);
    }

    private void lookNow(long meant) {
        if (!looking || looksAt != meant) {
            return; // an earlier look took its place
        }
        looking = false;
        long now = System.nanoTime();
        Exchange exchange = current;
        if (exchange != null) {
            if (exchange.patience == 0) {
                return;
            }
            long due = exchange.silentSince + exchange.patience;
            if (exchange.paused || due - now > 0) {
                look(exchange.paused ? now + exchange.patience : due);
            } else {
                fail(ReadTimeoutException.INSTANCE);
            }
        } else if (idle && idleSince != 0) {
            if (isStale(now)) {
                channel.close();
            } else {
                look(idleSince + idleLimit);
            }
        }
    }

    private boolean isStale(long now) {
        return !channel.isActive() || now - idleSince >= idleLimit;
    }

    /** Takes it out of its pool for another exchange, unless it has idled too long for that. */
    boolean take(long now) {
        boolean stale = isStale(now);
        idleSince = 0;
        return !stale;
    }
}
