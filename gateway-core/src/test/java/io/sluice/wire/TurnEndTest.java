package io.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelOutboundInvoker;
import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TurnEndTest {
    private final EventLoop loop = new DefaultEventLoop();
    private final List<Integer> flushed = new ArrayList<>();

    @AfterEach
    void end() {
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private ChannelOutboundInvoker channel(int number) {
        return (ChannelOutboundInvoker) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ChannelOutboundInvoker.class}, (self, method, args) -> {
                    flushed.add(number);
                    return self;
                });
    }

    /** What was flushed within the turn, and what by its end. */
    private List<List<Integer>> turn(int channels, EventLoop its) throws Exception {
        List<Integer> within = loop.submit(() -> {
                    for (int i = 0; i < channels; i++) {
                        TurnEnd.flush(channel(i), its);
                    }
                    return List.copyOf(flushed);
                })
                .get(5, TimeUnit.SECONDS);
        return List.of(within, loop.submit(() -> List.copyOf(flushed)).get(5, TimeUnit.SECONDS));
    }

    @Test
    void whatIsWrittenInATurnLeavesAtItsEndInOrder() throws Exception {
        assertThat(turn(3, loop)).containsExactly(List.of(), List.of(0, 1, 2));
        flushed.clear();
        assertThat(turn(1, loop)).containsExactly(List.of(), List.of(0));
    }

    @Test
    void noChannelWaitsForManyOthers() throws Exception {
        List<List<Integer>> turn = turn(20, loop);

        assertThat(turn.get(0)).hasSize(16).startsWith(0, 1);
        assertThat(turn.get(1)).hasSize(20).endsWith(18, 19);
    }

    @Test
    void channelOfAnotherLoopDoesNotWait() throws Exception {
        assertThat(turn(1, loop).get(1)).containsExactly(0);
        flushed.clear();
        EventLoop other = new DefaultEventLoop();
        try {
            assertThat(turn(2, other).get(0)).containsExactly(0, 1);
        } finally {
            other.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
        }
    }
}
