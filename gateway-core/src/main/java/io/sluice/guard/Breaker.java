package io.sluice.guard;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowSynchronizationStrategy;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/**
 * A resilience4j circuit breaker, called directly. Changes of its state are noticed by looking instead of by its events,
 * which would be made for each call as soon as anybody listens. While it is closed its calls are counted in an {@link
 * OutcomeWindow}, because resilience4j's own windows allocate for each; with the few calls that it lets through to see,
 * resilience4j is told itself. Safe for use by many threads.
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
    private final BreakerSettings settings;
    private final long slowNanos;
    private final OutcomeWindow window;
    private final Listener listener;
    private final LongSupplier nanos;
    private volatile CircuitBreaker.State seen = CircuitBreaker.State.CLOSED;
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicInteger lateSuccesses = new AtomicInteger();
    private final AtomicInteger lateFailures = new AtomicInteger();
    private volatile long reopensAt;

    /** Whether what was counted is to be. */
    private volatile boolean forgotten;

    /**
     * @param name as meters call it
     * @param nanos the monotonic clock
     */
    public Breaker(String name, BreakerSettings settings, LongSupplier nanos, Listener listener) {
        this.settings = settings;
        this.slowNanos = settings.slowCall().toNanos();
        this.window = new OutcomeWindow((int) settings.window().toSeconds(), nanos.getAsLong());
        this.listener = listener;
        this.nanos = nanos;
        long first = settings.open().toMillis();
        long longest = Math.max(first, settings.longestOpen().toMillis());
        this.inner = CircuitBreaker.of(
                name,
                CircuitBreakerConfig.custom()
                        .slidingWindow(
                                1, // not used
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
        if (!settings.enabled()) {
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

    /**
     * @param nanosToHead how long the head of the answer took
     * @param nowNanos by the clock of this breaker
     */
    public void end(Outcome outcome, long nanosToHead, long nowNanos) {
        if (!settings.enabled()) {
            return;
        }
        if (outcome == Outcome.IGNORED) {
            inner.releasePermission();
        } else if (busy.compareAndSet(false, true)) {
            try {
                record(outcome == Outcome.FAILED, nanosToHead, nowNanos);
            } finally {
                busy.set(false);
            }
            catchUp(nowNanos);
        } else {
            (outcome == Outcome.SUCCEEDED ? lateSuccesses : lateFailures).incrementAndGet();
            catchUp(nowNanos);
        }
        notice();
    }

    private void record(boolean failed, long nanosToHead, long nowNanos) {
        forget();
        if (inner.getState() == CircuitBreaker.State.HALF_OPEN) {
            tell(failed, Math.max(0, nanosToHead));
            window.clear();
            return;
        }
        window.add(failed, nanosToHead > slowNanos, nowNanos);
        if (isExceeded() && inner.getState() == CircuitBreaker.State.CLOSED) {
            inner.transitionToOpenState();
        }
    }

    private boolean isExceeded() {
        return window.calls() >= settings.minimumCalls()
                && (window.failureRate() >= settings.failureRate() || window.slowRate() >= settings.slowRate());
    }

    private void tell(boolean failed, long nanosToHead) {
        if (failed) {
            inner.onError(nanosToHead, TimeUnit.NANOSECONDS, FAILURE);
        } else {
            inner.onSuccess(nanosToHead, TimeUnit.NANOSECONDS);
        }
    }

    /**
     * An event loop must not wait for a lock. So one thread at a time counts, and what others have to tell meanwhile is
     * told by the first who can.
     */
    private void catchUp(long nowNanos) {
        while ((lateSuccesses.get() > 0 || lateFailures.get() > 0) && busy.compareAndSet(false, true)) {
            for (int left = lateSuccesses.getAndSet(0); left > 0; left--) {
                record(false, 0, nowNanos);
            }
            for (int left = lateFailures.getAndSet(0); left > 0; left--) {
                record(true, 0, nowNanos);
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
        forgotten = true; // first, or what is counted at this moment could open it again
        if (busy.compareAndSet(false, true)) {
            forget();
            busy.set(false);
        }
        inner.reset();
        notice();
    }

    /** For whoever is {@link #busy}. */
    private void forget() {
        if (forgotten) {
            forgotten = false;
            window.clear();
        }
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
        return held(number);
    }

    /** Percentage of the last calls that failed; empty while there are too few to say, or one is just being counted. */
    public OptionalDouble failureRate() {
        double percent = busy.compareAndSet(false, true) ? held(CircuitBreaker.Metrics::getFailureRate) : -1;
        return percent < 0 ? OptionalDouble.empty() : OptionalDouble.of(percent);
    }

    private double held(ToDoubleFunction<CircuitBreaker.Metrics> number) {
        forget();
        long now = nanos.getAsLong();
        CircuitBreaker.Metrics own = inner.getMetrics();
        double value = number.applyAsDouble(
                inner.getState() != CircuitBreaker.State.HALF_OPEN && window.calls() > 0
                        ? window.metrics(settings.minimumCalls(), own.getNumberOfNotPermittedCalls(), now)
                        : own);
        busy.set(false);
        catchUp(now);
        notice();
        return value;
    }
}
