package io.sluice.guard;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowSynchronizationStrategy;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/**
 * A resilience4j circuit breaker, called directly. Changes of its state are noticed by looking instead of by its events,
 * which would be made for each call as soon as anybody listens. Safe for use by many threads.
 *
 * <p>Each {@link #tryAcquire} that says yes is followed by exactly one {@link #end}.
 */
public final class Breaker {
    /** Told of each change of state, once, by the thread that noticed. */
    @FunctionalInterface
    public interface Listener {
        void changed(Breaker breaker, CircuitBreaker.State before, CircuitBreaker.State after);
    }

    @SuppressWarnings("StaticAssignmentOfThrowable") // has no stack trace that could deceive
    private static final RuntimeException FAILURE = new Failure();

    private static final VarHandle SEEN;

    static {
        try {
            SEEN = MethodHandles.lookup().findVarHandle(Breaker.class, "seen", CircuitBreaker.State.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final class Failure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Failure() {
            super("failed", null, false, false);
        }
    }

    private final CircuitBreaker inner;
    private final boolean enabled;
    private final Listener listener;
    private final LongSupplier nanos;
    private volatile CircuitBreaker.State seen = CircuitBreaker.State.CLOSED;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger lateSuccesses = new AtomicInteger();
    private final AtomicInteger lateFailures = new AtomicInteger();
    private volatile long reopensAt;

    /**
     * @param name as meters call it
     * @param nanos the monotonic clock, for the windows of resilience4j
     */
    public Breaker(String name, BreakerSettings settings, LongSupplier nanos, Listener listener) {
        this.enabled = settings.enabled();
        this.listener = listener;
        this.nanos = nanos;
        long first = settings.open().toMillis();
        long longest = Math.max(first, settings.longestOpen().toMillis());
        this.inner = CircuitBreaker.of(
                name,
                CircuitBreakerConfig.custom()
                        .slidingWindow(
                                (int) settings.window().toSeconds(),
                                settings.minimumCalls(),
                                SlidingWindowType.TIME_BASED,
                                SlidingWindowSynchronizationStrategy.SYNCHRONIZED)
                        .failureRateThreshold(settings.failureRate())
                        .slowCallDurationThreshold(settings.slowCall())
                        .slowCallRateThreshold(settings.slowRate())
                        .permittedNumberOfCallsInHalfOpenState(settings.probes())
                        .maxWaitDurationInHalfOpenState(settings.longestOpen())
                        .waitIntervalFunctionInOpenState(times -> opens(first, longest, times))
                        .clock(new NanoClock(nanos))
                        .writableStackTraceEnabled(false)
                        .build());
    }

    private long opens(long first, long longest, int times) {
        long millis = Math.min(longest, first << Math.min(20, Math.max(0, times - 1)));
        reopensAt = nanos.getAsLong() + TimeUnit.MILLISECONDS.toNanos(millis);
        return millis;
    }

    /** Whether a call may be made now. */
    public boolean tryAcquire() {
        if (!enabled) {
            return true;
        }
        boolean permitted = inner.tryAcquirePermission();
        notice();
        return permitted;
    }

    /** Whether {@link #tryAcquire} would say no for being open; takes nothing. */
    public boolean isOpen(long nowNanos) {
        return seen == CircuitBreaker.State.OPEN && nowNanos - reopensAt < 0;
    }

    /** @param nanosToHead how long the head of the answer took */
    public void end(Outcome outcome, long nanosToHead) {
        if (!enabled) {
            return;
        }
        if (outcome == Outcome.IGNORED) {
            inner.releasePermission();
        } else if (busy.compareAndSet(false, true)) {
            record(outcome, nanosToHead);
            busy.set(false);
            catchUp();
        } else {
            (outcome == Outcome.SUCCEEDED ? lateSuccesses : lateFailures).incrementAndGet();
            catchUp();
        }
        notice();
    }

    private void record(Outcome outcome, long nanosToHead) {
        if (outcome == Outcome.SUCCEEDED) {
            inner.onSuccess(Math.max(0, nanosToHead), TimeUnit.NANOSECONDS);
        } else {
            inner.onError(Math.max(0, nanosToHead), TimeUnit.NANOSECONDS, FAILURE);
        }
    }

    /**
     * The window of resilience4j that takes no lock allocates 216 bytes for each call, the one that allocates nothing
     * takes a lock, on which an event loop must not wait (GuardBenchmark). So one thread at a time tells it, and what
     * others have to tell meanwhile is told by the first who can.
     */
    private void catchUp() {
        while ((lateSuccesses.get() > 0 || lateFailures.get() > 0) && busy.compareAndSet(false, true)) {
            for (int left = lateSuccesses.getAndSet(0); left > 0; left--) {
                record(Outcome.SUCCEEDED, 0);
            }
            for (int left = lateFailures.getAndSet(0); left > 0; left--) {
                record(Outcome.FAILED, 0);
            }
            busy.set(false);
        }
    }

    private void notice() {
        CircuitBreaker.State now = inner.getState();
        CircuitBreaker.State before = seen;
        if (now != before && SEEN.compareAndSet(this, before, now)) {
            listener.changed(this, before, now);
        }
    }

    public CircuitBreaker.State state() {
        return inner.getState();
    }

    /** How long until it tries again; at least a moment. */
    public Duration retryAfter() {
        long left = reopensAt - nanos.getAsLong();
        return Duration.ofNanos(Math.max(TimeUnit.MILLISECONDS.toNanos(100), left));
    }

    /** Closes it and forgets what it has seen. */
    public void reset() {
        inner.reset();
        notice();
    }

    /** Lets calls try now instead of after the wait, because there is a sign that it would go well. */
    public void halfOpen() {
        if (inner.getState() == CircuitBreaker.State.OPEN) {
            try {
                inner.transitionToHalfOpenState();
            } catch (RuntimeException changedMeanwhile) {
                return;
            }
            notice();
        }
    }

    public String name() {
        return inner.getName();
    }

    /** A number of what it has seen. Waits for whoever is telling it something at the moment: not for event loops. */
    public double read(ToDoubleFunction<CircuitBreaker.Metrics> number) {
        while (!busy.compareAndSet(false, true)) {
            Thread.onSpinWait();
        }
        double value = number.applyAsDouble(inner.getMetrics());
        busy.set(false);
        catchUp();
        notice();
        return value;
    }
}
