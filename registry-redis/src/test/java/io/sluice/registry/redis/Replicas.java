package io.sluice.registry.redis;

import static org.awaitility.Awaitility.await;

import io.sluice.registry.RegistryStatus;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Registries of several replicas of one gateway, closed together. */
final class Replicas implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<Runnable> closers = new ArrayList<>();
    private final Keyring keyring;
    private final RedisSettings settings;

    Replicas(RedisSettings settings) {
        this(settings, Keyring.random());
    }

    Replicas(RedisSettings settings, Keyring keyring) {
        this.settings = settings;
        this.keyring = keyring;
    }

    static RegistrySettings quick() {
        return RegistrySettings.STANDARD.withPoll(Duration.ofMillis(200));
    }

    /** One that is current. */
    RedisRegistry open() {
        return current(open(quick()));
    }

    /** One that may not have reached Redis yet. */
    RedisRegistry open(RegistrySettings registrySettings) {
        return open(registrySettings, settings);
    }

    RedisRegistry open(RegistrySettings registrySettings, RedisSettings where) {
        RedisConnections redis = RedisConnections.open(where);
        RedisRegistry registry = RedisRegistry.open(redis, keyring, registrySettings);
        closers.add(() -> {
            registry.close().block(PATIENCE);
            redis.close().block(PATIENCE);
        });
        return registry;
    }

    static RedisRegistry current(RedisRegistry registry) {
        await().pollInterval(Duration.ofMillis(5))
                .atMost(PATIENCE)
                .until(() -> registry.status().condition() == RegistryStatus.Condition.CURRENT);
        return registry;
    }

    @Override
    public void close() {
        closers.forEach(Runnable::run);
        closers.clear();
    }
}
