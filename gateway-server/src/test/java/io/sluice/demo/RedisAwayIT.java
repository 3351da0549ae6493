package io.sluice.demo;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.registry.redis.RedisProcess;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two replicas whose Redis is frozen and killed under load, and one of them stopped and started again while it is gone:
 * agents of both eras go on as before, with the backend of the configuration and with one that only the shared registry
 * knows. {@code -Dsluice.phaseSeconds=100} is the long form; {@code -Dsluice.agents} and {@code -Dsluice.pauseMillis} say
 * how much load.
 *
 * <p>{@code -Dsluice.control=true} starts the same once more with a Redis that stays well, on the same machine at the same
 * time, its second replica started again at the same moment. Agents call both in turns, so that whatever else the
 * machine does slows both alike, and the difference is Redis'.
 */
final class RedisAwayIT {
    private static final int PHASE_SECONDS = Integer.getInteger("sluice.phaseSeconds", 1);
    private static final int AGENTS = Integer.getInteger("sluice.agents", 6);
    private static final int PAUSE_MILLIS = Integer.getInteger("sluice.pauseMillis", 10);
    private static final boolean CONTROL = Boolean.getBoolean("sluice.control");
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
    private final List<ReplicaProcesses> processes = new ArrayList<>();
    private final AtomicBoolean over = new AtomicBoolean();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private volatile Phase phase = Phase.HEALTHY;

    @AfterEach
    void close() {
        processes.forEach(ReplicaProcesses::close);
    }

    @Test
    void callsGoOnWhileRedisIsFrozenDeadAndBackAgain() throws Exception {
        List<Pair> pairs = new ArrayList<>();
        try (RedisProcess redis = RedisProcess.durable();
                RedisProcess well = CONTROL ? RedisProcess.durable() : redis;
                CountingBackend counting = CountingBackend.start();
                SampleBackend user = SampleBackend.start(SampleService.USER, "127.0.0.1", 0, TOKEN)) {
            Pair subject = new Pair("", redis, counting, user);
            pairs.add(subject);
            if (CONTROL) {
                pairs.add(new Pair("control", well, counting, user));
            }
            CountDownLatch ended = load(pairs);
            pass(Phase.HEALTHY);
            redis.freeze();
            pass(Phase.FROZEN);
            redis.thaw();
            pass(Phase.THAWED);
            redis.kill();
            pass(Phase.DEAD);
            phase = Phase.DEAD_AND_A_REPLICA_STARTS;
            Duration start = restart(pairs);
            pass(Phase.DEAD_AND_A_REPLICA_STARTS);
            redis.start();
            pass(Phase.BACK);
            over.set(true);
            assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
            Duration heal = subject.register("late", counting.url());
            report(pairs, start, heal);
        }
        long calls = pairs.stream().mapToLong(Pair::calls).sum();
        assertThat(pairs).allSatisfy(pair -> assertThat(pair.nanos.values()).noneMatch(Queue::isEmpty));
        assertThat(faults.size())
                .as(
                        "failed calls beside %d good ones: %s",
                        calls, faults.stream().limit(10).toList())
                .isLessThanOrEqualTo((int) (calls * (1 - SHARE)));
        if (CONTROL) {
            assertThat(slower(pairs)).isEmpty();
        }
    }

    /** The replicas of one gateway, and how long calls through them took. */
    private final class Pair {
        private final String name;
        private final List<Replica> replicas;
        private final List<URI> open = new CopyOnWriteArrayList<>();
        private final Map<Phase, Queue<Long>> nanos = new EnumMap<>(Phase.class);

        Pair(String name, RedisProcess redis, CountingBackend counting, SampleBackend user) throws Exception {
            this.name = name;
            for (Phase each : Phase.values()) {
                nanos.put(each, new ConcurrentLinkedQueue<>());
            }
            String key = ReplicaProcesses.newKey();
            Path own = Files.createDirectories(folder.resolve("pair" + name));
            ReplicaProcesses started = new ReplicaProcesses(own, http);
            processes.add(started);
            Path config = Replica.config(own, """
                    {"mcpServers": {
                      "user": {"url": "http://127.0.0.1:%d/mcp", "headers": {"Authorization": "Bearer ${USER_TOKEN}"}}
                    }}
                    """.formatted(user.port()));
            replicas = started.start(
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
                            own.resolve("known-" + number).toString(),
                            "SLUICE_SECRET_KEY",
                            key,
                            "SLUICE_SERVER_DRAIN_DELAY",
                            "0s"));
            register("counting", counting.url());
            for (Replica replica : replicas) {
                awaitTool(replica, "counting__count");
                open.add(mcp(replica));
            }
        }

        long calls() {
            return nanos.values().stream().mapToLong(Queue::size).sum();
        }

        void took(Phase when, long time) {
            requireNonNull(nanos.get(when)).add(time);
        }

        List<Long> sorted(Phase when) {
            return requireNonNull(nanos.get(when)).stream().sorted().toList();
        }

