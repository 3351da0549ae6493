package io.sluice.config;

import java.time.Instant;
import java.util.List;

/**
 * How the running configuration relates to the files.
 *
 * @param hash of the files the running configuration was read from
 * @param loadedAt when it was read
 * @param lastAttemptAt when files were last read, successfully or not
 * @param lastFaults what was wrong with the last attempt; empty when it is what runs
 */
public record ConfigStatus(String hash, Instant loadedAt, Instant lastAttemptAt, List<Fault> lastFaults) {
    public ConfigStatus {
        lastFaults = List.copyOf(lastFaults);
    }
}
