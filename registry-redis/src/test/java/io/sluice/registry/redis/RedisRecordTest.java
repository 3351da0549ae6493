package io.sluice.registry.redis;

import io.sluice.registry.RecordContract;
import io.sluice.registry.Registry;
import org.junit.jupiter.api.AfterEach;

final class RedisRecordTest extends RecordContract {
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
