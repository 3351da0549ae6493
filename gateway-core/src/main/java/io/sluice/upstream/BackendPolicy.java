package io.sluice.upstream;

import io.sluice.balance.BalanceSettings;

/**
 * How one backend is treated.
 *
 * @param balance how its endpoints share its calls
 */
public record BackendPolicy(BalanceSettings balance) {
    public static final BackendPolicy STANDARD = new BackendPolicy(BalanceSettings.STANDARD);

    public BackendPolicy withBalance(BalanceSettings other) {
        return new BackendPolicy(other);
    }
}
