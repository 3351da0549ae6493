package io.sluice.registry.redis;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.Backend;
import io.sluice.registry.Change;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryRefusal;
import io.sluice.registry.RegistryStatus.Condition;
import io.sluice.seal.Keyring;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Redis that dies, freezes, forgets or goes back in time. */
final class RedisOutageTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String CANARY = "canary-5e55-10n";

    private final RedisProcess redis = RedisProcess.durable();
    private final RedisSettings settings = RedisSettings.of(redis.url(), "outage");
    private final Keyring keyring = Keyring.random();
    private final Replicas replicas = new Replicas(settings, keyring);

    @TempDir
    private Path folder = Path.of(".");

    @AfterEach
    void close() {
        replicas.close();
        redis.close();
    }

    @Test
    void deadRedisRefusesChangesAndServesReads() {
        RedisRegistry replica = replicas.open();
        register(replica, "weather");

        redis.kill();

        assertThatThrownBy(() -> register(replica, "clock"))
                .isInstanceOfSatisfying(
                        RegistryRefusal.Unavailable.class,
                        refusal -> assertThat(refusal.retryAfter()).isPositive())
                .hasMessageContaining("registry");
        awaitCondition(replica, Condition.DISCONNECTED);
        assertThat(replica.status().detail()).contains("cannot be used since").contains("serves revision 1");
        assertThat(replica.snapshot().registrations()).containsOnlyKeys("weather");
        assertThat(replica.figures().refused()).isPositive();
        Duration before = replica.figures().lag();
        await().atMost(PATIENCE).until(() -> replica.figures().lag().compareTo(before) > 0);

        redis.start();
        Replicas.current(replica);
        Registration clock = register(replica, "clock");
        assertThat(clock.revision()).isEqualTo(2);
        assertThat(replica.snapshot().registrations()).containsOnlyKeys("clock", "weather");
    }

    @Test
    void frozenRedisNeitherDoublesNorLosesWhatWasAskedMeanwhile() {
        RedisRegistry replica = replicas.open();
        register(replica, "weather");

        redis.freeze();
        assertThatThrownBy(() -> register(replica, "clock", Change.any().withOperationId("late")))
                .isInstanceOf(RegistryRefusal.Unavailable.class)
                .hasMessageContaining("unknown whether the change was made");
        redis.thaw();
        Replicas.current(replica);

        Registration clock = register(replica, "clock", Change.any().withOperationId("late"));
        assertThat(clock.revision()).isEqualTo(2);
        assertThat(register(replica, "map").revision()).isEqualTo(3);
    }

    @Test
    void replicaStartsFromItsSnapshotOnDiskWhileRedisIsAway() throws Exception {
        Path file = folder.resolve("state").resolve("registry.snapshot");
        RegistrySettings keeping = Replicas.quick().withSnapshot(file);
        RedisRegistry first = Replicas.current(replicas.open(keeping));
        Registration kept = register(first, "weather");
        await().atMost(PATIENCE).until(() -> Files.exists(file));
        replicas.close();
        redis.kill();

        RedisRegistry second = replicas.open(keeping);

        assertThat(second.snapshot().registrations()).containsExactly(Map.entry("weather", kept));
        assertThat(second.status().condition()).isEqualTo(Condition.DISCONNECTED);
        assertThat(Files.readString(file)).doesNotContain(CANARY).doesNotContain("weather");
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
        try (Replicas strangers = new Replicas(settings)) {
            assertThat(strangers.open(keeping).snapshot().registrations()).isEmpty();
        }
        redis.start();
        Replicas.current(second);
        assertThat(second.snapshot().registrations()).containsExactly(Map.entry("weather", kept));
    }

    @Test
    void redisThatComesBackEmptyIsWrittenBackAndNothingLeavesService() {
        RedisRegistry one = replicas.open();
        RedisRegistry two = replicas.open();
        for (int i = 0; i < 10; i++) {
            register(one, "backend-" + i);
        }
        awaitSize(two, 10);

        redis.kill();
        redis.forget();
        redis.start();

        await().pollInterval(Duration.ofMillis(5)).atMost(PATIENCE).until(() -> {
            assertThat(one.snapshot().registrations()).hasSize(10);
            assertThat(two.snapshot().registrations()).hasSize(10);
            return one.status().takesChanges()
                    && two.status().takesChanges()
                    && one.snapshot().revision() > 10
                    && two.snapshot().revision() == one.snapshot().revision();
        });
        RedisRegistry fresh = replicas.open();
        assertThat(fresh.snapshot().registrations()).isEqualTo(one.snapshot().registrations());
        long before = one.snapshot().revision();
        assertThat(register(two, "clock").revision()).isEqualTo(before + 1);
    }

    @Test
    void redisThatComesBackOlderIsBroughtUpToDate() {
        RedisRegistry one = replicas.open();
        register(one, "weather");
        register(one, "doomed");
        redis.kill();
        redis.backUp();
        redis.start();
        Replicas.current(one);
        register(one, "clock");
        assertThat(one.remove("doomed").block(PATIENCE)).isTrue();
        long newest = one.snapshot().revision();
        redis.kill();
        redis.restore();
        redis.start();

        await().pollInterval(Duration.ofMillis(5)).atMost(PATIENCE).until(() -> {
            assertThat(one.snapshot().registrations()).containsOnlyKeys("clock", "weather");
            return one.status().takesChanges() && one.snapshot().revision() > newest;
        });
        assertThat(replicas.open().snapshot().registrations()).containsOnlyKeys("clock", "weather");
    }

    @Test
    void operatorWhoWantsToDecideIsWaitedFor() {
        RedisRegistry replica = Replicas.current(replicas.open(Replicas.quick().withAdopt(false)));
        register(replica, "weather");

        redis.kill();
        redis.forget();
        redis.start();

        awaitCondition(replica, Condition.HELD);
        assertThat(replica.snapshot().registrations()).containsOnlyKeys("weather");
        assertThatThrownBy(() -> register(replica, "clock"))
                .isInstanceOf(RegistryRefusal.Unavailable.class)
                .hasMessageContaining("came back empty");
    }

    private static Registration register(Registry registry, String name) {
        return register(registry, name, Change.any());
    }

    private static Registration register(Registry registry, String name, Change change) {
        Backend backend = Backend.of(name, "http://127.0.0.1:1/mcp", Backend.Source.API)
                .withHeaders(Map.of("Authorization", CANARY));
        return requireNonNull(registry.register(backend, change).block(PATIENCE));
    }

    private static void awaitCondition(Registry registry, Condition condition) {
        await().atMost(PATIENCE).until(() -> registry.status().condition() == condition);
    }

    private static void awaitSize(Registry registry, int size) {
        await().atMost(PATIENCE).until(() -> registry.snapshot().registrations().size() == size);
    }
}
