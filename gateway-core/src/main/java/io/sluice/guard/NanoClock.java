package io.sluice.guard;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.function.LongSupplier;

/** Time that never goes back: resilience4j would otherwise keep a breaker open for as long as somebody sets the clock back. */
final class NanoClock extends Clock {
    private static final long SECOND = 1_000_000_000L;

    private final LongSupplier nanos;
    private final long origin;

    NanoClock(LongSupplier nanos) {
        this.nanos = nanos;
        this.origin = nanos.getAsLong();
    }

    @Override
    public Instant instant() {
        long since = nanos.getAsLong() - origin;
        return Instant.ofEpochSecond(Math.floorDiv(since, SECOND), Math.floorMod(since, SECOND));
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }
}
