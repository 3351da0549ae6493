package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.CombinedChannelDuplexHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.EmptyHttpHeaders;
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
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BadHttp;
import io.sluice.wire.HeadReader;
import io.sluice.wire.HeaderLines;
import io.sluice.wire.TurnEnd;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1 on one connection, in the place of Netty's server codec. A head reaches Netty's decoder only when it is
 * complete and well-formed byte by byte, and leaves it only when its rules are kept; the first that fails becomes a
 * {@link RefusedMethod} request and the last that is read: everything behind it is thrown away, so that nothing in it can
 * be taken for a request.
 *
 * <p>One exchange at a time: what a client sends ahead waits as bytes, and only so much of it. So there is one answer for
 * each request, in order, and none without; and a body that turns out broken fails the exchange it belongs to.
 */
final class StrictHttpCodec extends CombinedChannelDuplexHandler<HttpRequestDecoder, HttpResponseEncoder> {
    /** How long, and for how much, a client that still sends may go on until it sees the answer. */
    private static final long LINGER_MILLIS = 1000;

    private static final long LINGER_BYTES = 1 << 20;

    /** How much a client may send ahead of an answer, and how much of a body is worth reading for the connection. */
    private static final int AHEAD_BYTES = 64 * 1024;

    private enum Answer {
        /** There is no request to answer. */
        NONE,
        DUE,
        BEGUN
    }

    private final Limits limits;
    private final Timeouts timeouts;
    private final HeadRules rules;

    private Answer answer = Answer.NONE;

    /** Of the request that is being answered: the answer to HEAD has no body. */
    private boolean head;

    private boolean bodyEnded = true;
    private long bodyLeft; // negative when only the chunks can tell
    private long exchanges;

    /** Whether what comes in is thrown away. */
    private boolean deaf;

    /** Whether something has come that is not due before the answer. */
    private boolean ahead;

    private boolean closeAfterAnswer;

    /** Of the answer that is written in parts. */
    private int chunks;

    private boolean lingering;
    private @Nullable ChannelHandlerContext context;

