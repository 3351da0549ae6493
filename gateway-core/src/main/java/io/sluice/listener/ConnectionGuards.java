package io.sluice.listener;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.NettyPipeline;

/**
 * Counts connections, and puts the guards into the pipeline of a new one: at once, or under TLS when ALPN has chosen the
 * protocol.
 */
final class ConnectionGuards {
    private static final Logger log = LoggerFactory.getLogger(ConnectionGuards.class);

    private final ListenerSettings settings;
    private final Supplier<@Nullable LaneHandler> lanes;
    private final AtomicInteger open = new AtomicInteger();
    private final AtomicBoolean full = new AtomicBoolean();

    /** @param lanes makes the handler that offers a connection's requests to the lane, or null where there is none */
    ConnectionGuards(ListenerSettings settings, Supplier<@Nullable LaneHandler> lanes) {
        this.settings = settings;
        this.lanes = lanes;
    }

    /** Connections that are open now. */
    int open() {
        return open.get();
    }

    void install(Channel channel) {
        channel.closeFuture().addListener(closed -> open.decrementAndGet());
        if (open.incrementAndGet() > settings.limits().maxConnections()) {
            if (full.compareAndSet(false, true)) {
                log.warn(
                        "Limit of {} connections reached, further ones are closed",
                        settings.limits().maxConnections());
            }
            channel.close();
            return;
        }
        full.set(false);
        ChannelPipeline pipeline = channel.pipeline();
        pipeline.addFirst(StallGuard.NAME, new StallGuard(settings.timeouts().stall()));
        if (settings.tls().isPresent()) {
            // behind the handler that answers the handshake by adding a codec
            pipeline.addBefore(NettyPipeline.ReactiveBridge, AfterHandshake.NAME, new AfterHandshake());
        } else {
            guardCodec(pipeline);
        }
    }

    private void guardCodec(ChannelPipeline pipeline) {
        if (pipeline.get(NettyPipeline.HttpCodec) instanceof Http2FrameCodec codec) {
            pipeline.addAfter(
                    NettyPipeline.HttpCodec,
                    Http2Guard.NAME,
                    new Http2Guard(
                            codec,
                            settings.limits().maxControlFrames(),
                            settings.timeouts().stall()));
        } else if (pipeline.get(NettyPipeline.HttpCodec) instanceof HttpServerCodec) {
            LaneHandler lane = lanes.get();
            StrictHttpCodec codec = new StrictHttpCodec(settings, lane != null);
            pipeline.replace(NettyPipeline.HttpCodec, NettyPipeline.HttpCodec, codec);
            if (lane != null) {
                lane.answerBy(codec);
                pipeline.addAfter(NettyPipeline.HttpCodec, LaneHandler.NAME, lane);
            }
        } else {
            throw new IllegalStateException("no codec to guard in " + pipeline);
        }
    }

    private final class AfterHandshake extends ChannelInboundHandlerAdapter {
        static final String NAME = "sluice.afterHandshake";

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
                guardCodec(context.pipeline());
                context.fireUserEventTriggered(event);
                context.pipeline().remove(this);
            } else {
                context.fireUserEventTriggered(event);
            }
        }
    }
}
