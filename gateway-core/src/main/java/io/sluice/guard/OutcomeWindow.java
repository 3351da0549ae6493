package io.sluice.guard;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import java.util.Arrays;

/**
 * How the calls of the last seconds went, counted as the time-based window of resilience4j counts: in slots of a second,
 * and in sums over all of them. That one makes a snapshot of 40 bytes and asks for the time with each call; this one
 * allocates nothing (GuardBenchmark). Its {@link Breaker} sees to it that one thread at a time uses it.
 */
final class OutcomeWindow {
    private static final long SECOND_NANOS = 1_000_000_000L;
    private static final int CALLS = 0;
    private static final int FAILED = 1;
    private static final int SLOW = 2;
    private static final int SLOW_FAILED = 3;
    private static final int NUMBERS = 4;

    private final int seconds;
    private final long origin;
    private final int[] slots;
    private final int[] sums = new int[NUMBERS];
    private long second;

    OutcomeWindow(int seconds, long nowNanos) {
        this.seconds = seconds;
        this.origin = nowNanos;
        this.slots = new int[seconds * NUMBERS];
    }

    void add(boolean failed, boolean slow, long nowNanos) {
        move(nowNanos);
        count(CALLS);
        if (failed) {
            count(FAILED);
        }
        if (slow) {
            count(SLOW);
            if (failed) {
                count(SLOW_FAILED);
            }
        }
    }

    private void count(int number) {
        slots[slot(second) + number]++;
        sums[number]++;
    }

    private int slot(long of) {
        return (int) (of % seconds) * NUMBERS;
    }

    /** Forgets the slots that are too old now. A time before the latest is taken for that. */
    private void move(long nowNanos) {
        long now = Math.floorDiv(nowNanos - origin, SECOND_NANOS);
        for (long due = Math.max(second + 1, now - seconds + 1); due <= now; due++) {
            int slot = slot(due);
            for (int number = 0; number < NUMBERS; number++) {
                sums[number] -= slots[slot + number];
                slots[slot + number] = 0;
            }
        }
        second = Math.max(second, now);
    }

    void clear() {
        Arrays.fill(slots, 0);
        Arrays.fill(sums, 0);
    }

    int calls() {
        return sums[CALLS];
    }

    float failureRate() {
        return rate(FAILED);
    }

    float slowRate() {
        return rate(SLOW);
    }

    private float rate(int number) {
        return sums[CALLS] == 0 ? 0 : sums[number] * 100.0f / sums[CALLS];
    }

    /**
     * The same for meters, as it is now.
     *
     * @param minimum calls before any rate means something
     */
    CircuitBreaker.Metrics metrics(int minimum, long notPermitted, long nowNanos) {
        move(nowNanos);
        boolean enough = calls() > 0 && calls() >= minimum;
        return new Seen(
                enough ? failureRate() : -1,
                enough ? slowRate() : -1,
                calls(),
                sums[FAILED],
                sums[SLOW],
                sums[SLOW_FAILED],
                notPermitted);
    }

    private record Seen(
            float failureRate, float slowRate, int calls, int failed, int slow, int slowFailed, long notPermitted)
            implements CircuitBreaker.Metrics {
        @Override
        public float getFailureRate() {
            return failureRate;
        }

        @Override
        public float getSlowCallRate() {
            return slowRate;
        }

        @Override
        public int getNumberOfSlowCalls() {
            return slow;
        }

        @Override
        public int getNumberOfSlowSuccessfulCalls() {
            return slow - slowFailed;
        }

        @Override
        public int getNumberOfSlowFailedCalls() {
            return slowFailed;
        }

        @Override
        public int getNumberOfBufferedCalls() {
            return calls;
        }

        @Override
        public int getNumberOfFailedCalls() {
            return failed;
        }

        @Override
        public long getNumberOfNotPermittedCalls() {
            return notPermitted;
        }

        @Override
        public int getNumberOfSuccessfulCalls() {
            return calls - failed;
        }
    }
}
