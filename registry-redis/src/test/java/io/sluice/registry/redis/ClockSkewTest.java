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
import io.sluice.registry.RegistryRefusal;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Leases while Redis' clock, which is the only one that they know, is set forwards or back by an hour. The scripts of
 * this test read a clock that the test can set; {@code FaultRun} does the same to a whole process.
 */
final class ClockSkewTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration TERM = Duration.ofMillis(500);
    private static final int HOUR = 3600;

    private final RedisSettings settings = TestRedis.settings();
    private final Keyring keyring = Keyring.random();
    private final List<Runnable> closers = new ArrayList<>();
    private final RedisConnections own = connect();

    @AfterEach
    void close() {
        closers.forEach(Runnable::run);
        own.close().block(PATIENCE);
    }

    private RedisConnections connect() {
        RedisConnections redis = RedisConnections.open(settings);
        await().atMost(PATIENCE).until(redis::isUp);
        return redis;
    }

    private RedisRegistry replica() {
        RedisConnections redis = connect();
        RedisRegistry registry =
                RedisRegistry.open(redis, keyring, Replicas.quick(), script -> SettableClock.in(settings, script));
        closers.add(() -> {
            registry.close().block(PATIENCE);
            redis.close().block(PATIENCE);
        });
        return Replicas.current(registry);
    }

    private void setClock(int seconds) {
        own.command(commands -> commands.set(SettableClock.key(settings), ("" + seconds).getBytes(UTF_8)))
                .block(PATIENCE);
    }

    private static void write(RedisRegistry registry, Fence fence, String value) {
        registry.put(RecordKind.NAME, "led", RawJson.of(value), Change.any().fencedBy(fence))
                .block(PATIENCE);
    }

    @ParameterizedTest
    @ValueSource(ints = {HOUR, -HOUR})
    void jobPassesOnOnceAndItsFormerHolderChangesNothing(int seconds) {
        RedisRegistry one = replica();
        RedisRegistry two = replica();
        Fence first = requireNonNull(one.lead("job", TERM).block(PATIENCE));
        write(one, first, "1");

        setClock(seconds);

        Fence second = await().pollInterval(Duration.ofMillis(20))
                .atMost(PATIENCE)
                .until(() -> two.lead("job", TERM).block(PATIENCE), Objects::nonNull);
        assertThat(second.token()).isGreaterThan(first.token());
        assertThatThrownBy(() -> write(one, first, "2")).isInstanceOf(RegistryRefusal.Fenced.class);
        write(two, second, "3");
        setClock(0);
        Fence third = await().pollInterval(Duration.ofMillis(20))
                .atMost(PATIENCE)
                .until(() -> one.lead("job", TERM).block(PATIENCE), Objects::nonNull);
        assertThat(third.token()).isGreaterThan(second.token());
        assertThatThrownBy(() -> write(two, second, "4")).isInstanceOf(RegistryRefusal.Fenced.class);
    }

    @Test
    void instanceThatRenewsItsLeaseStaysAndOneThatDoesNotLeaves() {
        RedisRegistry one = replica();
        Backend backend = Backend.of("leased", "http://127.0.0.1:1/mcp", Backend.Source.API);
        one.register(backend, new Lease("pod", Duration.ofSeconds(2)), Change.any())
                .block(PATIENCE);

        for (int seconds : new int[] {HOUR, 0, -HOUR}) {
            setClock(seconds);
            long revision = one.snapshot().revision();
            staysFor(
                    Duration.ofMillis(700),
                    () -> Boolean.TRUE.equals(one.heartbeat("leased", "pod").block(PATIENCE))
                            && one.snapshot().registrations().containsKey("leased")
                            && one.snapshot().revision() == revision);
        }

        setClock(0); // forwards again, and nobody renews it any more
        await().atMost(PATIENCE).until(() -> one.snapshot().registrations().isEmpty());
    }

    private static void staysFor(Duration time, BooleanSupplier fact) {
        await().pollInterval(Duration.ofMillis(100))
                .during(time)
                .atMost(PATIENCE)
                .until(fact::getAsBoolean);
    }
}
