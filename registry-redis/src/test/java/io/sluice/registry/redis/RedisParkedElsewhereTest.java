package io.sluice.registry.redis;

import static org.awaitility.Awaitility.await;

import io.sluice.gateway.ParkedElsewhereContract;
import io.sluice.gateway.ReplicasContract;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Calls that wait at one of two gateways that share nothing but a Redis and a key. */
final class RedisParkedElsewhereTest extends ParkedElsewhereContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<RedisConnections> open = new ArrayList<>();
    private final List<RedisSessionStore> stores = new ArrayList<>();
    private final Keyring keyring = Keyring.random();
    private final RedisSettings settings = TestRedis.settings();

    @Override
    protected ReplicasContract.Shared share() {
        RedisConnections redis = RedisConnections.open(settings);
        open.add(redis);
        await().atMost(PATIENCE).until(redis::isUp);
        RedisSessionStore store = RedisSessionStore.over(redis, keyring, Duration.ofMinutes(30));
        stores.add(store);
        return new ReplicasContract.Shared(store, RedisMessages.over(redis, keyring));
    }

    @Override
    protected void unshare() {
        stores.forEach(RedisSessionStore::dispose);
        open.forEach(redis -> redis.close().block(PATIENCE));
    }
}
