package io.sluice.discovery;

import java.time.Duration;

/**
 * How eagerly backends are asked.
 *
 * @param interval how often lists are read again when the backend does not tell of changes
 * @param feedInterval how often when it does, in case a notification was lost
 * @param debounce how long a change waits for others, so that a burst is read once
 * @param firstRetry wait after a first failure; doubles with each further one
 * @param longestRetry the longest such wait
 * @param firstAttempt how long {@link Discovery#refresh} waits for an attempt to end
 * @param attempt longest an attempt to read all lists may take
 * @param maxEntries most definitions of one kind that are kept of a backend
 * @param maxPages most pages of one list that are read
 * @param asAsked whether tools are also read as a client sees them that can be asked for everything
 */
public record DiscoverySettings(
        Duration interval,
        Duration feedInterval,
        Duration debounce,
        Duration firstRetry,
        Duration longestRetry,
        Duration firstAttempt,
        Duration attempt,
        int maxEntries,
        int maxPages,
        boolean asAsked) {
    public static final DiscoverySettings DEFAULT = new DiscoverySettings(
            Duration.ofSeconds(60),
            Duration.ofMinutes(5),
            Duration.ofMillis(20),
            Duration.ofMillis(250),
            Duration.ofSeconds(15),
            Duration.ofSeconds(5),
            Duration.ofSeconds(60),
            10_000,
            64,
            false);

    public DiscoverySettings withInterval(Duration other) {
        return new DiscoverySettings(
                other,
                feedInterval,
                debounce,
                firstRetry,
                longestRetry,
                firstAttempt,
                attempt,
                maxEntries,
                maxPages,
                asAsked);
    }

    public DiscoverySettings withFirstAttempt(Duration other) {
        return new DiscoverySettings(
                interval,
                feedInterval,
                debounce,
                firstRetry,
                longestRetry,
                other,
                attempt,
                maxEntries,
                maxPages,
                asAsked);
    }

    public DiscoverySettings withAsAsked(boolean other) {
        return new DiscoverySettings(
                interval,
                feedInterval,
                debounce,
                firstRetry,
                longestRetry,
                firstAttempt,
                attempt,
                maxEntries,
                maxPages,
                other);
    }
}
