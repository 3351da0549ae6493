package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GatheredFlushesTest {
    private final EmbeddedChannel channel = new EmbeddedChannel(new GatheredFlushes());

    private static ByteBuf part(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    private List<String> sent() {
        List<String> sent = new ArrayList<>();
        for (ByteBuf each = channel.readOutbound(); each != null; each = channel.readOutbound()) {
            sent.add(each.toString(StandardCharsets.US_ASCII));
            each.release();
        }
        return sent;
    }

    @Test
    void partsOfOneTurnLeaveTogetherAndEachIsToldSo() {
        List<ChannelFuture> written = new ArrayList<>();
        channel.eventLoop().execute(() -> {
            for (String text : List.of("a", "b", "c")) {
                written.add(channel.pipeline().writeAndFlush(part(text)));
            }
        });
        channel.runPendingTasks();

        assertThat(sent()).containsExactly("abc");
        assertThat(written).hasSize(3).allMatch(ChannelFuture::isSuccess);

        channel.pipeline().writeAndFlush(part("d"));
        channel.runPendingTasks();
        assertThat(sent()).containsExactly("d");
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void largePartKeepsItsPlaceBehindSmallOnes() {
        String large = "x".repeat(10_000);
        channel.eventLoop().execute(() -> {
            channel.pipeline().writeAndFlush(part("a"));
            channel.pipeline().writeAndFlush(part("b"));
            channel.pipeline().writeAndFlush(part(large));
            channel.pipeline().writeAndFlush(part("c"));
        });
        channel.runPendingTasks();

        assertThat(sent()).containsExactly("ab", large, "c");
        assertThat(channel.finish()).isFalse();
    }

    @Test
    void whatWaitsIsReleasedAndFailsWhenTheConnectionIsClosed() {
        ByteBuf one = part("a");
        ByteBuf other = part("b");
        List<ChannelFuture> written = new ArrayList<>();
        channel.eventLoop().execute(() -> {
            written.add(channel.pipeline().writeAndFlush(one));
            written.add(channel.pipeline().writeAndFlush(other));
            channel.pipeline().close();
        });
        channel.runPendingTasks();

        assertThat(sent()).isEmpty();
        assertThat(written).hasSize(2).allMatch(ChannelFuture::isDone);
        assertThat(one.refCnt()).isZero();
        assertThat(other.refCnt()).isZero();
        channel.finishAndReleaseAll();
    }
}
