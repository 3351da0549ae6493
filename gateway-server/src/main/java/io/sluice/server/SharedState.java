package io.sluice.server;

import io.sluice.config.GatewayConfig;
import io.sluice.gateway.Gateway;
import io.sluice.registry.InMemoryRegistry;
import io.sluice.registry.LayeredRegistry;
import io.sluice.registry.Registry;
import io.sluice.registry.redis.RedisBudgets;
import io.sluice.registry.redis.RedisConnections;
import io.sluice.registry.redis.RedisMessages;
import io.sluice.registry.redis.RedisRegistry;
import io.sluice.registry.redis.RedisSessionStore;
import io.sluice.registry.redis.RedisSettings;
import io.sluice.registry.redis.RegistrySettings;
import io.sluice.replica.InMemoryMessages;
import io.sluice.replica.Messages;
import io.sluice.seal.Keyring;
import io.sluice.session.SessionStore;
import java.time.Duration;
import java.util.Optional;
import reactor.core.publisher.Mono;

/**
 * What this replica shares with the others of its gateway: through Redis where one is named, else with nobody.
 *
 * @param redis the connections, which end last
 */
record SharedState(Registry registry, SessionStore sessions, Messages messages, Optional<RedisConnections> redis) {
    /** Begins to connect, and waits for nothing. Blocks for a moment: for start-up. */
    static SharedState open(GatewayConfig config, Keyring keyring, Duration sessionIdle) {
        return config.redis()
                .url()
                .map(url -> {
                    RedisConnections redis = RedisConnections.open(
                            RedisSettings.of(url, config.redis().cluster()));
                    RedisRegistry registry = RedisRegistry.open(redis, keyring, registrySettings(config.redis()));
                    return new SharedState(
                            new LayeredRegistry(registry),
                            RedisSessionStore.over(redis, keyring, sessionIdle),
                            RedisMessages.over(redis, keyring),
                            Optional.of(redis));
                })
                .orElseGet(() -> new SharedState(
                        new InMemoryRegistry(),
                        SessionStore.ofOneReplica(),
                        InMemoryMessages.alone(),
                        Optional.empty()));
    }

    private static RegistrySettings registrySettings(GatewayConfig.Redis config) {
        RegistrySettings settings =
                RegistrySettings.STANDARD.withAdopt(config.writeBack()).withConfirmations(config.confirmations());
        return config.snapshot().map(settings::withSnapshot).orElse(settings);
    }

    /**
     * Makes the rate limits and the names those of all replicas, where there are others, and says that this replica is
     * there. To be called before there are calls.
     *
     * @return ends it, while Redis is still connected
     */
    Mono<Void> join(Gateway gateway) {
        return redis.map(connected -> {
                    Attendance attendance = Attendance.begin(registry, messages.self());
                    RedisBudgets budgets = RedisBudgets.share(connected, gateway.guard(), attendance::present);
                    AgreedNames names = AgreedNames.follow(registry, gateway);
                    return Mono.<Void>fromRunnable(budgets::close)
                            .then(names.end())
                            .then(attendance.end());
                })
                .orElse(Mono.empty());
    }

    /** A name that all replicas of this gateway derive alike, and that tells nothing of the key; empty when it is alone. */
    static Optional<String> gatewayId(GatewayConfig config, Keyring keyring) {
        return config.redis()
                .url()
                .map(url -> keyring.name("gateway " + config.redis().cluster()));
    }

    /** Ends the connections, if there are any. */
    Mono<Void> close() {
        if (sessions instanceof RedisSessionStore following) {
            following.dispose();
        }
        return registry.close().then(Mono.justOrEmpty(redis).flatMap(RedisConnections::close));
    }
}
