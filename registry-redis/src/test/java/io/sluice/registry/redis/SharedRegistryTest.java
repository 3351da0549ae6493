package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.Lease;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryRefusal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/** Several replicas with one Redis. */
final class SharedRegistryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String CANARY = "canary-c0ffee";

    private final RedisSettings settings = TestRedis.settings();
    private final Replicas replicas = new Replicas(settings);
    private final RedisConnections redis = RedisConnections.open(settings);

    @BeforeEach
    void connect() {
        await().atMost(PATIENCE).until(redis::isUp);
    }

    @AfterEach
    void close() {
        replicas.close();
        redis.close().block(PATIENCE);
    }

    @Test
    void whatOneReplicaRegistersEveryOtherServes() {
        RedisRegistry one = replicas.open();
        RedisRegistry two = replicas.open();

        for (int i = 0; i < 50; i++) {
            register(one, "backend-" + i);
            register(two, "other-" + i);
        }

        awaitSame(one, two);
        assertThat(one.snapshot().registrations()).hasSize(100);
        assertThat(one.remove("other-3").block(PATIENCE)).isTrue();
        awaitSame(one, two);
        assertThat(two.snapshot().registrations()).doesNotContainKey("other-3");
        assertThat(replicas.open().snapshot()).isEqualTo(one.snapshot());
    }

    @Test
    void instanceRegisteredAtOneReplicaBeatsAtAnother() {
        RedisRegistry one = replicas.open();
        RedisRegistry two = replicas.open();
        Backend backend = Backend.of("weather", "http://127.0.0.1:1/mcp", Backend.Source.API);
        one.register(backend, new Lease("pod-a", Duration.ofMinutes(1)), Change.any())
                .block(PATIENCE);

        assertThat(two.heartbeat("weather", "pod-a").block(PATIENCE)).isTrue();
    }

    @Test
    void replicaThatKnowsNothingReadsManyRecords() {
        RedisRegistry one = replicas.open();
        for (int i = 0; i < 1_500; i += 50) {
            int from = i;
            Flux.range(from, 50)
                    .flatMap(n -> one.put(RecordKind.PROFILE, "p" + n, RawJson.of("" + n), Change.any()))
                    .blockLast(PATIENCE);
        }

        RedisRegistry two = replicas.open();

        awaitSame(one, two);
        assertThat(two.snapshot().records(RecordKind.PROFILE)).hasSize(1_500);
    }

    @Test
    void credentialsAreSealedAndDoNotOpenElsewhere() {
        RedisRegistry one = replicas.open();
        register(one, "weather");
        one.put(RecordKind.CLIENT, "b", RawJson.of("\"" + CANARY + "\""), Change.any())
                .block(PATIENCE);

        Map<String, byte[]> all = requireNonNull(redis.command(commands ->
                        commands.hgetall(settings.key("reg")).collectMap(kv -> kv.getKey(), kv -> kv.getValue()))
                .block(PATIENCE));
        assertThat(all).containsOnlyKeys("backend/weather", "client/b");
        assertThat(all.values()).noneMatch(value -> new String(value, UTF_8).contains(CANARY));

        byte[] copied = requireNonNull(all.get("backend/weather"));
        redis.command(commands -> commands.hset(settings.key("reg"), "backend/thief", copied))
                .block(PATIENCE);
        RedisRegistry fresh = replicas.open();
        assertThat(fresh.snapshot().registrations()).containsOnlyKeys("weather");
    }

    @Test
    void digestFindsWhatWasChangedBehindTheRegistry() {
        RedisRegistry one = Replicas.current(replicas.open(Replicas.quick().withDigest(Duration.ofMillis(300))));
        register(one, "weather");
        register(one, "clock");

        redis.command(commands -> commands.hdel(settings.key("reg"), "backend/clock"))
                .block(PATIENCE);

        await().atMost(PATIENCE)
                .until(() ->
                        List.copyOf(one.snapshot().registrations().keySet()).equals(List.of("weather")));
    }

    @Test
    void manyBackendsThatVanishAtOnceStayInServiceForAWhile() {
        RedisRegistry one = Replicas.current(replicas.open(Replicas.quick().withConfirmRemoval(Duration.ofSeconds(2))));
        register(one, "lasting");
        // so many, and together, that most of what is there ends at once, wherever between them a look falls
        Flux.range(0, 12)
                .flatMap(i -> one.register(
                        Backend.of("leased-" + i, "http://127.0.0.1:1/mcp", Backend.Source.API),
                        new Lease("pod", Duration.ofSeconds(1)),
                        Change.any()))
                .blockLast(PATIENCE);

        await().atMost(PATIENCE).until(() -> one.status().detail().contains("vanished"));
        assertThat(one.snapshot().registrations())
                .hasSizeGreaterThanOrEqualTo(7)
                .containsKey("lasting");

        await().atMost(PATIENCE)
                .until(() ->
                        List.copyOf(one.snapshot().registrations().keySet()).equals(List.of("lasting")));
    }

    @Test
    void jobPassesOnWhenItsHolderIsSilentAndTheHolderIsFenced() {
        RedisRegistry one = replicas.open();
        RedisRegistry two = replicas.open();
        Fence first =
                requireNonNull(one.lead("discovery", Duration.ofMillis(300)).block(PATIENCE));
        assertThat(two.lead("discovery", Duration.ofMillis(300)).block(PATIENCE))
                .isNull();

        Fence second = await().atMost(PATIENCE)
                .until(() -> two.lead("discovery", Duration.ofMinutes(1)).block(PATIENCE), java.util.Objects::nonNull);

        assertThat(second.token()).isGreaterThan(first.token());
        Backend backend = Backend.of("weather", "http://127.0.0.1:1/mcp", Backend.Source.DISCOVERED);
        assertThatThrownBy(() ->
                        one.register(backend, Change.any().fencedBy(first)).block(PATIENCE))
                .isInstanceOf(RegistryRefusal.Fenced.class);
        assertThat(two.register(backend, Change.any().fencedBy(second)).block(PATIENCE))
                .isNotNull();
        two.resign(second).block(PATIENCE);
        assertThat(one.lead("discovery", Duration.ofMinutes(1)).block(PATIENCE)).isNotNull();
    }

    private static void register(Registry registry, String name) {
        Backend backend = Backend.of(name, "http://127.0.0.1:1/mcp", Backend.Source.API)
                .withHeaders(Map.of("Authorization", CANARY));
        assertThat(registry.register(backend).block(PATIENCE)).isNotNull();
    }

    private static void awaitSame(Registry one, Registry two) {
        await().pollInterval(Duration.ofMillis(5))
                .atMost(PATIENCE)
                .until(() -> one.snapshot().revision() == two.snapshot().revision());
        assertThat(one.snapshot()).isEqualTo(two.snapshot());
    }
}
