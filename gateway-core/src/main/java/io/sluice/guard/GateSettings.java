package io.sluice.guard;

import java.time.Duration;

/**
 * How many calls one backend gets at a time.
 *
 * @param breaker of the backend as a whole
 * @param concurrent most calls at a time; 0 for as many as there may be connections
 * @param adaptive whether fewer are let through while the backend slows down under them
 * @param queue how many more may wait for a place
 * @param patience how long they may; while the line has stood for a second, only about as long as a call takes
 * @param backgroundPercent share of the places that background calls may take
 */
public record GateSettings(
        BreakerSettings breaker,
        int concurrent,
        boolean adaptive,
        int queue,
        Duration patience,
        int backgroundPercent) {
    public static final GateSettings STANDARD =
            new GateSettings(BreakerSettings.STANDARD, 0, true, 1000, Duration.ofSeconds(10), 50);

    public GateSettings {
        if (concurrent < 0 || queue < 0 || backgroundPercent < 1 || backgroundPercent > 100) {
            throw new IllegalArgumentException("a gate needs a place for somebody");
        }
    }

    public GateSettings withBreaker(BreakerSettings other) {
        return new GateSettings(other, concurrent, adaptive, queue, patience, backgroundPercent);
    }

    public GateSettings withConcurrent(int most, boolean adapting) {
        return new GateSettings(breaker, most, adapting, queue, patience, backgroundPercent);
    }

    public GateSettings withQueue(int waiting, Duration longest) {
        return new GateSettings(breaker, concurrent, adaptive, waiting, longest, backgroundPercent);
    }
}
