package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.ScheduledFuture;
import io.sluice.upstream.SseWriter;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerResponse;

/**
 * Writes a comment into an event stream on which nothing has been said for a while, because what stands between the
 * client and here cuts connections that are silent. A comment goes between two frames, each of which is one write. One
 * instance for each stream, on its connection's event loop; gone with the stream.
 */
final class SignsOfLife extends ChannelOutboundHandlerAdapter {
    private static final String NAME = "sluice.signsOfLife";

    private final HttpServerResponse response;
    private final long silenceNanos;
    private long lastWrite = System.nanoTime();
    private @Nullable ScheduledFuture<?> beat;
    private volatile boolean over;

    private SignsOfLife(HttpServerResponse response, Duration silence) {
        this.response = response;
        this.silenceNanos = Math.max(1, silence.toNanos());
    }

    /** @param sending writes the stream's frames, whole, to {@code response} */
    static Publisher<Void> during(
            Publisher<Void> sending, HttpServerResponse response, Duration silence, OpenStreams streams) {
        return Mono.defer(() -> {
            SignsOfLife signs = new SignsOfLife(response, silence);
            StreamHandlers.add(response, NAME, signs);
            Disposable counted = streams.opened();
            return Mono.from(sending)
                    .doOnTerminate(signs::end)
                    .doOnCancel(signs::end)
                    .doFinally(end -> {
                        counted.dispose();
                        StreamHandlers.remove(response, NAME);
                    });
        });
    }

    /** From here on the response may be finished at any moment, and nothing may follow that. */
    private void end() {
        over = true;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        beat = context.executor()
                .scheduleAtFixedRate(() -> look(context), silenceNanos, silenceNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        ScheduledFuture<?> running = beat;
        if (running != null) {
            running.cancel(false);
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        lastWrite = System.nanoTime();
        context.write(message, promise);
    }

    private void look(ChannelHandlerContext context) {
        if (over || !context.channel().isActive()) {
            handlerRemoved(context);
            return;
        }
        boolean silent = System.nanoTime() - lastWrite >= silenceNanos / 10 * 9;
        if (silent && response.hasSentHeaders() && context.channel().isWritable()) {
            ByteBuf comment = Unpooled.wrappedBuffer(SseWriter.comment());
            context.writeAndFlush(comment);
        }
    }
}
