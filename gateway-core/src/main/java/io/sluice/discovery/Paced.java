package io.sluice.discovery;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import reactor.core.scheduler.Scheduler;

/**
 * Work that takes in all that has changed since it was last done: done soon after a change, but for a burst of changes
 * only as often that it takes up a fifth of the thread. A thousand backends that are found within a second would
 * otherwise make a thousand catalogs. Confined to the thread of its scheduler.
 */
final class Paced {
    /** How many times as long as the work took it rests; of the last two times the shorter one, as the first is for the JVM to load what it takes. */
    private static final int REST = 4;

    private static final long LONGEST_REST = TimeUnit.SECONDS.toNanos(1);

    private final Scheduler thread;
    private final LongSupplier nanoTime;
    private final Runnable work;
    private long next;
    private long lastTook;
    private boolean due;

    /** @param nanoTime as {@link System#nanoTime()} */
    Paced(Scheduler thread, LongSupplier nanoTime, Runnable work) {
        this.thread = thread;
        this.nanoTime = nanoTime;
        this.work = work;
        this.next = nanoTime.getAsLong();
    }

    /** Whether there is something that the work has not taken in yet. */
    boolean isDue() {
        return due;
    }

    /** Something has changed. The work is never done at once: what the thread has been given already comes first. */
    void changed() {
        if (!due) {
            due = true;
            long wait = next - nanoTime.getAsLong();
            if (wait > 0) {
                thread.schedule(this::run, wait, TimeUnit.NANOSECONDS);
            } else {
                thread.schedule(this::run);
            }
        }
    }

    private void run() {
        due = false;
        long start = nanoTime.getAsLong();
        work.run();
        long end = nanoTime.getAsLong();
        next = end + Math.min(LONGEST_REST, REST * Math.min(lastTook, end - start));
        lastTook = end - start;
    }
}
