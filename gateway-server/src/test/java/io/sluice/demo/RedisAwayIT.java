package io.sluice.demo;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.registry.redis.RedisProcess;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two replicas whose Redis is frozen and killed under load, and one of them stopped and started again while it is gone:
 * agents of both eras go on as before, with the backend of the configuration and with one that only the shared registry
 * knows. {@code -Dsluice.phaseSeconds=100} is the long form; {@code -Dsluice.agents} and {@code -Dsluice.pauseMillis} say
 * how much load.
 */
final class RedisAwayIT {
    private static final int PHASE_SECONDS = Integer.getInteger("sluice.phaseSeconds", 1);
    private static final int AGENTS = Integer.getInteger("sluice.agents", 6);
    private static final int PAUSE_MILLIS = Integer.getInteger("sluice.pauseMillis", 10);
    private static final int NEW_SESSION_EVERY = 50;
    private static final double SHARE = 0.9999;
    private static final Duration STOPPED = Duration.ofSeconds(60);
    private static final Duration HEAL = Duration.ofSeconds(10);
    private static final String TOKEN = "a-token-of-some-21-letters";

    /** What happens to Redis, or to the second replica, while calls are counted. */
    private enum Phase {
        HEALTHY,
        FROZEN,
        THAWED,
        DEAD,
        DEAD_AND_A_REPLICA_STARTS,
        BACK
    }

    @TempDir
    private Path folder;

    private final DemoHttp http = new DemoHttp();
    private ReplicaProcesses processes;
    private final List<URI> open = new CopyOnWriteArrayList<>();
    private final AtomicBoolean over = new AtomicBoolean();
    private final Map<Phase, Queue<Long>> nanos = new HashMap<>();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private volatile Phase phase = Phase.HEALTHY;

    @BeforeEach
    void prepare() {
        processes = new ReplicaProcesses(folder, http);
    }

    @Test
    void callsGoOnWhileRedisIsFrozenDeadAndBackAgain() throws Exception {
        for (Phase each : Phase.values()) {
            nanos.put(each, new ConcurrentLinkedQueue<>());
        }
        try (RedisProcess redis = RedisProcess.durable();
                CountingBackend counting = CountingBackend.start();
                SampleBackend user = SampleBackend.start(SampleService.USER, "127.0.0.1", 0, TOKEN)) {
            List<Replica> replicas = replicas(redis, user);
            register(replicas.get(0), "counting", counting.url());
            for (Replica replica : replicas) {
                awaitTool(replica, "counting__count");
                open.add(mcp(replica));
            }
            CountDownLatch ended = load();
            pass(Phase.HEALTHY);
            redis.freeze();
            pass(Phase.FROZEN);
            redis.thaw();
            pass(Phase.THAWED);
            redis.kill();
            pass(Phase.DEAD);
            phase = Phase.DEAD_AND_A_REPLICA_STARTS;
            Duration start = restart(replicas.get(1));
            pass(Phase.DEAD_AND_A_REPLICA_STARTS);
            redis.start();
            pass(Phase.BACK);
            over.set(true);
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
            Duration heal = register(replicas.get(1), "late", counting.url());
            report(start, heal);
        } finally {
            processes.close();
        }
        long calls = nanos.values().stream().mapToLong(Queue::size).sum();
        assertThat(nanos.values()).noneMatch(Queue::isEmpty);
        assertThat(faults.size())
                .as(
                        "failed calls beside %d good ones: %s",
                        calls, faults.stream().limit(10).toList())
                .isLessThanOrEqualTo((int) (calls * (1 - SHARE)));
    }

    private List<Replica> replicas(RedisProcess redis, SampleBackend user) throws Exception {
        String key = ReplicaProcesses.newKey();
        Path config = Replica.config(folder, """
                {"mcpServers": {
                  "user": {"url": "http://127.0.0.1:%d/mcp", "headers": {"Authorization": "Bearer ${USER_TOKEN}"}}
                }}
                """.formatted(user.port()));
        return processes.start(
                2,
                config,
                number -> Map.of(
                        "MCP_BEARER_TOKEN",
                        TOKEN,
                        "USER_TOKEN",
                        TOKEN,
                        "REDIS_URL",
                        redis.url(),
                        "SLUICE_REDIS_SNAPSHOT",
                        folder.resolve("known-" + number).toString(),
                        "SLUICE_SECRET_KEY",
                        key,
                        "SLUICE_SERVER_DRAIN_DELAY",
                        "0s"));
    }

    private static URI at(Replica replica, String path) {
        return URI.create("http://127.0.0.1:" + replica.port() + path);
    }

