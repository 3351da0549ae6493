package io.sluice.balance;

import io.sluice.guard.BreakerSettings;
import java.time.Duration;

/**
 * How the endpoints of one backend share its calls.
 *
 * @param slowStart how long an endpoint that comes back takes to get its full share; zero for at once
 * @param breaker of each endpoint, where there are several
 */
public record BalanceSettings(
        Strategy strategy, Duration slowStart, OutlierDetection outliers, BreakerSettings breaker) {
    /** Which of {@link LoadBalancer}'s ways. */
    public enum Strategy {
        FASTEST,
        LEAST_REQUEST,
        ROUND_ROBIN,
        WEIGHTED,
        STICKY
    }

    public static final BalanceSettings STANDARD = new BalanceSettings(
            Strategy.FASTEST, Duration.ofSeconds(3), OutlierDetection.STANDARD, BreakerSettings.STANDARD);

    public BalanceSettings withStrategy(Strategy other) {
        return new BalanceSettings(other, slowStart, outliers, breaker);
    }

    public BalanceSettings withSlowStart(Duration other) {
        return new BalanceSettings(strategy, other, outliers, breaker);
    }

    public BalanceSettings withOutliers(OutlierDetection other) {
        return new BalanceSettings(strategy, slowStart, other, breaker);
    }

    public BalanceSettings withBreaker(BreakerSettings other) {
        return new BalanceSettings(strategy, slowStart, outliers, other);
    }
}
