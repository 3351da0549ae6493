package io.sluice.balance;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Goes around; the turn of an endpoint that is not eligible is the next one's. */
final class RoundRobin implements LoadBalancer {
    private final AtomicInteger turn = new AtomicInteger();

    @Override
    public @Nullable EndpointState pick(EndpointState[] all, Eligible eligible, long key, long nowNanos) {
        for (int tries = 0; tries < all.length; tries++) {
            EndpointState state = all[Math.floorMod(turn.getAndIncrement(), all.length)];
            if (eligible.test(state, nowNanos)) {
                return state;
            }
        }
        return null;
    }
}
