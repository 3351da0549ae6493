package io.sluice.registry.redis;

import io.sluice.registry.Registry;
import io.sluice.registry.RegistryContract;
import org.junit.jupiter.api.AfterEach;

final class RedisRegistryTest extends RegistryContract {
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
