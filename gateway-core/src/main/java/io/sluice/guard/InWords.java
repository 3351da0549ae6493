package io.sluice.guard;

import java.time.Duration;

/** Times as people are told to wait them: rounded up, so that whoever waits as long has waited long enough. */
final class InWords {
    private static final Duration A_FEW_SECONDS = Duration.ofSeconds(2);
    private static final Duration A_FEW_MINUTES = Duration.ofMinutes(2);

    private InWords() {}

    static String of(Duration time) {
        if (time.compareTo(A_FEW_SECONDS) < 0) {
            return Math.max(1, roundedUp(time, Duration.ofMillis(1))) + " ms";
        }
        return time.compareTo(A_FEW_MINUTES) < 0
                ? roundedUp(time, Duration.ofSeconds(1)) + " s"
                : roundedUp(time, Duration.ofMinutes(1)) + " min";
    }

    private static long roundedUp(Duration time, Duration unit) {
        return time.plus(unit).minusNanos(1).dividedBy(unit);
    }
}
