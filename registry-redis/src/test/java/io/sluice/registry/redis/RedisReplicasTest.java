package io.sluice.registry.redis;

import static org.awaitility.Awaitility.await;

import io.sluice.gateway.ReplicasContract;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Two gateways that share nothing but a Redis and a key. */
final class RedisReplicasTest extends ReplicasContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<RedisConnections> open = new ArrayList<>();
    private final List<RedisSessionStore> stores = new ArrayList<>();
    private final Keyring keyring = Keyring.random();
    private final RedisSettings settings = patient(TestRedis.settings());

    @Override
    protected Shared share() {
        RedisConnections redis = RedisConnections.open(settings);
        open.add(redis);
        await().atMost(PATIENCE).until(redis::isUp);
        RedisSessionStore store = RedisSessionStore.over(redis, keyring, Duration.ofMinutes(30));
        stores.add(store);
        return new Shared(store, RedisMessages.over(redis, keyring));
    }

    @Override
    protected void unshare() {
        stores.forEach(RedisSessionStore::dispose);
        open.forEach(redis -> redis.close().block(PATIENCE));
    }

    /** On a busy machine half a second is nothing. */
    private static RedisSettings patient(RedisSettings usual) {
        return new RedisSettings(
                usual.url(), usual.cluster(), Duration.ofSeconds(5), usual.connectTimeout(), usual.longestRetry());
    }
}
