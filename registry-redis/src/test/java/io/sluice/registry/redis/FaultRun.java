package io.sluice.registry.redis;

import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.redis.FaultProxy.Mode;
import io.sluice.registry.redis.FaultWire.Answer;
import io.sluice.registry.redis.FaultWire.Wish;
import io.sluice.registry.redis.History.Operation;
import io.sluice.registry.redis.History.Outcome;
import io.sluice.seal.Keyring;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Three replicas, each a process, whose clients change the registry for a while, as fast as they are answered, while
 * Redis and replicas are killed and frozen, clocks are set, and the ways to Redis are cut, silenced and slowed. What
 * clients were told and what replicas showed is judged by {@link HistoryCheck}.
 *
 * <p>{@code main} takes the time, as {@code PT30M}, and a seed. It gives replicas clocks that are hours apart if there is
 * a {@code faketime} on the PATH, and wants them to be alike as fast as docs/reliability.md promises.
 */
public final class FaultRun implements AutoCloseable {
    private static final int REPLICAS = 3;
    private static final int HOUR_SECONDS = 3600;
    private static final int CLIENTS_OF_EACH = 3;
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long LONGEST_HEALTHY_MILLIS = 500;
    private static final long LONGEST_HEALED_MILLIS = 5_000;

    static final String CLUSTER = "faults";

    /** The job that clients lead in turns. */
    static final String JOB = "job";

    private final RedisProcess redis = RedisProcess.durable();
    private final History history = new History();
    private final List<ReplicaProcess> replicas = new ArrayList<>();
    private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
    private final List<Long> recoveries = new ArrayList<>();
    private final List<Long> lags = new ArrayList<>();
    private final List<Thread> clients = new ArrayList<>();
    private final List<String> lost = new CopyOnWriteArrayList<>();
    private final AtomicInteger probes = new AtomicInteger();
    private final List<FaultClock> clocks;
    private final Path disk;
    private final Random random;
    private final long seed;
    private volatile boolean ending;
    private boolean clean;

