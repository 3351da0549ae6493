package io.sluice.registry.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.Backend;
import io.sluice.registry.Change;
import io.sluice.registry.RegistryStatus;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;

/**
 * How long replicas need to know 10,000 backends again, and what it costs Redis when ten of them come back at once. Not
 * part of the usual tests, which measure no time.
 */
final class RecoveryTimes {
    private static final int BACKENDS = 10_000;
    private static final int REPLICAS = 10;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final RedisProcess redis = RedisProcess.durable();
    private final FaultProxy way = new FaultProxy(redis.port());
    private final Keyring keyring = Keyring.random();
    private final RedisSettings direct = RedisSettings.of(redis.url(), "recovery");
    private final Replicas replicas = new Replicas(direct, keyring);
    private final RedisConnections asking = RedisConnections.open(direct);

    @AfterEach
    void close() {
        replicas.close();
        asking.close().block(PATIENCE);
        way.close();
        redis.close();
    }

    @Test
    void tenThousandBackendsAreKnownAgainWithinASecond() {
        RedisRegistry first = fill();
        long begun = System.nanoTime();
        RedisRegistry fresh = Replicas.current(replicas.open(Replicas.quick()));
        long millis = since(begun);

        System.out.printf("RecoveryTimes: %d backends read by a new replica in %d ms%n", BACKENDS, millis);
        assertThat(fresh.snapshot()).isEqualTo(first.snapshot());
        assertThat(millis).isLessThan(1_000);
    }

    @Test
    void tenReplicasThatComeBackDoNotHoldRedisUp() {
        fill();
        List<RedisRegistry> all = new ArrayList<>();
        RedisSettings through = RedisSettings.of(way.url(), "recovery");
        for (int i = 0; i < REPLICAS; i++) {
            all.add(Replicas.current(replicas.open(Replicas.quick(), through)));
        }
        await().atMost(PATIENCE).until(asking::isUp);
        long[] quiet = pings(Duration.ofSeconds(3));
        long cut = System.nanoTime();
        way.cut();
        long[] after = pings(Duration.ofSeconds(5));
        await().atMost(PATIENCE)
                .until(() ->
                        all.stream().allMatch(each -> each.status().condition() == RegistryStatus.Condition.CURRENT));
        long current = since(cut);

        System.out.printf(
                "RecoveryTimes: PING p99 %.2f ms before, %.2f ms while %d replicas of %d backends came back; all were"
                        + " current again within %d ms%n",
                p99(quiet), p99(after), REPLICAS, BACKENDS, current);
        assertThat(p99(after)).isLessThan(20);
    }

    private RedisRegistry fill() {
        RedisRegistry registry = replicas.open();
        Flux.range(0, BACKENDS)
                .flatMap(
                        i -> registry.register(
                                Backend.of("backend-" + i, "http://127.0.0.1:1/mcp", Backend.Source.API), Change.any()),
                        64)
                .blockLast(PATIENCE);
        await().atMost(PATIENCE).until(() -> registry.snapshot().registrations().size() == BACKENDS);
        return registry;
    }

    /** Nanoseconds of one question after the other. */
    private long[] pings(Duration time) {
        List<Long> nanos = new ArrayList<>();
        long end = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < end) {
            long begun = System.nanoTime();
            asking.command(commands -> commands.ping()).block(PATIENCE);
            nanos.add(System.nanoTime() - begun);
        }
        return nanos.stream().mapToLong(Long::longValue).sorted().toArray();
    }

    private static double p99(long[] sorted) {
        return Math.round(sorted[(int) (0.99 * (sorted.length - 1))] / 1e4) / 100.0;
    }

    private static long since(long begun) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    }
}