        /** How long it takes until the registry takes the change. */
        Duration register(String backend, String url) throws Exception {
            Replica replica = replicas.get(backend.equals("late") ? 1 : 0);
            long begun = System.nanoTime();
            HttpRequest request = HttpRequest.newBuilder(at(replica, "/register"))
                    .header("Authorization", "Bearer " + TOKEN)
                    .header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString("{\"name\":\"" + backend + "\",\"url\":\"" + url + "\"}"))
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
    }

    private static URI at(Replica replica, String path) {
        return URI.create("http://127.0.0.1:" + replica.port() + path);
    }

    private static URI mcp(Replica replica) {
        return at(replica, "/mcp");
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

    /** Stops the second of each after the balancing agents have been told, and starts it from what it kept on disk. */
    private Duration restart(List<Pair> pairs) throws Exception {
        for (Pair pair : pairs) {
            Replica second = pair.replicas.get(1);
            pair.open.remove(mcp(second));
            second.now().terminate();
        }
        for (Pair pair : pairs) {
            assertThat(pair.replicas.get(1).now().awaitEnd(STOPPED)).isTrue();
        }
        long begun = System.nanoTime();
        for (Pair pair : pairs) {
            pair.replicas.get(1).start();
        }
        Duration took = Duration.ZERO;
        for (Pair pair : pairs) {
            pair.replicas.get(1).awaitReady(http);
            took = pair.name.isEmpty() ? Duration.ofNanos(System.nanoTime() - begun) : took;
        }
        for (Pair pair : pairs) {
            awaitTool(pair.replicas.get(1), "counting__count");
        }
        pairs.forEach(pair -> pair.open.add(mcp(pair.replicas.get(1))));
        return took;
    }

    private void pass(Phase next) {
        phase = next;
        LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(PHASE_SECONDS)); // the length of what is watched
    }

    private CountDownLatch load(List<Pair> pairs) {
        CountDownLatch ended = new CountDownLatch(AGENTS);
        for (int i = 0; i < AGENTS; i++) {
            int number = i;
            Thread agent = new Thread(
                    () -> {
                        try {
                            work(number, pairs);
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

    /**
     * Calls a tool of either backend, of one pair after the other, at one replica of it after the other; every other
     * agent is a legacy one with a session.
     */
    private void work(int number, List<Pair> pairs) {
        boolean modern = number % 2 == 0;
        Map<URI, DemoClient> clients = new HashMap<>();
        for (int i = 0; !over.get(); i++) {
            if (i % NEW_SESSION_EVERY == NEW_SESSION_EVERY - 1) {
                clients.clear();
            }
            for (int j = 0; j < pairs.size(); j++) {
                // which of them goes first changes, as the first after a pause is slower
                Pair pair = pairs.get((i + j) % pairs.size());
                call(pair, pair.open.get(i / 2 % pair.open.size()), modern, i / 4 % 2 == 0, clients);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS)); // the pace of the load
        }
    }

    private void call(Pair pair, URI replica, boolean modern, boolean shared, Map<URI, DemoClient> clients) {
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
            pair.took(now, System.nanoTime() - begun);
        } catch (DemoFailure failed) {
            faults.add(pair.name + now + ", " + (modern ? "modern" : "legacy") + ", "
                    + (shared ? "shared" : "configured") + ": " + failed.getMessage());
            clients.remove(replica);
        }
    }

    /**
     * The phases with an ailing Redis, or after it, in which the p99 is higher than the control's by more than a
     * millisecond and more than a tenth, and by more than chance explains: three standard deviations of the rank, of each.
     */
    private static List<String> slower(List<Pair> pairs) {
        List<String> slower = new ArrayList<>();
        for (Phase each : EnumSet.range(Phase.FROZEN, Phase.BACK)) {
            List<Long> subject = pairs.get(0).sorted(each);
            List<Long> control = pairs.get(1).sorted(each);
            double most = millis(control, 0.99 + chance(control));
            if (millis(subject, 0.99 - chance(subject)) - most > Math.max(1, most / 10)) {
                slower.add("%s: p99 %.2f ms, control %.2f ms"
                        .formatted(each, millis(subject, 0.99), millis(control, 0.99)));
            }
        }
        return slower;
    }

    private static double chance(List<Long> values) {
        return Math.min(0.01, 3 * Math.sqrt(0.99 * 0.01 / values.size()));
    }

    private void report(List<Pair> pairs, Duration start, Duration heal) {
        System.out.printf(
                "RedisAwayIT: %d s in each phase, %d agents, %d failed calls; a replica was ready %d ms after its start"
                        + " without Redis, changes were taken %d ms after the load%n",
                PHASE_SECONDS, AGENTS, faults.size(), start.toMillis(), heal.toMillis());
        for (Phase each : Phase.values()) {
            for (Pair pair : pairs) {
                List<Long> sorted = pair.sorted(each);
                System.out.printf(
                        "RedisAwayIT: %-26s %-8s %7d calls, p50 %.2f ms, p99 %.2f ms%n",
                        each, pair.name, sorted.size(), millis(sorted, 0.50), millis(sorted, 0.99));
            }
        }
    }

    private static double millis(List<Long> sorted, double share) {
        return sorted.isEmpty() ? 0 : Math.round(sorted.get((int) (share * (sorted.size() - 1))) / 1e4) / 100.0;
    }
}
