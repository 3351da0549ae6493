package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.registry.redis.TestRedis;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three replicas on one Redis behind a balancer without stickiness, stopped and started again one after the other under
 * load, as a rolling update does. Agents count: a call that fails, a stream that loses, doubles or does not end, and a
 * session whose backend has counted otherwise are faults. {@code -Dsluice.rounds=60}, which replaces each replica twenty
 * times, is the long form; {@code -Dsluice.calls} goes on until there were so many calls, {@code -Dsluice.agents} and {@code
 * -Dsluice.pauseMillis} say how much load.
 */
final class RollingRestartIT {
    private static final int REPLICAS = 3;
    private static final int ROUNDS = Integer.getInteger("sluice.rounds", 1);
    private static final int CALLS = Integer.getInteger("sluice.calls", 0);
    private static final int AGENTS = Integer.getInteger("sluice.agents", 6);
    private static final int PAUSE_MILLIS = Integer.getInteger("sluice.pauseMillis", 20);
    private static final int STREAM_EVERY = 20;
    private static final Duration STOPPED = Duration.ofSeconds(60);
    private static final String TOKEN = "a-token-of-some-21-letters";

    @TempDir
    private Path folder;

    private final DemoHttp http = new DemoHttp();
    private ReplicaProcesses processes;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong streams = new AtomicLong();
    private final AtomicLong resumptions = new AtomicLong();
    private final Queue<Long> nanos = new ConcurrentLinkedQueue<>();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private int rounds;

    @BeforeEach
    void prepare() {
        processes = new ReplicaProcesses(folder, http);
    }

    @Test
    void noCallFailsAndNoStreamIsCutWhileReplicasAreReplaced() throws Exception {
        try (CountingBackend counting = CountingBackend.start();
                SampleBackend user = SampleBackend.start(SampleService.USER, "127.0.0.1", 0, TOKEN)) {
            List<Replica> replicas = replicas(counting, user);
            try (DemoBalancer balancer =
                    DemoBalancer.start(0, replicas.stream().map(Replica::port).toList())) {
                long begun = System.nanoTime();
                CountDownLatch ended = load(URI.create("http://127.0.0.1:" + balancer.port() + "/mcp"));
                for (; rounds < ROUNDS || calls.get() < CALLS; rounds++) {
                    Replica next = replicas.get(rounds % REPLICAS);
                    next.now().terminate();
                    assertThat(next.now().awaitEnd(STOPPED))
                            .as("%s has ended", next)
                            .isTrue();
                    assertThat(next.now().exitCode())
                            .as("exit code of %s", next)
                            .isZero();
                    next.start();
                    next.awaitReady(http);
                }
                over.set(true);
                assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
                report(Duration.ofNanos(System.nanoTime() - begun));
            }
        } finally {
            processes.close();
        }
        assertThat(faults.stream().limit(10)).isEmpty();
        assertThat(calls.get()).isPositive();
        assertThat(streams.get()).isPositive();
    }

    private List<Replica> replicas(CountingBackend counting, SampleBackend user) throws Exception {
        String key = ReplicaProcesses.newKey();
        Map<String, String> environment = Map.of(
                "MCP_BEARER_TOKEN",
                TOKEN,
                "USER_TOKEN",
                TOKEN,
                "REDIS_URL",
                TestRedis.url(),
                "SLUICE_REDIS_CLUSTER",
                TestRedis.newCluster(),
                "SLUICE_SECRET_KEY",
                key,
                "SLUICE_SERVER_DRAIN_DELAY",
                "500ms");
        Path config = Replica.config(folder, """
                {"mcpServers": {
                  "counting": {"url": "%s"},
                  "user": {"url": "http://127.0.0.1:%d/mcp", "headers": {"Authorization": "Bearer ${USER_TOKEN}"}}
                }}
                """.formatted(counting.url(), user.port()));
        return processes.start(REPLICAS, config, number -> environment);
    }

    /** Agents until it is over; most are legacy ones with a session, every third is modern. */
    private CountDownLatch load(URI endpoint) {
        CountDownLatch ended = new CountDownLatch(AGENTS);
        for (int i = 0; i < AGENTS; i++) {
            boolean modern = i % 3 == 2;
            Thread agent = new Thread(
                    () -> {
                        try {
                            if (modern) {
                                modern(endpoint);
                            } else {
                                legacy(endpoint);
                            }
                        } catch (DemoFailure | RuntimeException e) {
                            faults.add("an agent gave up: " + e);
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

    private void modern(URI endpoint) throws DemoFailure {
        DemoClient client = new DemoClient.Modern(http, endpoint, TOKEN);
        client.greet();
        while (!over.get()) {
            timed("a modern call", () -> {
                if (!client.call(SampleService.USER.tool().name(), "456").contains("Ada")) {
                    faults.add("a modern call had another answer");
                }
            });
        }
    }

    private void legacy(URI endpoint) throws DemoFailure {
        ReplicaAgent agent = new ReplicaAgent(endpoint, TOKEN);
        agent.initialize();
        int expected = 0;
        while (!over.get()) {
            int now = ++expected;
            timed("a call", () -> {
                String counted = agent.tool("count");
                if (!counted.equals(Integer.toString(now))) {
                    faults.add("the backend counted " + counted + " instead of " + now);
                }
            });
            if (expected % STREAM_EVERY == 0) {
                stream(agent);
            }
        }
        agent.leave();
    }

    private void stream(ReplicaAgent agent) {
        streams.incrementAndGet();
        try {
            ReplicaAgent.Counted counted = agent.count("countSlowly", 20, 25, number -> {});
            resumptions.addAndGet(counted.resumptions());
            if (!counted.numbers().equals(IntStream.rangeClosed(1, 20).boxed().toList())) {
                faults.add("a stream said " + counted.numbers());
            }
        } catch (DemoFailure cut) {
            faults.add("a stream was cut: " + cut.getMessage());
        }
    }

    private interface Act {
        void run() throws DemoFailure;
    }

    private void timed(String what, Act call) {
        long begun = System.nanoTime();
        calls.incrementAndGet();
        try {
            call.run();
            nanos.add(System.nanoTime() - begun);
        } catch (DemoFailure failed) {
            faults.add(what + " failed: " + failed.getMessage());
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS)); // the pace of the load
    }

    private void report(Duration took) {
        List<Long> sorted = nanos.stream().sorted().toList();
        System.out.printf(
                "%d rounds over %d replicas in %d s: %s calls, %s streams of 20 messages, %s resumed, %d faults;"
                        + " p50 %.2f ms, p99 %.2f ms%n",
                rounds,
                REPLICAS,
                took.toSeconds(),
                calls,
                streams,
                resumptions,
                faults.size(),
                millis(sorted, 0.50),
                millis(sorted, 0.99));
    }

    private static double millis(List<Long> sorted, double share) {
        return sorted.isEmpty() ? 0 : Math.round(sorted.get((int) (share * (sorted.size() - 1))) / 1e4) / 100.0;
    }
}
