package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.auth.Caller;
import io.sluice.guard.Guard;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Three replicas that keep one limit, with Redis and without. For figures, longer: {@code -Dbudgets.time=PT30S}.
 */
final class RedisBudgetsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Caller ANN = new Caller("ann", "acme", false);
    private static final Caller BOB = new Caller("bob", "acme", false);
    private static final byte[] BODY = "{}".getBytes(UTF_8);
    private static final int REPLICAS = 3;
    private static final boolean LONG = System.getProperty("budgets.time") != null;
    private static final Duration TIME = Duration.parse(System.getProperty("budgets.time", "PT1.5S"));

    /** How long an agent may be kept from asking by others that use the machine. */
    private static final double ASLEEP_SECONDS = 0.2;

    private static final RedisProcess REDIS = RedisProcess.forgetful();

    private final RedisSettings settings = RedisSettings.of(REDIS.url(), TestRedis.newCluster());
    private final List<RedisConnections> connections = new ArrayList<>();
    private final List<RedisBudgets> shared = new ArrayList<>();
    private final List<Guard> guards = new ArrayList<>();

    @AfterEach
    void close() {
        shared.forEach(RedisBudgets::close);
        connections.forEach(each -> each.close().block(PATIENCE));
    }

    @AfterAll
    static void end() {
        REDIS.close();
    }

    private void start(int calls, int burst) {
        RateRule rule = new RateRule(
                Optional.empty(),
                Optional.of("*"),
                Optional.empty(),
                Optional.empty(),
                calls,
                Duration.ofSeconds(1),
                burst);
        for (int i = 0; i < REPLICAS; i++) {
            RedisConnections own = RedisConnections.open(settings);
            connections.add(own);
            await().atMost(PATIENCE).until(own::isUp);
            Guard guard = new Guard(LimitSettings.NONE.withRates(List.of(rule)));
            shared.add(RedisBudgets.share(own, guard, () -> REPLICAS));
            guards.add(guard);
        }
    }

    private static boolean passes(Guard guard, Caller caller) {
        try {
            guard.check(caller, "weather", "echo", BODY, 0, 2, System.nanoTime());
            return true;
        } catch (Rejection refused) {
            return false;
        }
    }

    /** What an agent sees that asks as often as it can, at each replica or at some of them. */
    private record Seen(long passed, double seconds, Duration p99) {}

    private Seen hammer(Caller caller, Duration time, int... at) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(at.length);
        long[] passed = new long[at.length];
        List<long[]> took = new ArrayList<>();
        long start = System.nanoTime();
        for (int i = 0; i < at.length; i++) {
            int mine = i;
            Guard guard = guards.get(at[i]);
            long[] times = new long[200_000];
            took.add(times);
            Thread agent = new Thread(() -> {
                for (int n = 0; System.nanoTime() - start < time.toNanos(); n++) {
                    long before = System.nanoTime();
                    boolean more = passes(guard, caller);
                    times[n % times.length] = System.nanoTime() - before;
                    passed[mine] += more ? 1 : 0;
                    if (!more) {
                        LockSupport.parkNanos(100_000);
                    }
                }
                done.countDown();
            });
            agent.setDaemon(true);
            agent.start();
        }
        done.await();
        double seconds = (System.nanoTime() - start) / 1e9;
        long[] all = took.stream()
                .flatMapToLong(Arrays::stream)
                .filter(each -> each > 0)
                .sorted()
                .toArray();
        Seen seen = new Seen(Arrays.stream(passed).sum(), seconds, Duration.ofNanos(all[all.length * 99 / 100]));
        if (LONG) {
            System.out.printf("at %d of %d replicas: %s%n", at.length, REPLICAS, seen);
        }
        return seen;
    }

    @Test
    void replicasKeepOneLimitTogetherAndOneThatServesAloneHasAllOfIt() throws InterruptedException {
        start(1000, 1000);

        Seen three = hammer(ANN, TIME, 0, 1, 2);
        assertExact(1000, 1000, three);

        Seen one = hammer(BOB, TIME, 1);
        assertExact(1000, 1000, one);
    }

    /** To 1 %, apart from what came free in the last moment, in which an agent may have slept. */
    private static void assertExact(int burst, int rate, Seen seen) {
        double due = burst + rate * seen.seconds();
        assertThat((double) seen.passed()).isBetween(0.99 * (due - rate * ASLEEP_SECONDS), 1.01 * due);
        assertThat(seen.p99()).isLessThan(Duration.ofMillis(2));
    }

    @Test
    void withoutRedisTheLimitIsExceededByAFifthAtMostAndKeptAgainAfterwards() throws InterruptedException {
        start(1000, 500);
        hammer(ANN, Duration.ofMillis(300), 0, 1, 2);
        REDIS.freeze();

        Seen frozen = hammer(ANN, TIME, 0, 1, 2);

        assertThat((double) frozen.passed()).isBetween(500 * frozen.seconds(), 1.2 * (500 + 1000 * frozen.seconds()));
        assertThat(frozen.p99()).isLessThan(Duration.ofMillis(2));
        REDIS.thaw();
        await().atMost(PATIENCE).until(() -> shared.stream().noneMatch(RedisBudgets::isAway));
        Seen back = hammer(ANN, TIME, 0, 1, 2);
        assertThat((double) back.passed()).isBetween(500 * back.seconds(), 1.01 * (500 + 1000 * back.seconds()));
    }
}
