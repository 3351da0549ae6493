package io.sluice.registry.redis;

/** There is no connection to Redis now. Nothing was sent. */
public final class RedisAway extends RuntimeException {
    RedisAway(String message) {
        super(message, null, false, false);
    }
}
