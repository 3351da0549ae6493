package io.sluice.overload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.util.concurrent.EventExecutor;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.netty.resources.LoopResources;

/** A watch over this very process, with ideas of its own about what is much. */
class WatchTest {
    private static final OverloadSettings NERVOUS = new OverloadSettings(true, 1, 1, 1, 1, Duration.ofSeconds(60), 3);
    private static final long MUCH = 1L << 40;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final LoopResources loops = LoopResources.create("watched", 1, true);
    private final Overload overload = new Overload(() -> 0);
    private final Seen seen = new Seen();
    private final Disposable.Swap watch = Disposables.swap();

    @AfterEach
    void stop() {
        watch.dispose();
        loops.dispose();
    }

    private static final class Seen implements Relief {
        final AtomicInteger swept = new AtomicInteger();
        final AtomicInteger cuts = new AtomicInteger();
        volatile boolean closing;

        @Override
        public void closeIdle() {
            swept.incrementAndGet();
        }

        @Override
        public void closeAfterAnswers(boolean close) {
            closing = close;
        }

        @Override
        public int cutFurthestBehind() {
            cuts.incrementAndGet();
            return 2;
        }
    }

    @Test
    void fullHeapTakesTheWholeLadderAndRelievesConnections() {
        System.gc(); // so that there is a figure of what is left
        watch.update(start(NERVOUS, 4 << 20, MUCH));

        await().atMost(PATIENCE).until(() -> overload.step() == Step.REFUSE);
        await().atMost(PATIENCE).until(() -> seen.closing && seen.swept.get() > 0 && seen.cuts.get() > 0);
        assertThat(overload.reading().heap()).isGreaterThan(0.5);
        assertThat(overload.cutConnections()).isPositive();
        assertThat(overload.refusesAll()).isTrue();
    }

    @Test
    void heapWithRoomIsNoPressure() {
        System.gc();
        watch.update(start(OverloadSettings.STANDARD, MUCH, MUCH));

        await().atMost(PATIENCE).until(() -> overload.reading().heap() > 0);
        assertThat(overload.reading().heap()).isLessThan(0.1);
        assertThat(overload.step()).isEqualTo(Step.CALM);
        assertThat(seen.closing).isFalse();
    }

    @Test
    void listsInDirectMemoryAreSeenAndCollectedOnceNobodyHasUseForThem() {
        long before = inBuffers();
        @Nullable ByteBuffer list = ByteBuffer.allocateDirect(64 << 20);
        long most = (before + list.capacity()) / 10 * 11;
        double full = (before + list.capacity() / 2) / (double) most;
        watch.update(start(OverloadSettings.STANDARD, MUCH, most));

        await().atMost(PATIENCE).until(() -> overload.reading().direct() > full);

        list = null;
        watch.update(start(NERVOUS, MUCH, most));
        await().atMost(PATIENCE).until(() -> overload.reading().direct() < full);
        assertThat(list).isNull();
    }

    private static long inBuffers() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private Disposable start(OverloadSettings settings, long heapBytes, long bufferBytes) {
        return Watch.start(settings, overload, loops.onServer(true), seen, heapBytes, bufferBytes);
    }

    @Test
    void heldEventLoopIsSeenToBeLate() throws Exception {
        watch.update(start(OverloadSettings.STANDARD, MUCH, MUCH));
        AtomicBoolean goOn = new AtomicBoolean();
        EventExecutor loop = loops.onServer(true).next();
        CountDownLatch held = new CountDownLatch(1);
        loop.execute(() -> {
            held.countDown();
            while (!goOn.get()) {
                // nothing may wait here, but it may well take its time
            }
        });
        assertThat(held.await(10, TimeUnit.SECONDS)).isTrue();
        try {
            await().atMost(PATIENCE)
                    .until(() -> overload.reading().lagNanos()
                            > Duration.ofMillis(400).toNanos());
        } finally {
            goOn.set(true);
        }
    }

    @Test
    void nothingIsWatchedWhereItIsSwitchedOff() {
        OverloadSettings off = new OverloadSettings(false, 1, 1, 1, 1, Duration.ofSeconds(1), 3);

        Disposable none = start(off, 1, 1);

        none.dispose();
        assertThat(overload.reading()).isEqualTo(Reading.NONE);
    }
}