    private static URI mcp(Replica replica) {
        return at(replica, "/mcp");
    }

    /** How long it takes until the registry takes the change. */
    private Duration register(Replica replica, String name, String url) throws Exception {
        long begun = System.nanoTime();
        HttpRequest request = HttpRequest.newBuilder(at(replica, "/register"))
                .header("Authorization", "Bearer " + TOKEN)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"name\":\"" + name + "\",\"url\":\"" + url + "\"}"))
                .build();
        while (true) {
            HttpResponse<String> answer = http.send(request, HEAL);
            if (answer.statusCode() == 201) {
                return Duration.ofNanos(System.nanoTime() - begun);
            }
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(HEAL);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private void awaitTool(Replica replica, String tool) throws Exception {
        long end = System.nanoTime() + HEAL.toNanos();
        while (true) {
            try {
                new DemoClient.Modern(http, mcp(replica), TOKEN).call(tool, "1");
                return;
            } catch (DemoFailure notYet) {
                if (System.nanoTime() > end) {
                    throw notYet;
                }
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
            }
        }
    }

    /** Stops it after the balancing agents have been told, and starts it from what it kept on disk. */
    private Duration restart(Replica replica) throws Exception {
        open.remove(mcp(replica));
        replica.now().terminate();
        assertThat(replica.now().awaitEnd(STOPPED)).isTrue();
        long begun = System.nanoTime();
        replica.start();
        replica.awaitReady(http);
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        awaitTool(replica, "counting__count");
        open.add(mcp(replica));
        return took;
    }

    private void pass(Phase next) {
        phase = next;
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(PHASE_SECONDS)); // the length of what is watched
    }

    private CountDownLatch load() {
        CountDownLatch ended = new CountDownLatch(AGENTS);
        for (int i = 0; i < AGENTS; i++) {
            int number = i;
            Thread agent = new Thread(
                    () -> {
                        try {
                            work(number);
                        } finally {
                            ended.countDown();
                        }
                    },
                    "agent-" + i);
            agent.setDaemon(true);
            agent.start();
        }
        return ended;
    }

    /** Calls a tool of either backend, at one replica after the other; every other agent is a legacy one with a session. */
    private void work(int number) {
        boolean modern = number % 2 == 0;
        Map<URI, DemoClient> clients = new HashMap<>();
        for (int i = 0; !over.get(); i++) {
            URI replica = open.get(i % open.size());
            if (i % NEW_SESSION_EVERY == NEW_SESSION_EVERY - 1) {
                clients.clear();
            }
            boolean shared = i / 2 % 2 == 0;
            Phase now = phase;
            long begun = System.nanoTime();
            try {
                DemoClient client = clients.get(replica);
                if (client == null) {
                    client = modern
                            ? new DemoClient.Modern(http, replica, TOKEN)
                            : new DemoClient.Legacy(http, replica, TOKEN);
                    client.greet();
                    clients.put(replica, client);
                    begun = System.nanoTime();
                }
                String said = shared
                        ? client.call("counting__count", "1")
                        : client.call("user__" + SampleService.USER.tool().name(), "456");
                if (!shared && !said.contains("Ada")) {
                    faults.add(now + ": another answer: " + said);
                }
                requireNonNull(nanos.get(now)).add(System.nanoTime() - begun);
            } catch (DemoFailure failed) {
                faults.add(now + ", " + (modern ? "modern" : "legacy") + ", " + (shared ? "shared" : "configured")
                        + ": " + failed.getMessage());
                clients.remove(replica);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS)); // the pace of the load
        }
    }

    private void report(Duration start, Duration heal) {
        System.out.printf(
                "RedisAwayIT: %d s in each phase, %d agents, %d failed calls; a replica was ready %d ms after its start"
                        + " without Redis, changes were taken %d ms after the load%n",
                PHASE_SECONDS, AGENTS, faults.size(), start.toMillis(), heal.toMillis());
        for (Phase each : Phase.values()) {
            List<Long> sorted =
                    requireNonNull(nanos.get(each)).stream().sorted().toList();
            System.out.printf(
                    "RedisAwayIT: %-26s %7d calls, p50 %.2f ms, p99 %.2f ms%n",
                    each, sorted.size(), millis(sorted, 0.50), millis(sorted, 0.99));
        }
    }

    private static double millis(List<Long> sorted, double share) {
        return sorted.isEmpty() ? 0 : Math.round(sorted.get((int) (share * (sorted.size() - 1))) / 1e4) / 100.0;
    }
}
