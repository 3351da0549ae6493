package io.sluice.registry.redis;

import static java.util.Objects.requireNonNull;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.redis.FaultProxy.Mode;
import io.sluice.registry.redis.History.Kind;
import io.sluice.registry.redis.History.Operation;
import io.sluice.registry.redis.History.Outcome;
import io.sluice.seal.Keyring;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Three replicas whose clients change the registry for a while, as fast as they are answered, while Redis is killed and
 * frozen and the ways to it are cut, silenced and slowed, and replicas end without a word. What clients were told and
 * what replicas showed is judged by {@link HistoryCheck}.
 *
 * <p>{@code main} takes the time, as {@code PT30M}, and a seed.
 */
public final class FaultRun implements AutoCloseable {
    private static final int REPLICAS = 3;
    private static final int HOUR_SECONDS = 3600;
    private static final int CLIENTS_OF_EACH = 3;
    private static final int SHARED_KEYS = 8;
    private static final int MOST_OWN_KEYS = 20;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final RedisProcess redis = RedisProcess.durable();
    private final Keyring keyring = Keyring.random();
    private final History history = new History();
    private final List<Replica> replicas = new ArrayList<>();
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private final List<Long> recoveries = new ArrayList<>();
    private final List<Long> lags = new ArrayList<>();
    private final List<Thread> clients = new ArrayList<>();
    private final List<String> lost = new CopyOnWriteArrayList<>();
    private final AtomicInteger probes = new AtomicInteger();
    private final Path disk;
    private final Random random;
    private final long seed;
    private volatile boolean ending;

    /** What goes wrong. */
    enum Fault {
        KILL_REDIS,
        FREEZE_REDIS,
        CUT,
        SILENCE,
        NO_ANSWERS,
        DRAG,
        SET_CLOCK,
        KILL_REPLICA
    }

