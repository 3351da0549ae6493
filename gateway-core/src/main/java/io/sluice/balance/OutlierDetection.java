package io.sluice.balance;

import java.time.Duration;

/**
 * When an endpoint is taken out of the choice because it does worse than the others; the defaults follow Envoy's, except
 * that up to half may be ejected, as an endpoint that is checked comes back by itself.
 *
 * @param consecutiveFailures so many failures in a row
 * @param interval how often success rates are compared
 * @param minimumCalls fewer calls within the interval say nothing
 * @param minimumEndpoints fewer endpoints with that many calls cannot be compared
 * @param deviations standard deviations below the mean that make an outlier
 * @param ejection how long it is out at first; multiplied by how often that has happened
 * @param longestEjection the longest it is out
 * @param maxPercent at most this share of the endpoints is out at a time
 */
public record OutlierDetection(
        int consecutiveFailures,
        Duration interval,
        int minimumCalls,
        int minimumEndpoints,
        double deviations,
        Duration ejection,
        Duration longestEjection,
        int maxPercent) {
    public static final OutlierDetection STANDARD = new OutlierDetection(
            5, Duration.ofSeconds(10), 100, 5, 1.9, Duration.ofSeconds(5), Duration.ofSeconds(300), 50);

    public OutlierDetection {
        if (consecutiveFailures < 1 || maxPercent < 0 || maxPercent > 50) {
            throw new IllegalArgumentException("at least one failure ejects, and at most 50 percent are ejected");
        }
    }

    public OutlierDetection withConsecutiveFailures(int other) {
        return new OutlierDetection(
                other, interval, minimumCalls, minimumEndpoints, deviations, ejection, longestEjection, maxPercent);
    }

    public OutlierDetection withEjection(Duration first, Duration longest) {
        return new OutlierDetection(
                consecutiveFailures, interval, minimumCalls, minimumEndpoints, deviations, first, longest, maxPercent);
    }
}
