package io.sluice.listener;

import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2PingFrame;
import io.netty.handler.codec.http2.Http2RemoteFlowController;
import io.netty.handler.codec.http2.Http2SettingsFrame;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Netty's h2 codec leaves to its user: a budget for frames that cost an answer and carry nothing, requests without
 * the pseudo-headers of RFC 9113 §8.3.1, and streams whose window the peer keeps shut.
 */
final class Http2Guard extends ChannelInboundHandlerAdapter {
    static final String NAME = "sluice.http2";

    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int LOOKS = 4;
    private static final Logger log = LoggerFactory.getLogger(Http2Guard.class);

    private final Http2FrameCodec codec;

    /** On a stream whose request has begun. */
    private final Http2Connection.PropertyKey begun;

    private final int maxControlFrames;
    private final long lookNanos;
    private final IntObjectMap<Wait> waits = new IntObjectHashMap<>();
    private @Nullable Future<?> looking;
    private long windowStart = System.nanoTime();
    private int controlFrames;
    private boolean cut;

    Http2Guard(Http2FrameCodec codec, int maxControlFrames, Duration stall) {
        this.codec = codec;
        this.begun = codec.connection().newKey();
        this.maxControlFrames = maxControlFrames;
        this.lookNanos = Math.max(1, stall.toNanos() / LOOKS);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        looking =
                context.executor().scheduleAtFixedRate(() -> look(context), lookNanos, lookNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        if (looking != null) {
            looking.cancel(false);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (cut) {
            ReferenceCountUtil.release(message);
        } else if (message instanceof Http2HeadersFrame frame && !complete(frame)) {
            context.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.PROTOCOL_ERROR).stream(frame.stream()));
        } else {
            if (control(message) && overBudget()) {
                cut(context);
            }
            context.fireChannelRead(message);
        }
    }

    /**
     * Whether the codec behind can make an HTTP/1 message of it. What it cannot, it drops without releasing the body it
     * had begun.
     */
    private boolean complete(Http2HeadersFrame frame) {
        Http2Stream stream = codec.connection().stream(frame.stream().id());
        if (stream == null || stream.setProperty(begun, Boolean.TRUE) != null) {
            return true; // trailers
        }
        Http2Headers headers = frame.headers();
        return HeadSyntax.isToken(headers.method())
                && HeadSyntax.isTarget(headers.path())
                && headers.scheme() != null
                && headers.scheme().length() > 0;
    }

    private static boolean control(Object message) {
        return message instanceof Http2PingFrame || message instanceof Http2SettingsFrame;
    }

    /** Errors of the connection were answered by the codec, with GOAWAY; there is nobody else to tell. */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (cause instanceof Http2Exception) {
            log.debug("{} broke off: {}", context.channel(), cause.getMessage());
        } else {
            context.fireExceptionCaught(cause);
        }
    }

    private boolean overBudget() {
        long now = System.nanoTime();
        if (now - windowStart > WINDOW_NANOS) {
            windowStart = now;
            controlFrames = 0;
        }
        return ++controlFrames > maxControlFrames;
    }

    /** Says why and closes beneath the codec, which would wait for streams to end. */
    private void cut(ChannelHandlerContext context) {
        cut = true;
        ChannelHandlerContext beneath = context.pipeline().context(codec);
        context.writeAndFlush(new DefaultHttp2GoAwayFrame(Http2Error.ENHANCE_YOUR_CALM))
                .addListener((ChannelFutureListener) done -> beneath.close());
        // the peer may not read what would tell it to stop
        context.executor().schedule(() -> beneath.close(), 500, TimeUnit.MILLISECONDS);
    }

    /** Resets streams that had something to send and no window for it since a whole wait. */
    private void look(ChannelHandlerContext context) {
        Http2Connection connection = codec.connection();
        if (connection.numActiveStreams() == 0) {
            waits.clear();
            return;
        }
        Http2RemoteFlowController flow = codec.encoder().flowController();
        try {
            int connectionWindow = flow.windowSize(connection.connectionStream());
            connection.forEachActiveStream(stream -> {
                lookAt(context, flow, stream, connectionWindow);
                return true;
            });
        } catch (Http2Exception e) {
            context.fireExceptionCaught(e);
        }
    }

    private void lookAt(
            ChannelHandlerContext context, Http2RemoteFlowController flow, Http2Stream stream, int connectionWindow) {
        if (!flow.hasFlowControlled(stream)) {
            waits.remove(stream.id());
            return;
        }
        Wait wait = waits.get(stream.id());
        int window = flow.windowSize(stream);
        if (wait == null || wait.window != window || wait.connectionWindow != connectionWindow) {
            waits.put(stream.id(), new Wait(window, connectionWindow));
        } else if (++wait.looks >= LOOKS) {
            waits.remove(stream.id());
            codec.encoder()
                    .writeRstStream(
                            context.pipeline().context(codec),
                            stream.id(),
                            Http2Error.ENHANCE_YOUR_CALM.code(),
                            context.newPromise());
            context.flush();
        }
    }

    private static final class Wait {
        private final int window;
        private final int connectionWindow;
        private int looks;

        Wait(int window, int connectionWindow) {
            this.window = window;
            this.connectionWindow = connectionWindow;
        }
    }
}
