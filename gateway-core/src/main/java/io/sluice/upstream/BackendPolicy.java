package io.sluice.upstream;

import io.sluice.balance.BalanceSettings;
import io.sluice.guard.GateSettings;
import java.time.Duration;
import java.util.Optional;

/**
 * How one backend is treated.
 *
 * @param balance how its endpoints share its calls
 * @param gate how many calls it gets at a time
 * @param retry whether a call that failed may be made once more where that does no harm
 * @param trusted whether what its tools say of themselves, that they only read or may be repeated, is believed
 * @param hedge whether a read that takes longer than 19 of 20 others is asked of a second endpoint as well
 * @param longest how long a call may take in all, however much it reports
 * @param stickyHeader the header whose value keeps calls at one endpoint, where the strategy is sticky; else the session
 *     or the caller does
 * @param healthCheck how often an endpoint that is out is asked whether it is back; zero for never
 */
public record BackendPolicy(
        BalanceSettings balance,
        GateSettings gate,
        boolean retry,
        boolean trusted,
        boolean hedge,
        Duration longest,
        Optional<String> stickyHeader,
        Duration healthCheck) {
    public static final BackendPolicy STANDARD = new BackendPolicy(
            BalanceSettings.STANDARD,
            GateSettings.STANDARD,
            true,
            false,
            false,
            Duration.ofMinutes(10),
            Optional.empty(),
            Duration.ofSeconds(2));

    public BackendPolicy withBalance(BalanceSettings other) {
        return new BackendPolicy(other, gate, retry, trusted, hedge, longest, stickyHeader, healthCheck);
    }

    public BackendPolicy withGate(GateSettings other) {
        return new BackendPolicy(balance, other, retry, trusted, hedge, longest, stickyHeader, healthCheck);
    }

    public BackendPolicy withRetry(boolean other) {
        return new BackendPolicy(balance, gate, other, trusted, hedge, longest, stickyHeader, healthCheck);
    }

    public BackendPolicy withTrusted(boolean other) {
        return new BackendPolicy(balance, gate, retry, other, hedge, longest, stickyHeader, healthCheck);
    }

    public BackendPolicy withHedge(boolean other) {
        return new BackendPolicy(balance, gate, retry, trusted, other, longest, stickyHeader, healthCheck);
    }

    public BackendPolicy withLongest(Duration other) {
        return new BackendPolicy(balance, gate, retry, trusted, hedge, other, stickyHeader, healthCheck);
    }

    public BackendPolicy withStickyHeader(String header) {
        return new BackendPolicy(balance, gate, retry, trusted, hedge, longest, Optional.of(header), healthCheck);
    }

    public BackendPolicy withHealthCheck(Duration interval) {
        return new BackendPolicy(balance, gate, retry, trusted, hedge, longest, stickyHeader, interval);
    }
}
