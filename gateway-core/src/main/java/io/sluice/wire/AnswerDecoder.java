package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.List;

/**
 * Netty's decoder of answers, with a short way for a small one of status 200 that is there as a whole: it comes as one
 * message, its body on the heap.
 */
final class AnswerDecoder extends HttpResponseDecoder {
    private static final String OK = "HTTP/1.1 200 ";
    private static final int SMALL_BYTES = 64 * 1024;

    private final HeadReader heads = new HeadReader();

    /** Whether the next byte begins an answer. */
    private boolean atHead = true;

    AnswerDecoder(HttpDecoderConfig config) {
        super(config);
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
        if (atHead && readWhole(in, out)) {
            return;
        }
        atHead = false;
        int before = out.size();
        super.decode(context, in, out);
        for (int i = before; i < out.size(); i++) {
            atHead = out.get(i) instanceof LastHttpContent last
                    && !last.decoderResult().isFailure();
        }
    }

    private boolean readWhole(ByteBuf in, List<Object> out) {
        int start = in.readerIndex();
        if (in.readableBytes() < OK.length() || in.getByte(start) != 'H') {
            return false;
        }
        HeaderLines headers = heads.read(in, start);
        if (headers == null || !heads.firstLine().startsWith(OK)) {
            return false;
        }
        int length = headers.plainLength();
        int from = start + heads.length();
        if (length < 0 || length > SMALL_BYTES || length > in.writerIndex() - from) {
            return false;
        }
        byte[] bytes = new byte[length];
        in.getBytes(from, bytes);
        in.readerIndex(from + length);
        out.add(new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.OK,
                Unpooled.wrappedBuffer(bytes),
                headers,
                EmptyHttpHeaders.INSTANCE));
        return true;
    }
}
