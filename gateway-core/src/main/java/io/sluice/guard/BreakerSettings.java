package io.sluice.guard;

import java.time.Duration;

/**
 * When a breaker opens and for how long.
 *
 * @param enabled whether it ever does
 * @param failureRate percentage of failed calls within the window at which it opens
 * @param slowCall how long the head of an answer may take before the call counts as slow
 * @param slowRate percentage of slow calls at which it opens as well; 100 and a {@code slowCall} as long as the timeout
 *     mean never, because a tool may take its time
 * @param minimumCalls calls within the window before any rate means something
 * @param window how far back it looks
 * @param open how long it stays open at first; doubles with each time in a row
 * @param longestOpen the longest it stays open
 * @param probes calls that decide, once that time is over, whether it closes
 */
public record BreakerSettings(
        boolean enabled,
        int failureRate,
        Duration slowCall,
        int slowRate,
        int minimumCalls,
        Duration window,
        Duration open,
        Duration longestOpen,
        int probes) {
    public static final BreakerSettings STANDARD = new BreakerSettings(
            true,
            50,
            Duration.ofMinutes(10),
            100,
            10,
            Duration.ofSeconds(30),
            Duration.ofSeconds(2),
            Duration.ofSeconds(30),
            3);

    public static final BreakerSettings OFF = STANDARD.withEnabled(false);

    public BreakerSettings {
        if (failureRate < 1 || failureRate > 100 || slowRate < 1 || slowRate > 100) {
            throw new IllegalArgumentException("a rate goes from 1 to 100 percent");
        }
        if (minimumCalls < 1 || probes < 1 || window.toSeconds() < 1) {
            throw new IllegalArgumentException("a breaker needs at least one call, one probe and one second");
        }
    }

    public BreakerSettings withEnabled(boolean other) {
        return new BreakerSettings(
                other, failureRate, slowCall, slowRate, minimumCalls, window, open, longestOpen, probes);
    }

    public BreakerSettings withFailures(int rate, int calls) {
        return new BreakerSettings(enabled, rate, slowCall, slowRate, calls, window, open, longestOpen, probes);
    }

    public BreakerSettings withSlow(Duration slow, int rate) {
        return new BreakerSettings(enabled, failureRate, slow, rate, minimumCalls, window, open, longestOpen, probes);
    }

    public BreakerSettings withOpen(Duration first, Duration longest) {
        return new BreakerSettings(
                enabled, failureRate, slowCall, slowRate, minimumCalls, window, first, longest, probes);
    }
}