    /** What goes wrong. */
    enum Fault {
        KILL_REDIS,
        FREEZE_REDIS,
        CUT,
        SILENCE,
        NO_ANSWERS,
        DRAG,
        HALVE,
        SET_CLOCK,
        KILL_REPLICA,
        FREEZE_REPLICA
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
            List<FaultClock> clocks,
            List<Long> recoveries,
            List<Long> lags,
            List<String> wrong) {
        static long percentile(List<Long> values, double share) {
            long[] sorted = values.stream().mapToLong(Long::longValue).sorted().toArray();
            return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1L, (long) (share * sorted.length))];
        }

        /** What took longer than it may, in sentences. */
        List<String> slow() {
            List<String> slow = new ArrayList<>();
            if (percentile(recoveries, 0.99) > LONGEST_HEALED_MILLIS) {
                slow.add("alike again after a fault: p99 above " + LONGEST_HEALED_MILLIS + " ms");
            }
            if (percentile(lags, 0.99) > LONGEST_HEALTHY_MILLIS) {
                slow.add("shown by all replicas: p99 above " + LONGEST_HEALTHY_MILLIS + " ms");
            }
            return slow;
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d acknowledged, %d refused, %d of unknown outcome; %d lost, doubled or out of order%n"
                            + "faults: %s; clocks of the replicas: %s%n"
                            + "alike again after a fault: p50 %d ms, p99 %d ms, longest %d ms of %d%n"
                            + "shown by all replicas with no fault around: p50 %d ms, p99 %d ms, longest %d ms of %d",
                    acknowledged,
                    refused,
                    unknown,
                    wrong.size(),
                    faults,
                    clocks,
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

    FaultRun(long seed, List<FaultClock> clocks) throws IOException {
        this.seed = seed;
        this.clocks = clocks;
        this.random = new Random(seed);
        this.disk = Files.createTempDirectory("sluice-faults");
        byte[] key = new byte[Keyring.KEY_BYTES];
        new SecureRandom().nextBytes(key);
        for (int i = 0; i < REPLICAS; i++) {
            replicas.add(
                    new ReplicaProcess(i, redis.port(), disk, HexFormat.of().formatHex(key), clocks.get(i), history));
        }
        replicas.forEach(ReplicaProcess::launch);
        replicas.forEach(ReplicaProcess::meet);
    }

    public static void main(String[] arguments) throws IOException {
        Duration time = Duration.parse(arguments.length > 0 ? arguments[0] : "PT30M");
        long seed = arguments.length > 1 ? Long.parseLong(arguments[1]) : System.nanoTime();
        System.out.println("seed " + seed);
        Report report;
        try (FaultRun run = new FaultRun(seed, FaultClock.apart())) {
            report = run.run(time);
        }
        System.out.println(report);
        report.wrong().forEach(System.out::println);
        report.slow().forEach(System.out::println);
        System.exit(report.wrong().isEmpty() && report.slow().isEmpty() ? 0 : 1);
    }

    Report run(Duration time) throws IOException {
        probe(60_000);
        for (int i = 0; i < REPLICAS * CLIENTS_OF_EACH; i++) {
            FaultClient client =
                    new FaultClient(i, replicas.get(i % REPLICAS), new Random(seed + i + 1), history, lost);
            Thread thread = new Thread(() -> client.work(() -> ending), "client-" + i);
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
        List<Supplier<RegistrySnapshot>> all = new ArrayList<>();
        replicas.forEach(replica -> all.add(replica::snapshot));
        if (!converged(all, PATIENCE)) {
            wrong.add("the replicas are not alike at the end");
        }
        wrong.addAll(HistoryCheck.all(history, replicas.get(0).snapshot()));
        clean = wrong.isEmpty();
        if (!clean) {
            history.write(disk);
            wrong.add("the history, and what replicas logged, is in " + disk);
        }
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
                clocks,
                recoveries,
                lags,
                wrong);
    }

    /** Whether all serve the same within that time. For a registry at rest. */
    static boolean converged(List<Supplier<RegistrySnapshot>> replicas, Duration within) {
        long end = System.nanoTime() + within.toNanos();
        while (System.nanoTime() < end) {
            long alike = replicas.stream().map(Supplier::get).distinct().count();
            if (alike == 1) {
                return true;
            }
            pause(10);
        }
        return false;
    }

    private void strike(Fault fault) {
        ReplicaProcess victim = replicas.get(random.nextInt(REPLICAS));
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
            case CUT -> replicas.forEach(replica -> replica.way().cut());
            case SILENCE -> through(victim, Mode.SILENT, hold);
            case NO_ANSWERS -> through(victim, Mode.NO_ANSWERS, hold);
            case DRAG -> through(victim, Mode.DRAG, hold);
            case HALVE -> through(victim, Mode.HALVE, hold);
            case SET_CLOCK ->
                redis.ask("SET " + SettableClock.key(RedisSettings.of(redis.url(), CLUSTER)) + " "
                        + (random.nextInt(3) - 1) * HOUR_SECONDS);
            case KILL_REPLICA -> {
                victim.kill();
                pause(hold / 4);
                victim.launch();
                victim.meet();
            }
            case FREEZE_REPLICA -> {
                victim.freeze();
                pause(hold);
                victim.thaw();
            }
            default -> throw new IllegalStateException();
        }
    }

    private static void through(ReplicaProcess victim, Mode mode, int hold) {
        victim.way().turn(mode);
        pause(hold);
        victim.way().turn(Mode.PASS);
    }

    /** Makes a change at one replica and waits until all show it; milliseconds between the two. */
    private long probe(long patienceMillis) {
        String body = "\"probe-" + probes.incrementAndGet() + "\"";
        long giveUp = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patienceMillis);
        while (System.nanoTime() < giveUp) {
            ReplicaProcess speaker = replicas.get(random.nextInt(REPLICAS));
            Answer answer = speaker.ask(Wish.PUT, RecordKind.CLIENT, "probe", body, -1, 0);
            if (answer.outcome() != Outcome.OK) {
                pause(5);
                continue;
            }
            long acknowledged = System.nanoTime();
            while (System.nanoTime() < giveUp) {
                if (replicas.stream().allMatch(each -> each.snapshot().revision() >= answer.number())) {
                    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - acknowledged);
                }
                LockSupport.parkNanos(200_000);
            }
        }
        throw new IllegalStateException("the replicas were not alike again within " + patienceMillis + " ms");
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
    public void close() throws IOException {
        ending = true;
        clients.forEach(FaultRun::join);
        for (ReplicaProcess replica : replicas) {
            replica.close();
        }
        redis.close();
        if (clean) { // otherwise somebody will want to read the logs in it
            RedisProcess.delete(disk);
        }
    }
}
