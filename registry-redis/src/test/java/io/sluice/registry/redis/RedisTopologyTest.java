package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.auth.Caller;
import io.sluice.guard.Guard;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.registry.Backend;
import io.sluice.registry.Change;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryRefusal;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A Redis of several processes: one that fails over under a Sentinel, and a Cluster. */
final class RedisTopologyTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Keyring keyring = Keyring.random();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (int i = open.size(); i > 0; i--) {
            open.get(i - 1).close();
        }
    }

    private <T extends AutoCloseable> T opened(T thing) {
        open.add(thing);
        return thing;
    }

    @Test
    void replicaThatASentinelPromotesBeforeItHeardEverythingIsBroughtUpToDate() {
        RedisProcess primary = opened(RedisProcess.durable());
        RedisProcess copy = copyOf(primary);
        RedisProcess sentinel = sentinelOf(primary);
        Replicas replicas = opened(new Replicas(
                RedisSettings.of("redis-sentinel://127.0.0.1:" + sentinel.port() + "/0#main", "topology"), keyring));
        RedisRegistry one = replicas.open();
        RedisRegistry two = replicas.open();
        register(one, "heard");
        awaitCopied(primary, copy);
        copy.kill();
        register(one, "unheard");
        assertThat(one.remove("heard").block(PATIENCE)).isTrue();
        awaitNames(two, "unheard");

        primary.kill();
        copy.start();

        await().atMost(PATIENCE).until(() -> {
            sentinel.ask("SENTINEL FAILOVER main"); // which it would do by itself, later
            return copy.ask("ROLE").contains("master");
        });
        await().pollInterval(Duration.ofMillis(5)).atMost(PATIENCE).until(() -> {
            assertThat(one.snapshot().registrations()).containsOnlyKeys("unheard");
            assertThat(two.snapshot().registrations()).containsOnlyKeys("unheard");
            return one.status().takesChanges()
                    && two.status().takesChanges()
                    && one.snapshot().revision() > 3;
        });
        assertThat(replicas.open().snapshot().registrations()).containsOnlyKeys("unheard");
        assertThat(register(two, "clock")).isTrue();
    }

    @Test
    void changeIsAcknowledgedOnceAReplicaOfRedisHasIt() {
        RedisProcess primary = opened(RedisProcess.durable());
        RedisProcess copy = copyOf(primary);
        Replicas replicas = opened(new Replicas(RedisSettings.of(primary.url(), "topology"), keyring));
        RedisRegistry one = Replicas.current(replicas.open(Replicas.quick().withConfirmations(1)));
        await().atMost(PATIENCE).ignoreExceptions().until(() -> register(one, "weather"));
        copy.kill();
        Backend clock = Backend.of("clock", "http://127.0.0.1:1/mcp", Backend.Source.API);
        Change change = Change.any().withOperationId("confirmed");

        assertThatThrownBy(() -> one.register(clock, change).block(PATIENCE))
                .isInstanceOf(RegistryRefusal.Unavailable.class)
                .hasMessageContaining("unknown whether the change was made")
                .hasMessageContaining("0 replicas of Redis have the change");
        copy.start();

        await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> requireNonNull(one.register(clock, change).block(PATIENCE))
                                .revision()
                        == 2);
    }

    @Test
    void clusterKeepsEverythingOfAGatewayInOneSlot() throws Exception {
        List<RedisProcess> nodes =
                List.of(opened(RedisProcess.node()), opened(RedisProcess.node()), opened(RedisProcess.node()));
        nodes.get(0).ask("CLUSTER ADDSLOTSRANGE 0 5460");
        nodes.get(1).ask("CLUSTER ADDSLOTSRANGE 5461 10922");
        nodes.get(2).ask("CLUSTER ADDSLOTSRANGE 10923 16383");
        for (RedisProcess other : nodes.subList(1, 3)) {
            nodes.get(0).ask("CLUSTER MEET 127.0.0.1 " + other.port() + " " + busPort(other));
        }
        await().atMost(PATIENCE)
                .until(() -> nodes.stream()
                        .allMatch(node -> node.ask("CLUSTER INFO").contains("cluster_state:ok")
                                && node.ask("CLUSTER INFO").contains("cluster_known_nodes:3")));
        String url = nodes.stream()
                .map(node -> "127.0.0.1:" + node.port())
                .collect(Collectors.joining(",", "redis-cluster://", ""));
        RedisSettings settings = RedisSettings.of(url, "topology");
        Replicas replicas = opened(new Replicas(settings, keyring));

        RedisRegistry one = replicas.open();
        RedisRegistry two = replicas.open();
        register(one, "weather");
        awaitNames(two, "weather");
        assertThat(requireNonNull(two.lead("job", PATIENCE).block(PATIENCE)).token())
                .isPositive();
        nodes.forEach(node -> node.ask("CLIENT KILL TYPE normal"));
        await().atMost(PATIENCE).until(() -> two.status().takesChanges());
        assertThat(two.remove("weather").block(PATIENCE)).isTrue();
        awaitNames(one);

        RedisConnections redis = RedisConnections.open(settings);
        open.add(() -> redis.close().block(PATIENCE));
        await().atMost(PATIENCE).until(redis::isUp);
        CountDownLatch heard = new CountDownLatch(1);
        RedisMessages messages = RedisMessages.over(redis, keyring);
        requireNonNull(messages.listen("topic", message -> heard.countDown()).block(PATIENCE));
        messages.publish("topic", "hello".getBytes(UTF_8)).block(PATIENCE);
        assertThat(heard.await(10, TimeUnit.SECONDS)).isTrue();
        budgetsAreSettled(redis);
        long used = nodes.stream()
                .filter(node -> node.ask("DBSIZE").startsWith(":0"))
                .count();
        assertThat(used).as("nodes without a key").isEqualTo(2);
    }

    private void budgetsAreSettled(RedisConnections redis) {
        RateRule rule = new RateRule(
                Optional.empty(), Optional.of("*"), Optional.empty(), Optional.empty(), 10, Duration.ofHours(1), 10);
        Guard guard = new Guard(LimitSettings.NONE.withRates(List.of(rule)));
        RedisBudgets budgets = opened(RedisBudgets.share(redis, guard, () -> 2));
        guard.check(new Caller("ann", "", false), "weather", "echo", new byte[0], 0, 0, System.nanoTime());
        String key = redis.settings().key("rl:*");
        await().atMost(PATIENCE)
                .until(() -> !requireNonNull(redis.commands(commands -> commands.keys(key))
                                .collectList()
                                .block(PATIENCE))
                        .isEmpty());
        assertThat(budgets.isAway()).isFalse();
    }

    private static String busPort(RedisProcess node) {
        String self = node.ask("CLUSTER NODES"); // …127.0.0.1:port@bus myself…
        return self.replaceAll("(?s).*@(\\d+).*", "$1");
    }

    private RedisProcess copyOf(RedisProcess primary) {
        RedisProcess copy = opened(RedisProcess.replicaOf(primary));
        await().atMost(PATIENCE).until(() -> copy.ask("INFO replication").contains("master_link_status:up"));
        return copy;
    }

    private RedisProcess sentinelOf(RedisProcess primary) {
        RedisProcess sentinel = opened(RedisProcess.sentinel("main", primary));
        await().atMost(PATIENCE)
                .until(() -> sentinel.ask("SENTINEL REPLICAS main").contains("127.0.0.1"));
        return sentinel;
    }

    private static void awaitCopied(RedisProcess primary, RedisProcess copy) {
        await().atMost(PATIENCE)
                .until(() -> field(primary, "master_repl_offset").equals(field(copy, "slave_repl_offset"))
                        && copy.ask("INFO persistence").contains("aof_rewrite_in_progress:0"));
    }

    private static String field(RedisProcess redis, String name) {
        return redis.ask("INFO replication").replaceAll("(?s).*" + name + ":(\\d+).*", "$1");
    }

    private static boolean register(Registry registry, String name) {
        return registry.register(Backend.of(name, "http://127.0.0.1:1/mcp", Backend.Source.API))
                        .block(PATIENCE)
                != null;
    }

    private static void awaitNames(Registry registry, String... names) {
        await().atMost(PATIENCE)
                .until(() -> List.copyOf(registry.snapshot().registrations().keySet())
                        .equals(List.of(names)));
    }
}
