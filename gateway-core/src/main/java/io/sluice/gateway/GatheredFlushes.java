package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.util.ArrayList;
import java.util.List;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/**
 * Sends what an answer is written of in the same turn of the event loop by one system call, small parts in one buffer:
 * what arrives together leaves together, and nothing waits for what comes later. One instance for each answer; gone with
 * it.
 */
final class GatheredFlushes extends ChannelOutboundHandlerAdapter {
    private static final String NAME = "sluice.gatheredFlushes";
    private static final int SMALL_BYTES = 8 * 1024;
    private static final int MOST_BYTES = 64 * 1024;

    private final List<ByteBuf> parts = new ArrayList<>();
    private List<ChannelPromise> promises = new ArrayList<>();
    private int bytes;
    private boolean scheduled;
    private boolean due;

    GatheredFlushes() {}

    /** @param sending writes the parts to {@code response} and flushes each */
    static Publisher<Void> during(Publisher<Void> sending, HttpServerResponse response) {
        return Mono.defer(() -> {
            StreamHandlers.add(response, NAME, new GatheredFlushes());
            return Mono.from(sending).doFinally(end -> StreamHandlers.remove(response, NAME));
        });
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (!(message instanceof ByteBuf part) || part.readableBytes() > SMALL_BYTES) {
            send(context);
            context.write(message, promise);
            return;
        }
        parts.add(part);
        promises.add(promise);
        bytes += part.readableBytes();
        if (bytes > MOST_BYTES) {
            send(context);
        }
        schedule(context);
    }

    @Override
    public void flush(ChannelHandlerContext context) {
        due = true;
        schedule(context);
    }

    private void schedule(ChannelHandlerContext context) {
        if (!scheduled) {
            scheduled = true;
            context.executor().execute(() -> {
                scheduled = false;
                flushNow(context);
            });
        }
    }

    private void flushNow(ChannelHandlerContext context) {
        send(context);
        if (due) {
            due = false;
            context.flush();
        }
    }

    private void send(ChannelHandlerContext context) {
        if (parts.isEmpty()) {
            return;
        }
        if (parts.size() == 1) {
            ByteBuf only = parts.get(0);
            ChannelPromise promise = promises.get(0);
            parts.clear();
            promises.clear();
            bytes = 0;
            context.write(only, promise);
            return;
        }
        ByteBuf all = context.alloc().directBuffer(bytes);
        for (ByteBuf part : parts) {
            all.writeBytes(part);
            part.release();
        }
        List<ChannelPromise> told = promises;
        promises = new ArrayList<>();
        parts.clear();
        bytes = 0;
        context.write(all).addListener((ChannelFuture written) -> {
            for (ChannelPromise promise : told) {
                if (written.isSuccess()) {
                    promise.trySuccess();
                } else {
                    promise.tryFailure(written.cause());
                }
            }
        });
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        flushNow(context);
    }
}
