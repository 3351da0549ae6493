package io.sluice.overload;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.internal.PlatformDependent;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;

/**
 * Looks four times a second at memory and event loops, and has {@link Overload} and {@link Relief} do what is due. Of the
 * heap it counts what the last collection of each part of it has left: what is merely garbage is no pressure. Everything
 * happens on one thread of its own, which does not depend on anything that may be overloaded.
 */
public final class Watch implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(Watch.class);
    private static final long LOOK_MILLIS = 250;
    private static final long SWEEP_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long STALE_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long COLLECT_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Ladder ladder;
    private final Overload overload;
    private final Relief relief;
    private final List<Probe> probes = new ArrayList<>();
    private final List<MemoryPoolMXBean> pools;
    private final List<BufferPoolMXBean> buffers;
    private final ScheduledExecutorService timer;
    private final long mostHeapBytes;
    private final long mostCountedBytes;
    private boolean closing;
    private long sweptAt;
    private long heapUsed;
    private long heapSeenAt = System.nanoTime();
    private long collectedAt = System.nanoTime() - COLLECT_NANOS;

    private Watch(
            OverloadSettings settings,
            Overload overload,
            Iterable<EventExecutor> loops,
            Relief relief,
            long mostHeapBytes,
            long mostCountedBytes) {
        this.ladder = new Ladder(settings);
        this.overload = overload;
        this.relief = relief;
        this.mostHeapBytes = mostHeapBytes;
        this.mostCountedBytes = mostCountedBytes;
        loops.forEach(loop -> probes.add(new Probe(loop)));
        this.pools = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null)
                .toList();
        this.buffers = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .toList();
        this.timer = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "sluice-overload");
            thread.setDaemon(true);
            return thread;
        });
        overload.limitStreams(settings.streams());
    }

    /** Watches until it is disposed of; does nothing where the settings say so. */
    public static Disposable start(
            OverloadSettings settings, Overload overload, Iterable<EventExecutor> loops, Relief relief) {
        return start(
                settings,
                overload,
                loops,
                relief,
                Runtime.getRuntime().maxMemory(),
                PlatformDependent.estimateMaxDirectMemory());
    }

    /** As the other, with other ideas of how large the heap may be, and the buffers that the JVM counts. */
    static Disposable start(
            OverloadSettings settings,
            Overload overload,
            Iterable<EventExecutor> loops,
            Relief relief,
            long mostHeapBytes,
            long mostCountedBytes) {
        if (!settings.enabled()) {
            return () -> {};
        }
        Watch watch = new Watch(settings, overload, loops, relief, mostHeapBytes, mostCountedBytes);
        watch.timer.scheduleWithFixedDelay(watch::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
        return watch;
    }

    private void look() {
        try {
            long now = System.nanoTime();
            Reading reading = read(now);
            Step step = ladder.next(reading, now);
            overload.change(step, reading);
            relieve(step, now);
            collect(step, reading, now);
        } catch (RuntimeException e) {
            log.error("Looking for overload failed", e);
        }
    }

    private void collect(Step step, Reading reading, long now) {
        if (step.isAtLeast(Step.SHED) && reading.heap() >= reading.direct() && now - heapSeenAt > STALE_NANOS) {
            // Where little is served, little garbage is made, and nobody would find out that there is room again.
            heapSeenAt = now;
            System.gc();
        } else if (step.isAtLeast(Step.EASE)
                && counted() >= reading.percent() / 100
                && now - collectedAt > COLLECT_NANOS) {
            // What the JVM counts may be lists that nobody is answered with any more: small objects, long in the old
            // generation.
            collectedAt = now;
            System.gc();
        }
    }

    private void relieve(Step step, long now) {
        boolean close = step.isAtLeast(Step.CUT);
        if (close != closing) {
            closing = close;
            relief.closeAfterAnswers(close);
        }
        if (step.isAtLeast(Step.EASE) && now - sweptAt > SWEEP_NANOS) {
            sweptAt = now;
            relief.closeIdle();
            if (close) {
                overload.cut(relief.cutFurthestBehind());
            }
        }
    }

    private Reading read(long now) {
        long lag = 0;
        for (Probe probe : probes) {
            lag = Math.max(lag, probe.lag(now));
        }
        return new Reading(heap(now), direct(), lag);
    }

    private double heap(long now) {
        long left = 0;
        for (MemoryPoolMXBean pool : pools) {
            MemoryUsage after = pool.getCollectionUsage();
            left += after == null ? 0 : after.getUsed();
        }
        if (left != heapUsed) {
            heapUsed = left;
            heapSeenAt = now;
        }
        Runtime runtime = Runtime.getRuntime();
        long used = runtime.totalMemory() - runtime.freeMemory();
        return Math.min(left, used) / (double) mostHeapBytes;
    }

    /** Netty and the JVM each count their own, and each have a limit: whichever is nearer to it. */
    private double direct() {
        long most = PlatformDependent.maxDirectMemory();
        double netty = most <= 0 ? 0 : Math.max(0, PlatformDependent.usedDirectMemory()) / (double) most;
        return Math.max(netty, counted());
    }

    /** What the JVM counts: lists that answers share, buffers of channels. */
    private double counted() {
        long used = 0;
        for (BufferPoolMXBean pool : buffers) {
            used += pool.getMemoryUsed();
        }
        return used / (double) mostCountedBytes;
    }

    /** Asks one event loop for a sign of life, one at a time. */
    private static final class Probe implements Runnable {
        private final EventExecutor loop;
        private volatile long askedAt;
        private volatile boolean asked;
        private volatile long last;

        Probe(EventExecutor loop) {
            this.loop = loop;
        }

        /** How late its last sign was, or how late the one is that is still due. */
        long lag(long now) {
            if (asked) {
                return Math.max(last, now - askedAt);
            }
            long seen = last;
            askedAt = now;
            asked = true;
            try {
                loop.execute(this);
            } catch (RejectedExecutionException stopped) {
                asked = false;
            }
            return seen;
        }

        @Override
        public void run() {
            last = System.nanoTime() - askedAt;
            asked = false;
        }
    }

    @Override
    public void dispose() {
        timer.shutdownNow();
    }

    @Override
    public boolean isDisposed() {
        return timer.isShutdown();
    }
}
