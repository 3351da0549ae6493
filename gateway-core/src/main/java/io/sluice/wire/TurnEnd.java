package io.sluice.wire;

import io.netty.channel.ChannelOutboundInvoker;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Sends what was written to different connections within one turn of an event loop when the turn ends, in one go. The
 * system calls are the same; but who is sent something is woken, which costs the sender more than the sending where the
 * other end has nothing else to do, and a process that has just been woken is not woken again.
 *
 * <p>Nothing waits for what comes later, and the first of a turn for no more than {@value #MOST} others.
 */
public final class TurnEnd {
    private static final int MOST = 16;

    private static final FastThreadLocal<TurnEnd> OWN = new FastThreadLocal<>() {
        @Override
        protected TurnEnd initialValue() {
            return new TurnEnd();
        }
    };

    private final ArrayDeque<ChannelOutboundInvoker> written = new ArrayDeque<>(MOST);
    private final Runnable end = this::end;
    private @Nullable EventLoop loop;
    private boolean awaited;

    private TurnEnd() {}

    /**
     * Flushes a channel when this turn of its event loop ends.
     *
     * @param loop the one of the channel, and of this thread
     */
    public static void flush(ChannelOutboundInvoker channel, EventLoop loop) {
        OWN.get().add(channel, loop);
    }

    @SuppressWarnings("ReferenceEquality") // the very loop
    private void add(ChannelOutboundInvoker channel, EventLoop its) {
        if (loop == null) {
            loop = its;
        }
        if (loop != its || !await(its)) {
            channel.flush();
            return;
        }
        written.add(channel);
        if (written.size() >= MOST) {
            flushAll();
        }
    }

    private boolean await(EventLoop its) {
        if (!awaited) {
            try {
                its.execute(end);
            } catch (RejectedExecutionException closing) {
                return false;
            }
            awaited = true;
        }
        return true;
    }

    private void end() {
        awaited = false;
        flushAll();
    }

    /** Also what is written meanwhile by those who are told of a failure. */
    private void flushAll() {
        for (ChannelOutboundInvoker next = written.poll(); next != null; next = written.poll()) {
            next.flush();
        }
    }
}
