package io.sluice.registry.redis;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Lets Lettuce wait for its locks around a connection and around its queue of commands, which are held for a few
 * instructions. A check that throws there leaves the lock's count wrong, and the connection is never closed. A context of
 * TLS, which it makes for each connection, draws a number from the system's source of random ones, which never waits.
 */
public final class LettuceLocks implements BlockHoundIntegration {
    private static final String LOCK = "io.lettuce.core.protocol.SharedLock";

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.allowBlockingCallsInside(LOCK, "incrementWriters")
                .allowBlockingCallsInside(LOCK, "decrementWriters")
                .allowBlockingCallsInside(LOCK, "doExclusive")
                .allowBlockingCallsInside(LOCK, "lockWritersExclusive")
                .allowBlockingCallsInside("io.lettuce.core.protocol.DefaultEndpoint", "validateWrite")
                .allowBlockingCallsInside("sun.security.provider.NativePRNG", "engineNextBytes");
    }
}
