package io.sluice.parking;

import java.time.Duration;

/**
 * How many calls may wait for input, and how long.
 *
 * @param patience how long a call waits for its client to come back
 * @param perCaller most calls of one caller that wait at a time
 * @param total most calls that wait at a time
 */
public record ParkingSettings(Duration patience, int perCaller, int total) {
    public static final ParkingSettings DEFAULT = new ParkingSettings(Duration.ofMinutes(5), 64, 2000);

    public ParkingSettings {
        if (patience.isNegative() || patience.isZero() || perCaller < 0 || total < 0) {
            throw new IllegalArgumentException("not settings: " + patience + ", " + perCaller + ", " + total);
        }
    }

    public ParkingSettings withPatience(Duration replacement) {
        return new ParkingSettings(replacement, perCaller, total);
    }

    public ParkingSettings withLimits(int ofOneCaller, int ofAll) {
        return new ParkingSettings(patience, ofOneCaller, ofAll);
    }
}
