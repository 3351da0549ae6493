package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.CombinedChannelDuplexHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BadHttp;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/**
 * HTTP/1 on one connection, in the place of Netty's server codec. A head reaches Netty's decoder only when it is
 * complete and well-formed byte by byte, and leaves it only when its rules are kept; the first that fails becomes a
 * {@link RefusedMethod} request and the last that is read: everything behind it is thrown away, so that nothing in it can
 * be taken for a request. On the way out it holds that every request gets one response and no response comes without a
 * request, and ends a connection whose request was answered before it was read to its end.
 */
final class StrictHttpCodec extends CombinedChannelDuplexHandler<HttpRequestDecoder, HttpResponseEncoder> {
    /** How long, and for how much, a client that still sends may go on until it sees the refusal. */
    private static final long LINGER_MILLIS = 1000;

    private static final long LINGER_BYTES = 1 << 20;

    private final Limits limits;
    private final HeadRules rules;

    /** Methods of the requests not answered yet, for the encoder: the answer to HEAD has no body. */
    private final Queue<HttpMethod> unanswered = new ArrayDeque<>();

    private long begun;
    private long ended;
    private long answered;
    private boolean deaf;
    private boolean closeAfterAnswer;
    private boolean lingering;

    StrictHttpCodec(Limits limits) {
        this.limits = limits;
        this.rules = new HeadRules(limits);
        HttpDecoderConfig config = new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.maxLineBytes())
                .setMaxHeaderSize(limits.maxHeadBytes())
                .setMaxChunkSize(8192)
                .setStrictLineParsing(true)
                .setUseRfc9112TransferEncoding(true)
                .setAllowDuplicateContentLengths(false);
        init(new Decoder(config), new Encoder());
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof HttpResponse response && !informational(response)) {
            if (answered == begun) {
                // a second answer, or one to what was never asked
                ReferenceCountUtil.release(message);
                promise.tryFailure(new ClosedChannelException());
                context.close();
                return;
            }
            answered++;
            if (answered > ended) {
                closeAfterAnswer = true;
                response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            }
        }
        if (closeAfterAnswer && message instanceof LastHttpContent) {
            super.write(context, message, promise.unvoid());
            promise.addListener(ChannelFutureListener.CLOSE);
            return;
        }
        super.write(context, message, promise);
    }

    /**
     * Closes in a way that lets the client read its answer: a socket closed over unread bytes is reset, and a reset
     * overtakes what was written (RFC 9112 §9.6). Not under TLS, which ends with a message of its own.
     */
    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) throws Exception {
        if (lingering
                || !deaf && ended == begun
                || !(context.channel() instanceof DuplexChannel duplex)
                || !duplex.isActive()
                || context.pipeline().get(SslHandler.class) != null) {
            super.close(context, promise);
            return;
        }
        lingering = true;
        deaf = true;
        context.flush();
        duplex.shutdownOutput().addListener(done -> {
            if (done.isSuccess()) {
                duplex.config().setAutoRead(true);
                context.executor().schedule(() -> context.close(promise), LINGER_MILLIS, TimeUnit.MILLISECONDS);
            } else {
                context.close(promise);
            }
        });
    }

    private static boolean informational(HttpResponse response) {
        return response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
    }

    private final class Decoder extends HttpRequestDecoder {
        private final HeadSyntax syntax = new HeadSyntax(limits);
        private boolean atHead = true;
        private long body;
        private long thrownAway;

        Decoder(HttpDecoderConfig config) {
            super(config);
        }

        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
            if (deaf) {
                throwAway(context, in);
                return;
            }
            if (atHead) {
                Rejection refused = syntax.check(in);
                if (refused != null) {
                    refuse(refused, out);
                    in.skipBytes(in.readableBytes());
                    return;
                }
                if (!syntax.done()) {
                    return;
                }
                syntax.reset();
                atHead = false;
            }
            int before = out.size();
            super.decode(context, in, out);
            for (int i = before; i < out.size(); i++) {
                if (!admit(out, i)) {
                    in.skipBytes(in.readableBytes());
                    return;
                }
            }
        }

        /** Looks at what was decoded; false when it, and everything after it, is not to be read any more. */
        private boolean admit(List<Object> out, int i) {
            Object message = out.get(i);
            if (message instanceof HttpRequest request) {
                Rejection refused = request.decoderResult().isFailure()
                        ? BadHttp.badRequest("Malformed request: " + reason(request.decoderResult().cause()))
                        : rules.check(
                                request.method(), request.uri(), request.protocolVersion(), request.headers());
                if (refused != null) {
                    while (out.size() > i) {
                        ReferenceCountUtil.release(out.remove(out.size() - 1));
                    }
                    refuse(refused, out);
                    return false;
                }
                begun++;
                body = 0;
                unanswered.add(request.method());
                return true;
            }
            if (message instanceof HttpContent content) {
                body += content.content().readableBytes();
                if (content.decoderResult().isFailure()) {
                    deaf = true; // its request stays unended, which closes the connection with the answer
                    return false;
                }
                if (message instanceof LastHttpContent) {
                    ended++;
                    atHead = true;
                }
            }
            return true;
        }

        private void refuse(Rejection refused, List<Object> out) {
            deaf = true;
            begun++;
            ended++;
            HttpMethod method = new RefusedMethod(refused);
            unanswered.add(method);
            out.add(new DefaultHttpRequest(HttpVersion.HTTP_1_1, method, "/"));
            out.add(LastHttpContent.EMPTY_LAST_CONTENT);
        }

        private void throwAway(ChannelHandlerContext context, ByteBuf in) {
            thrownAway += in.readableBytes();
            in.skipBytes(in.readableBytes());
            if (lingering && thrownAway > LINGER_BYTES) {
                context.close();
            }
        }

        private String reason(Throwable cause) {
            return cause.getClass().getSimpleName();
        }

        /** Left as it is, for {@link HeadRules} to see and refuse. */
        @Override
        protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {}
    }

    private final class Encoder extends HttpResponseEncoder {
        @Override
        protected boolean isContentAlwaysEmpty(HttpResponse response) {
            if (informational(response)) {
                return true;
            }
            HttpMethod method = unanswered.poll();
            return HttpMethod.HEAD.equals(method) || super.isContentAlwaysEmpty(response);
        }
    }
}