    /**
     * What came of it.
     *
     * @param recoveries milliseconds from the end of each fault until all replicas were alike again
     * @param lags milliseconds from an acknowledgement until all replicas showed the change, with no fault around
     */
    record Report(
            long acknowledged,
            long unknown,
            long refused,
            Map<Fault, Integer> faults,
            List<Long> recoveries,
            List<Long> lags,
            List<String> wrong) {
        static long percentile(List<Long> values, double share) {
            long[] sorted = values.stream().mapToLong(Long::longValue).sorted().toArray();
            return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1L, (long) (share * sorted.length))];
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d acknowledged, %d refused, %d of unknown outcome; %d lost, doubled or out of order%n"
                            + "faults: %s%n"
                            + "alike again after a fault: p50 %d ms, p99 %d ms, longest %d ms of %d%n"
                            + "shown by all replicas with no fault around: p50 %d ms, p99 %d ms, longest %d ms of %d",
                    acknowledged,
                    refused,
                    unknown,
                    wrong.size(),
                    faults,
                    percentile(recoveries, 0.5),
                    percentile(recoveries, 0.99),
                    percentile(recoveries, 1),
                    recoveries.size(),
                    percentile(lags, 0.5),
                    percentile(lags, 0.99),
                    percentile(lags, 1),
                    lags.size());
        }
    }

    FaultRun(long seed) throws IOException {
        this.seed = seed;
        this.random = new Random(seed);
        this.disk = Files.createTempDirectory("sluice-faults");
        for (int i = 0; i < REPLICAS; i++) {
            replicas.add(new Replica(i));
        }
    }

    public static void main(String[] arguments) throws IOException {
        Duration time = Duration.parse(arguments.length > 0 ? arguments[0] : "PT30M");
        long seed = arguments.length > 1 ? Long.parseLong(arguments[1]) : System.nanoTime();
        System.out.println("seed " + seed);
        Report report;
        try (FaultRun run = new FaultRun(seed)) {
            report = run.run(time);
        }
        System.out.println(report);
        report.wrong().forEach(System.out::println);
        System.exit(report.wrong().isEmpty() ? 0 : 1);
    }

    /** One replica, which may end and be started again on the same disk. For the thread of the run; clients read it. */
    private final class Replica {
        private final int number;
        private final FaultProxy way = new FaultProxy(redis.port());
        private volatile RedisRegistry registry;
        private RedisConnections connections;
        private Disposable watching;
        private int incarnation;

        Replica(int number) {
            this.number = number;
            start();
        }

        void start() {
            incarnation++;
            String name = "replica-" + number + "." + incarnation;
            RedisSettings settings = RedisSettings.of(way.url(), "faults");
            connections = RedisConnections.open(settings);
            registry = RedisRegistry.open(
                    connections,
                    keyring,
                    Replicas.quick().withSnapshot(disk.resolve("replica-" + number)),
                    script -> SettableClock.in(settings, script));
            RegistrySnapshot[] last = {RegistrySnapshot.EMPTY};
            watching = registry.snapshots().subscribe(now -> {
                history.saw(name, last[0], now);
                last[0] = now;
            });
        }

        /** Without a word: what it was doing is not finished. */
        void kill() {
            connections.close().block(PATIENCE);
            watching.dispose();
            registry.close().block(PATIENCE);
        }

        void close() {
            watching.dispose();
            registry.close().block(PATIENCE);
            connections.close().block(PATIENCE);
            way.close();
        }
    }

    Report run(Duration time) {
        replicas.forEach(replica -> Replicas.current(replica.registry));
        for (int i = 0; i < REPLICAS * CLIENTS_OF_EACH; i++) {
            Client client = new Client(i, replicas.get(i % REPLICAS), new Random(seed + i + 1));
            Thread thread = new Thread(client::work, "client-" + i);
            thread.start();
            clients.add(thread);
        }
        long end = System.nanoTime() + time.toNanos();
        List<Fault> deck = new ArrayList<>();
        while (System.nanoTime() < end) {
            if (deck.isEmpty()) {
                deck.addAll(List.of(Fault.values()));
                // a cut is over at once: three of them, so that half an hour has its 200 beside 50 of the others
                deck.addAll(List.of(Fault.CUT, Fault.CUT));
            }
            Fault fault = deck.remove(random.nextInt(deck.size()));
            faults.merge(fault, 1, Integer::sum);
            strike(fault);
            long healed = System.nanoTime();
            probe(60_000);
            recoveries.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - healed));
            for (int i = 0; i < 10; i++) {
                pause(20 + random.nextInt(40));
                lags.add(probe(60_000));
            }
        }
        ending = true;
        clients.forEach(FaultRun::join);
        List<String> wrong = new ArrayList<>(lost);
        List<RedisRegistry> all =
                replicas.stream().map(replica -> replica.registry).toList();
        if (!converged(all, PATIENCE)) {
            wrong.add("the replicas are not alike at the end");
        }
        wrong.addAll(HistoryCheck.all(history, all.get(0).snapshot()));
        List<Operation> operations = history.operations();
        return new Report(
                history.acknowledged(),
                operations.stream()
                        .filter(each -> each.outcome() == Outcome.UNKNOWN)
                        .count(),
                operations.stream()
                        .filter(each -> each.outcome() == Outcome.FAILED)
                        .count(),
                faults,
                recoveries,
                lags,
                wrong);
    }

    /** Whether all serve the same within that time. For a registry at rest. */
    static boolean converged(List<RedisRegistry> registries, Duration within) {
        long end = System.nanoTime() + within.toNanos();
        while (System.nanoTime() < end) {
            long alike =
                    registries.stream().map(RedisRegistry::snapshot).distinct().count();
            if (alike == 1) {
                return true;
            }
            pause(10);
        }
        return false;
    }

    private void strike(Fault fault) {
        Replica victim = replicas.get(random.nextInt(REPLICAS));
        int hold = 200 + random.nextInt(1_300);
        switch (fault) {
            case KILL_REDIS -> {
                redis.kill();
                pause(hold);
                redis.start();
            }
            case FREEZE_REDIS -> {
                redis.freeze();
                pause(hold);
                redis.thaw();
            }
            case CUT -> replicas.forEach(replica -> replica.way.cut());
            case SILENCE -> through(victim, Mode.SILENT, hold);
            case NO_ANSWERS -> through(victim, Mode.NO_ANSWERS, hold);
            case DRAG -> through(victim, Mode.DRAG, hold);
            case SET_CLOCK ->
                redis.ask("SET " + SettableClock.key(RedisSettings.of(redis.url(), "faults")) + " "
                        + (random.nextInt(3) - 1) * HOUR_SECONDS);
            case KILL_REPLICA -> {
                victim.kill();
                pause(hold / 4);
                victim.start();
            }
            default -> throw new IllegalStateException();
        }
    }

    private static void through(Replica victim, Mode mode, int hold) {
        victim.way.turn(mode);
        pause(hold);
        victim.way.turn(Mode.PASS);
    }

    /** Makes a change at one replica and waits until all show it; milliseconds between the two. */
    private long probe(long patienceMillis) {
        RawJson body = RawJson.of("\"probe-" + probes.incrementAndGet() + "\"");
        long giveUp = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        while (System.nanoTime() < giveUp) {
            Replica speaker = replicas.get(random.nextInt(REPLICAS));
            try {
                long revision = requireNonNull(speaker.registry
                                .put(RecordKind.CLIENT, "probe", body, Change.any())
                                .block(PATIENCE))
                        .revision();
                long acknowledged = System.nanoTime();
                while (System.nanoTime() < giveUp) {
                    if (replicas.stream()
                            .allMatch(each -> each.registry.snapshot().revision() >= revision)) {
                        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - acknowledged);
                    }
                    LockSupport.parkNanos(200_000);
                }
            } catch (RuntimeException e) {
                pause(5);
            }
        }
        throw new IllegalStateException("the replicas were not alike again within " + patienceMillis + " ms");
    }

    /** Changes the registry through one replica, one change after the other. */
    private final class Client {
        private final int number;
        private final Replica replica;
        private final Random random;
        private final Deque<String> own = new ArrayDeque<>();
        private int asked;
        private Fence held = new Fence("job", 0);

        Client(int number, Replica replica, Random random) {
            this.number = number;
            this.replica = replica;
            this.random = random;
        }

        void work() {
            while (!ending) {
                RedisRegistry registry = replica.registry;
                int what = random.nextInt(10);
                if (what < 3 && own.size() < MOST_OWN_KEYS) {
                    create(registry);
                } else if (what < 5 && own.size() > 2) {
                    delete(registry);
                } else if (what < 9) {
                    change(registry);
                } else {
                    lead(registry);
                }
            }
        }

        private String next() {
            return "\"" + number + "." + ++asked + "\"";
        }

        private void create(RedisRegistry registry) {
            String value = next();
            String key = "own-" + number + "-" + asked;
            Outcome outcome = put(registry, RecordKind.PROFILE, key, value, Change.any(), -1, 0);
            if (outcome == Outcome.OK) {
                own.add(key);
            }
        }

        private void delete(RedisRegistry registry) {
            String key = own.remove();
            Outcome outcome = Outcome.OK;
            try {
                Boolean there =
                        registry.delete(RecordKind.PROFILE, key, Change.any()).block(PATIENCE);
                if (!Boolean.TRUE.equals(there)) {
                    lost.add("lost before it was deleted: " + key);
                }
            } catch (RuntimeException e) {
                outcome = History.outcome(e);
            }
            history.add(new Operation(Kind.DELETE, key, next(), -1, "", 0, outcome, 0));
        }

        private void change(RedisRegistry registry) {
            String key = "shared-" + random.nextInt(SHARED_KEYS);
            SharedRecord there = registry.snapshot().records(RecordKind.NAME).get(key);
            long expected = there == null ? 0 : there.revision();
            put(registry, RecordKind.NAME, key, next(), Change.expecting(expected), expected, 0);
        }

        private void lead(RedisRegistry registry) {
            try {
                Fence fence = registry.lead("job", Duration.ofMillis(300)).block(PATIENCE);
                if (fence != null) {
                    held = fence;
                }
            } catch (RuntimeException e) {
                // goes on with what it held, as a sleeper would
            }
            if (held.token() > 0) {
                put(registry, RecordKind.CLIENT, "led", next(), Change.any().fencedBy(held), -1, held.token());
            }
        }

        private Outcome put(
                RedisRegistry registry,
                RecordKind kind,
                String key,
                String value,
                Change change,
                long expected,
                long token) {
            Outcome outcome = Outcome.OK;
            long revision = 0;
            try {
                Mono<SharedRecord> asking = registry.put(kind, key, RawJson.of(value), change);
                revision = requireNonNull(asking.block(PATIENCE)).revision();
            } catch (RuntimeException e) {
                outcome = History.outcome(e);
            }
            history.add(new Operation(
                    Kind.PUT, key, value, expected, "replica-" + replica.number, token, outcome, revision));
            return outcome;
        }
    }

    private static void pause(long millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    private static void join(Thread thread) {
        try {
            thread.join(60_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        ending = true;
        clients.forEach(FaultRun::join);
        replicas.forEach(Replica::close);
        redis.close();
    }
}
