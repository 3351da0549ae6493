package io.sluice.listener;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StrictHttpCodecTest {
    /** As a drain does, which may come between an answer and the end of the turn that sends it. */
    @Test
    void answerLeavesBeforeItsConnectionIsClosed() {
        StrictHttpCodec codec = new StrictHttpCodec(ListenerSettings.of("127.0.0.1", 0), true);
        EmbeddedChannel channel = new EmbeddedChannel(codec);
        channel.writeInbound(
                Unpooled.copiedBuffer("POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", US_ASCII));
        ReferenceCountUtil.release(channel.readInbound());

        codec.answer(200, Map.of(), "application/json", Unpooled.copiedBuffer("[7]", US_ASCII), false);
        channel.pipeline().close();

        StringBuilder sent = new StringBuilder();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            sent.append(part.toString(US_ASCII));
            part.release();
        }
        assertThat(sent).startsWith("HTTP/1.1 200 OK\r\n").endsWith("[7]");
    }
}
