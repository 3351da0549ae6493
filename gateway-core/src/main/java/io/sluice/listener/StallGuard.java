package io.sluice.listener;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes a connection whose peer has bytes to read and takes none for a while. It stands next to the socket, and costs
 * nothing while everything written also leaves.
 */
final class StallGuard extends ChannelOutboundHandlerAdapter {
    static final String NAME = "sluice.stall";

    /** Looks in one wait, so that a stall is noticed at most an eighth late. */
    private static final int LOOKS = 8;

    private final long lookNanos;
    private boolean watching;
    private int idleLooks;
    private @Nullable Object current;
    private long progress;
    private long pending;

    StallGuard(Duration stall) {
        lookNanos = Math.max(1, stall.toNanos() / LOOKS);
    }

    @Override
    public void flush(ChannelHandlerContext context) {
        context.flush();
        if (!watching && pendingBytes(context) > 0) {
            watching = true;
            idleLooks = 0;
            remember(context);
            lookLater(context);
        }
    }

    private void lookLater(ChannelHandlerContext context) {
        context.executor().schedule(() -> look(context), lookNanos, TimeUnit.NANOSECONDS);
    }

    private void look(ChannelHandlerContext context) {
        if (pendingBytes(context) == 0) {
            watching = false;
            current = null;
            return;
        }
        idleLooks = moved(context) ? 0 : idleLooks + 1;
        if (idleLooks >= LOOKS) {
            context.close();
            return;
        }
        remember(context);
        lookLater(context);
    }

    /** Whether the socket took anything: the first buffer in line is another, or got shorter. */
    @SuppressWarnings("ReferenceEquality") // the very same buffer
    private boolean moved(ChannelHandlerContext context) {
        ChannelOutboundBuffer buffer = context.channel().unsafe().outboundBuffer();
        return buffer == null
                || buffer.current() != current
                || buffer.currentProgress() != progress
                || buffer.totalPendingWriteBytes() < pending;
    }

    private void remember(ChannelHandlerContext context) {
        ChannelOutboundBuffer buffer = context.channel().unsafe().outboundBuffer();
        if (buffer != null) {
            current = buffer.current();
            progress = buffer.currentProgress();
            pending = buffer.totalPendingWriteBytes();
        }
    }

    private static long pendingBytes(ChannelHandlerContext context) {
        return pendingBytes(context.channel());
    }

    /** What was written and has not left. May be asked by any thread. */
    static long pendingBytes(Channel channel) {
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        return buffer == null ? 0 : buffer.totalPendingWriteBytes();
    }
}
