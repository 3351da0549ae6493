package io.sluice.overload;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.internal.PlatformDependent;
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

    private final Ladder ladder;
    private final Overload overload;
    private final Relief relief;
    private final List<Probe> probes = new ArrayList<>();
    private final List<MemoryPoolMXBean> pools;
    private final ScheduledExecutorService timer;
    private final long mostHeapBytes;
    private boolean closing;
    private long sweptAt;
    private long heapUsed;
    private long heapSeenAt = System.nanoTime();

    private Watch(
            OverloadSettings settings,
            Overload overload,
            Iterable<EventExecutor> loops,
            Relief relief,
            long mostHeapBytes) {
        this.ladder = new Ladder(settings);
        this.overload = overload;
        this.relief = relief;
        this.mostHeapBytes = mostHeapBytes;
        loops.forEach(loop -> probes.add(new Probe(loop)));
        this.pools = ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null)
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
        return start(settings, overload, loops, relief, Runtime.getRuntime().maxMemory());
    }

    /** As the other, with another idea of how large the heap may be. */
    static Disposable start(
            OverloadSettings settings,
            Overload overload,
            Iterable<EventExecutor> loops,
            Relief relief,
            long mostHeapBytes) {
        if (!settings.enabled()) {
            return () -> {};
        }
        Watch watch = new Watch(settings, overload, loops, relief, mostHeapBytes);
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
            if (step.isAtLeast(Step.SHED) && reading.heap() >= reading.direct() && now - heapSeenAt > STALE_NANOS) {
                // Where little is served, little garbage is made, and nobody would find out that there is room again.
                heapSeenAt = now;
                System.gc();
            }
        } catch (RuntimeException e) {
            log.error("Looking for overload failed", e);
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

    /** What Netty has taken; not measured where the JVM lets it not count. */
    private static double direct() {
        long most = PlatformDependent.maxDirectMemory();
        return most <= 0 ? 0 : Math.max(0, PlatformDependent.usedDirectMemory()) / (double) most;
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
