package io.sluice.upstream;

import io.sluice.registry.Endpoint;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How busy and how slow one endpoint is, as this replica sees it. Written by the threads of its calls without locks; a
 * reader may see one call more or less.
 *
 * <p>The latency is a peak-sensitive, exponentially weighted moving average as in Finagle's <em>Peak EWMA</em>: it
 * jumps up at once with a slow answer and forgets over about ten seconds, so that an endpoint that stumbles is avoided
 * immediately and tried again soon.
 */
public final class EndpointLoad {
    private static final double FORGET_NANOS = 10e9;
    private static final double ASSUMED_NANOS = 1e6;
    private static final long FAILURE_NANOS = 1_000_000_000L;

    private final Endpoint endpoint;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicLong average = new AtomicLong(Double.doubleToLongBits(ASSUMED_NANOS));
    private volatile long updatedAt;

    EndpointLoad(Endpoint endpoint, long nowNanos) {
        this.endpoint = endpoint;
        this.updatedAt = nowNanos;
    }

    public Endpoint endpoint() {
        return endpoint;
    }

    /** Calls that have started and not ended. */
    public int inFlight() {
        return inFlight.get();
    }

    /** What the next call would have to wait for, up to a factor: lower is better. */
    public double cost(long nowNanos) {
        return averageNanos(nowNanos) * (inFlight.get() + 1) / endpoint.weight();
    }

    private double averageNanos(long nowNanos) {
        double kept = Math.exp(-Math.max(0, nowNanos - updatedAt) / FORGET_NANOS);
        return ASSUMED_NANOS + (Double.longBitsToDouble(average.get()) - ASSUMED_NANOS) * kept;
    }

    void started() {
        inFlight.incrementAndGet();
    }

    void ended() {
        inFlight.decrementAndGet();
    }

    /** The head of an answer came after {@code nanos}. */
    void answered(long nanos, long nowNanos) {
        double before = averageNanos(nowNanos);
        double kept = Math.exp(-Math.max(0, nowNanos - updatedAt) / FORGET_NANOS);
        double after = nanos > before ? nanos : before * kept + nanos * (1 - kept);
        average.set(Double.doubleToLongBits(after));
        updatedAt = nowNanos;
    }

    /** No answer came. */
    void failed(long nowNanos) {
        answered(FAILURE_NANOS, nowNanos);
    }
}
