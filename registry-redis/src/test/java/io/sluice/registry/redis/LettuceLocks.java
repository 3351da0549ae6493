package io.sluice.registry.redis;

import reactor.blockhound.BlockHound;
import reactor.blockhound.integration.BlockHoundIntegration;

/**
 * Lets Lettuce's own event loops wait for its lock around a connection, which is held for a few instructions. A check
 * that throws there leaves the lock's count wrong, and the connection is never closed.
 */
public final class LettuceLocks implements BlockHoundIntegration {
    private static final String LOCK = "io.lettuce.core.protocol.SharedLock";

    @Override
    public void applyTo(BlockHound.Builder builder) {
        builder.allowBlockingCallsInside(LOCK, "incrementWriters")
                .allowBlockingCallsInside(LOCK, "decrementWriters")
                .allowBlockingCallsInside(LOCK, "doExclusive")
                .allowBlockingCallsInside(LOCK, "lockWritersExclusive");
    }
}
