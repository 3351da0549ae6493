package io.sluice.guard;

import java.time.Duration;
import java.util.List;

/**
 * What callers may do.
 *
 * @param rates all that match a call must have something left for it
 * @param identicalCalls how often one caller may make the very same call within {@code identicalWithin}; 0 for as often
 *     as it likes
 * @param background globs of callers whose calls may wait
 * @param deadlines how long calls may take; the first that matches counts
 */
public record LimitSettings(
        List<RateRule> rates,
        int identicalCalls,
        Duration identicalWithin,
        List<String> background,
        List<DeadlineRule> deadlines) {
    public static final LimitSettings NONE =
            new LimitSettings(List.of(), 0, Duration.ofSeconds(60), List.of(), List.of());

    public LimitSettings {
        rates = List.copyOf(rates);
        background = List.copyOf(background);
        deadlines = List.copyOf(deadlines);
        if (identicalCalls < 0 || identicalCalls > 10_000) {
            throw new IllegalArgumentException("identical calls are limited to 0 to 10000");
        }
    }

    public LimitSettings withRates(List<RateRule> others) {
        return new LimitSettings(others, identicalCalls, identicalWithin, background, deadlines);
    }

    public LimitSettings withIdenticalCalls(int most, Duration within) {
        return new LimitSettings(rates, most, within, background, deadlines);
    }

    public LimitSettings withBackground(List<String> callers) {
        return new LimitSettings(rates, identicalCalls, identicalWithin, callers, deadlines);
    }

    public LimitSettings withDeadlines(List<DeadlineRule> rules) {
        return new LimitSettings(rates, identicalCalls, identicalWithin, background, rules);
    }
}