    /** @param wholes whether a small request that is there as a whole may be handed over as one message */
    StrictHttpCodec(ListenerSettings settings, boolean wholes) {
        this.limits = settings.limits();
        this.timeouts = settings.timeouts();
        this.rules = new HeadRules(limits);
        HttpDecoderConfig config = new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.maxLineBytes())
                .setMaxHeaderSize(limits.maxHeadBytes())
                .setMaxChunkSize(64 * 1024)
                .setStrictLineParsing(true)
                .setUseRfc9112TransferEncoding(true)
                .setAllowDuplicateContentLengths(false);
        init(new Decoder(config, wholes), new Encoder());
    }

    @Override
    public void handlerAdded(ChannelHandlerContext added) throws Exception {
        context = added;
        super.handlerAdded(added);
    }

    /**
     * Answers the request at hand, which was handed over whole, with a whole message that takes no way through the
     * pipeline. On the event loop.
     *
     * @param type of the content; null when there is none
     * @param body released by this
     * @param last whether the connection is to be closed after it
     */
    void answer(int status, Map<String, String> headers, @Nullable String type, ByteBuf body, boolean last) {
        ChannelHandlerContext known = context;
        if (known == null || answer != Answer.DUE || !bodyEnded) {
            body.release();
            throw new IllegalStateException("no request to answer");
        }
        boolean closing = last || closeAfterAnswer;
        ByteBuf whole;
        try {
            whole = WholeAnswer.of(known.alloc(), status, headers, type, body, closing);
        } catch (RuntimeException unwritable) {
            body.release();
            throw unwritable;
        }
        if (body.isReadable()) {
            known.write(whole, known.voidPromise());
            whole = lastOf(body, known);
        } else {
            body.release();
        }
        answer = Answer.NONE;
        if (closing) {
            known.writeAndFlush(whole).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        known.write(whole, known.voidPromise());
        TurnEnd.flush(known, known.channel().eventLoop());
        goOn(known);
    }

    /**
     * Writes all parts of a body but the last, which it returns. Netty limits what it gathers for one system call, to 32 KB
     * at first, and raises the limit of a connection when all of it was taken; but not for the parts of the last buffer in
     * line. A list of 500 KB took two calls each time, the first for a hundred bytes, and takes one from the second on.
     *
     * @param body released when it has left
     */
    private static ByteBuf lastOf(ByteBuf body, ChannelHandlerContext context) {
        if (!(body instanceof CompositeByteBuf parts) || parts.numComponents() < 2) {
            return body;
        }
        int last = parts.numComponents() - 1;
        for (int i = 0; i < last; i++) {
            context.write(parts.componentSlice(i).retain(), context.voidPromise());
        }
        ByteBuf end = parts.componentSlice(last).retain();
        body.release();
        return end;
    }

    /** As {@link #answer} with status 200, but for the body, which follows in {@linkplain #part parts}. Nothing is flushed. */
    void begin(String type, boolean last) {
        ChannelHandlerContext known = context;
        if (known == null || answer != Answer.DUE || !bodyEnded) {
            throw new IllegalStateException("no request to answer");
        }
        answer = Answer.BEGUN;
        chunks = 0;
        known.write(WholeAnswer.begun(known.alloc(), type, last || closeAfterAnswer), known.voidPromise());
    }

    /** @param part not empty; released by this */
    void part(ByteBuf part) {
        ChannelHandlerContext known = context;
        if (known == null || answer != Answer.BEGUN) {
            part.release();
            throw new IllegalStateException("no answer has begun");
        }
        known.write(WholeAnswer.chunk(known.alloc(), part.readableBytes(), chunks++ == 0), known.voidPromise());
        known.write(part, known.voidPromise());
    }

    /** @param last whether the connection is to be closed */
    void end(boolean last) {
        ChannelHandlerContext known = context;
        if (known == null || answer != Answer.BEGUN) {
            throw new IllegalStateException("no answer has begun");
        }
        answer = Answer.NONE;
        ByteBuf end = WholeAnswer.lastChunk(known.alloc(), chunks == 0);
        if (last || closeAfterAnswer) {
            known.writeAndFlush(end).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        known.writeAndFlush(end, known.voidPromise());
        goOn(known);
    }

    /** With what has come ahead. */
    private void goOn(ChannelHandlerContext known) {
        if (ahead) {
            ahead = false;
            known.executor().execute(() -> resume(known));
        }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
        if (message instanceof HttpResponse response && !informational(response)) {
            if (answer != Answer.DUE) {
                // a second answer, or one to what was never asked
                ReferenceCountUtil.release(message);
                promise.tryFailure(new ClosedChannelException());
                context.close();
                return;
            }
            answer = Answer.BEGUN;
            if (!bodyEnded) {
                answeredEarly(context);
            }
            if (closeAfterAnswer) {
                response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            }
        }
        if (!(message instanceof LastHttpContent) || answer != Answer.BEGUN) {
            super.write(context, message, promise);
            return;
        }
        answer = Answer.NONE;
        ChannelPromise written = promise.unvoid();
        super.write(context, message, written);
        if (closeAfterAnswer) {
            written.addListener(ChannelFutureListener.CLOSE);
        } else {
            goOn(context);
        }
    }

    /** An answer that does not wait for the request's end: keeps the connection only if the end is near. */
    private void answeredEarly(ChannelHandlerContext context) {
        if (bodyLeft < 0 || bodyLeft > AHEAD_BYTES || deaf) {
            closeAfterAnswer = true;
            return;
        }
        long exchange = exchanges;
        Runnable giveUp = () -> {
            if (exchanges == exchange && !bodyEnded) {
                context.close();
            }
        };
        context.executor().schedule(giveUp, timeouts.request().toNanos(), TimeUnit.NANOSECONDS);
    }

    private void resume(ChannelHandlerContext context) {
        if (context.isRemoved() || !context.channel().isActive()) {
            return;
        }
        try {
            channelRead(context, Unpooled.EMPTY_BUFFER);
            channelReadComplete(context);
        } catch (Exception e) {
            context.fireExceptionCaught(e);
        }
    }

    /**
     * Closes in a way that lets the client read its answer: a socket closed over unread bytes is reset, and a reset
     * overtakes what was written (RFC 9112 §9.6). Not under TLS, which ends with a message of its own.
     */
    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) throws Exception {
        if (lingering) {
            // whoever asks again gets what is under way
            context.channel().closeFuture().addListener(closed -> promise.trySuccess());
            return;
        }
        if ((!deaf && bodyEnded)
                || !(context.channel() instanceof DuplexChannel duplex)
                || !duplex.isActive()
                || context.pipeline().get(SslHandler.class) != null) {
            context.flush(); // an answer of this very turn
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
        private final boolean wholes;
        private final HeadReader heads = new HeadReader();

        // Of the last head that was read by it.
        private String line = "";
        private String target = "";

        Decoder(HttpDecoderConfig config, boolean wholes) {
            super(config);
            this.wholes = wholes;
        }

        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
            if (deaf) {
                throwAway(context, in);
                return;
            }
            if (atHead) {
                if (answer != Answer.NONE) {
                    waitForAnswer(in);
                    return;
                }
                if (wholes && syntax.isUntouched() && readKnown(in, out)) {
                    return;
                }
                Rejection refused = syntax.check(in);
                if (refused != null) {
                    refuse(refused, false, out);
                    in.skipBytes(in.readableBytes());
                    return;
                }
                if (!syntax.done()) {
                    return;
                }
                syntax.reset();
                if (wholes && readWhole(in, out)) {
                    return;
                }
                heads.forget();
                line = "";
                atHead = false;
            }
            int before = out.size();
            super.decode(context, in, out);
            for (int i = before; i < out.size(); i++) {
                if (out.get(i) instanceof HttpRequest request) {
                    begin(request, out, i);
                } else if (out.get(i) instanceof HttpContent content) {
                    read(content, out, i);
                }
                if (deaf) {
                    in.skipBytes(in.readableBytes());
                    return;
                }
            }
        }

        /** Reads a small request that is there as a whole, and says nothing special about how it is sent; any other is left alone. */
        private boolean readWhole(ByteBuf in, List<Object> out) {
            int start = in.readerIndex();
            if (in.getByte(start) != 'P') {
                return false;
            }
            HeaderLines headers = heads.read(in, start);
            return headers != null && isPlainPost(heads.firstLine()) && readBody(in, start, headers, out);
        }

        /** The same of a head that nobody has looked at, if its first line is the one before and the others pass here as well. */
        @SuppressWarnings("ReferenceEquality") // the very string
        private boolean readKnown(ByteBuf in, List<Object> out) {
            if (line.isEmpty()) {
                return false;
            }
            int start = in.readerIndex();
            HeaderLines headers = heads.read(in, start);
            return headers != null
                    && heads.firstLine() == line
                    && isWithinLimits(headers)
                    && readBody(in, start, headers, out);
        }

        private boolean isWithinLimits(HeaderLines headers) {
            return heads.length() <= Math.min(limits.maxHeadBytes(), limits.maxHeaderBytes())
                    && headers.size() <= limits.maxHeaders();
        }

        private boolean readBody(ByteBuf in, int start, HeaderLines headers, List<Object> out) {
            int length = headers.contains(HttpHeaderNames.EXPECT) || headers.contains(HttpHeaderNames.UPGRADE)
                    ? -1
                    : headers.plainLength();
            int from = start + heads.length();
            if (length < 0 || length > Lane.MAX_BODY_BYTES || length > in.writerIndex() - from) {
                return false;
            }
            byte[] bytes = new byte[length];
            in.getBytes(from, bytes);
            in.readerIndex(from + length);
            int at = out.size();
            HttpRequest request = new DefaultFullHttpRequest(
                    HttpVersion.HTTP_1_1,
                    HttpMethod.POST,
                    target,
                    Unpooled.wrappedBuffer(bytes),
                    headers,
                    EmptyHttpHeaders.INSTANCE);
            out.add(request);
            begin(request, out, at);
            if (deaf) {
                in.skipBytes(in.readableBytes());
            } else {
                body = length;
                bodyLeft = 0;
                bodyEnded = true;
            }
            return true;
        }

        @SuppressWarnings("ReferenceEquality") // the very string, most of the time
        private boolean isPlainPost(String first) {
            if (first == line) {
                return true;
            }
            if (!first.startsWith("POST ") || !first.endsWith(" HTTP/1.1")) {
                return false;
            }
            line = first;
            target = first.substring("POST ".length(), first.length() - " HTTP/1.1".length());
            return true;
        }

        private void begin(HttpRequest request, List<Object> out, int i) {
            Rejection refused =
                    rules.check(request.method(), request.uri(), request.protocolVersion(), request.headers());
            if (refused == null && request.decoderResult().isFailure()) {
                refused = broken(request.decoderResult().cause());
            }
            if (refused != null) {
                discard(out, i);
                refuse(refused, HttpMethod.HEAD.equals(request.method()), out);
                return;
            }
            exchanges++;
            answer = Answer.DUE;
            head = HttpMethod.HEAD.equals(request.method());
            body = 0;
            bodyEnded = false;
            bodyLeft = HttpUtil.isTransferEncodingChunked(request) ? -1 : HttpUtil.getContentLength(request, 0L);
        }

        private void read(HttpContent content, List<Object> out, int i) {
            int bytes = content.content().readableBytes();
            body += bytes;
            Rejection refused = content.decoderResult().isFailure()
                    ? broken(content.decoderResult().cause())
                    // a backstop: who reads bodies, limits them first
                    : body > limits.maxBodyBytes() + AHEAD_BYTES ? BadHttp.tooLarge(limits.maxBodyBytes()) : null;
            if (refused != null) {
                discard(out, i);
                deaf = true;
                closeAfterAnswer = true;
                throw new DecoderException(refused);
            }
            if (bodyLeft > 0) {
                bodyLeft -= bytes;
            }
            if (content instanceof LastHttpContent) {
                bodyEnded = true;
                atHead = true;
            }
        }

        private void refuse(Rejection refused, boolean toHead, List<Object> out) {
            exchanges++;
            answer = Answer.DUE;
            head = toHead;
            bodyEnded = true;
            deaf = true;
            closeAfterAnswer = true;
            out.add(new DefaultHttpRequest(HttpVersion.HTTP_1_1, new RefusedMethod(refused), "/"));
            out.add(LastHttpContent.EMPTY_LAST_CONTENT);
        }

        private void waitForAnswer(ByteBuf in) {
            ahead = true;
            if (in.readableBytes() > AHEAD_BYTES) {
                deaf = true;
                closeAfterAnswer = true;
                in.skipBytes(in.readableBytes());
            }
        }

        private void throwAway(ChannelHandlerContext context, ByteBuf in) {
            thrownAway += in.readableBytes();
            in.skipBytes(in.readableBytes());
            if (lingering && thrownAway > LINGER_BYTES) {
                context.close();
            }
        }

        private void discard(List<Object> out, int from) {
            while (out.size() > from) {
                ReferenceCountUtil.release(out.remove(out.size() - 1));
            }
        }

        private Rejection broken(@Nullable Throwable cause) {
            return cause instanceof TooLongFrameException
                    ? BadHttp.malformed(431, "A part of the request is too long")
                    : BadHttp.badRequest("Malformed request");
        }

        /** Left as it is, for {@link HeadRules} to see and refuse. */
        @Override
        protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {}
    }

    private final class Encoder extends HttpResponseEncoder {
        @Override
        protected boolean isContentAlwaysEmpty(HttpResponse response) {
            return (head && !informational(response)) || super.isContentAlwaysEmpty(response);
        }
    }
}
