package io.sluice.guard;

import java.time.Duration;
import java.util.Optional;

/**
 * How long calls may take, from their arrival to the last byte of their answer.
 *
 * @param backend glob of backends
 * @param tool glob of tools, bare or as {@code backend__name}; empty for all calls, those of prompts and resources too
 * @param within the time that a call has, and has again from each report of its progress
 * @param atMost the time that it has in all, however much it reports
 */
public record DeadlineRule(String backend, Optional<String> tool, Duration within, Duration atMost) {
    public DeadlineRule {
        if (within.isNegative() || within.isZero() || atMost.compareTo(within) < 0) {
            throw new IllegalArgumentException(
                    "a call has some time, and not less in all: " + within + ", in all " + atMost);
        }
    }
}
