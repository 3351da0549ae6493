package io.sluice.registry.redis;

import io.sluice.registry.LeaseContract;
import io.sluice.registry.Registry;
import org.junit.jupiter.api.AfterEach;

final class RedisLeaseTest extends LeaseContract {
    private final Replicas replicas = new Replicas(TestRedis.settings());

    @Override
    protected Registry open() {
        return replicas.open();
    }

    @AfterEach
    void close() {
        replicas.close();
    }
}
