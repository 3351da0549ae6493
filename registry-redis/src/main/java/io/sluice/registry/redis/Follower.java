package io.sluice.registry.redis;

import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.sluice.registry.RegistryFigures;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.RegistryStatus;
import io.sluice.registry.RegistryStatus.Condition;
import io.sluice.registry.redis.RegistryScripts.Said;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Keeps a replica's snapshot current. Redis is asked for what changed since the revision that is known: regularly, and
 * at once when it says that something changed; a hint that is lost costs time and nothing else. One round is under way
 * at a time.
 *
 * <p>What Redis says is believed only if it continues what is known: the same epoch, no lower revision, and the same
 * operation behind the same revision; or an epoch that names ours as the one before. Everything else is another
 * registry, or an older copy of ours: then the snapshot stays in service, changes are refused, and after a moment the
 * replica that knows most writes it back under a new epoch.
 *
 * <p>All bookkeeping is confined to one thread of its own, on which nothing waits.
 */
final class Follower {
    private static final Logger log = LoggerFactory.getLogger(Follower.class);

    /** More changes than that at once are read as a whole. */
    private static final int MOST_CHANGES = 1_000;

    private static final int MOST_ENDED = 100;

    /** When nobody has swept for so many polls, nobody could renew a lease. */
    private static final int UNSWEPT_POLLS = 5;

    private static final Duration HELD_POLL = Duration.ofMillis(250);
    private static final Duration SAVE_AFTER = Duration.ofSeconds(1);

    private final RedisConnections redis;
    private final RegistryScripts scripts;
    private final RegistrySettings settings;
    private final String node;
    private final Optional<DiskSnapshot> disk;
    private final InstantSource clock = InstantSource.system();
    private final SecureRandom random = new SecureRandom();
    private final Scheduler thread = Schedulers.newSingle(Follower::thread);
    private final Sinks.Many<RegistrySnapshot> changes = Sinks.many().replay().latestOrDefault(RegistrySnapshot.EMPTY);
    private final Disposable.Swap next = Disposables.swap();
    private final Disposable.Swap round = Disposables.swap();
    private final Truth truth;
    private final RemovalGuard guard;
    private final List<Waiting> waiting = new ArrayList<>();
    private volatile RegistrySnapshot served = RegistrySnapshot.EMPTY;
    private volatile String epoch = "";
    private volatile RegistryStatus status =
            new RegistryStatus(Condition.DISCONNECTED, "Redis has not been reached yet", false);
    private final AtomicLong acknowledged = new AtomicLong();
    /** When it was last certain that nothing is newer; at first, when this began. */
    private volatile long currentSince = System.nanoTime();

    private final AtomicLong converged = new AtomicLong();
    private final AtomicLong convergenceMillis = new AtomicLong();
    private volatile boolean closed;
    private boolean busy;
    private boolean again;
    private boolean saving;
    private boolean dirty;
    private long digestDue;
    private long heldSince;

    Follower(
            RedisConnections redis,
            RegistryScripts scripts,
            RecordCodec codec,
            RegistrySettings settings,
            String node,
            Optional<DiskSnapshot> disk) {
        this.redis = redis;
        this.scripts = scripts;
        this.settings = settings;
        this.node = node;
        this.disk = disk;
        this.truth = new Truth(codec);
        this.guard = new RemovalGuard(settings.confirmRemoval());
        this.digestDue = System.nanoTime() + jittered(settings.digest(), 0.2);
    }

    private record Waiting(long revision, Sinks.Empty<Void> done) {}

    /** Not one of Reactor's threads, which must never block: random epochs may. */
    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "sluice-registry");
        thread.setDaemon(true);
        return thread;
    }

    /** Loads what was kept on disk, and begins to follow. Blocks: for start-up. */
    void start() {
        disk.flatMap(DiskSnapshot::load).ifPresent(kept -> {
            truth.replace(kept.epoch(), kept.revision(), kept.operation(), kept.records());
            epoch = truth.epoch();
            publish(truth.snapshot());
            status = new RegistryStatus(
                    Condition.DISCONNECTED,
                    "Redis has not been reached yet; this replica serves revision " + truth.revision()
                            + " of its snapshot on disk",
                    true);
            log.info(
                    "Serving {} backends of the registry snapshot on disk, revision {}",
                    served.registrations().size(),
                    served.revision());
        });
        redis.onMessages(this::listen);
        redis.onUp(this::hurry);
        thread.schedule(() -> later(settings.poll()));
    }

    RegistrySnapshot snapshot() {
        return served;
    }

    /** The newest snapshot at once, and each later one that a subscriber is fast enough for. */
    Flux<RegistrySnapshot> snapshots() {
        return changes.asFlux().onBackpressureLatest();
    }

    RegistryStatus status() {
        return status;
    }

    RegistryFigures figures(long refused) {
        return new RegistryFigures(
                Duration.ofNanos(System.nanoTime() - currentSince),
                converged.get(),
                Duration.ofMillis(convergenceMillis.get()),
                refused);
    }

    /** Under which changes are made; empty before Redis was reached for the first time. */
    String epoch() {
        return epoch;
    }

    /** The newest revision that Redis has told this replica of, by reading or by an acknowledgement. */
    long known() {
        return Math.max(served.revision(), acknowledged.get());
    }

    /** A change of this replica was kept as that revision. */
    void acknowledged(long revision) {
        acknowledged.accumulateAndGet(revision, Math::max);
    }

    /** Asks Redis for news now, or once it can be asked. */
    void hurry() {
        if (!closed && redis.isUp()) {
            thread.schedule(this::tick);
        }
    }

    /** Completes when that revision is in the snapshot. */
    Mono<Void> reached(long revision) {
        return Mono.defer(() -> {
            if (served.revision() >= revision) {
                return Mono.empty();
            }
            Sinks.Empty<Void> done = Sinks.empty();
            thread.schedule(() -> {
                waiting.add(new Waiting(revision, done));
                completeWaiting();
                tick();
            });
            return done.asMono();
        });
    }

    Mono<Void> close() {
        return Mono.fromRunnable(() -> {
                    closed = true;
                    next.dispose();
                    round.dispose();
                    waiting.forEach(each -> each.done().tryEmitEmpty());
                    if (dirty && !truth.isBlank()) {
                        save(content());
                    }
                })
                .subscribeOn(thread)
                .then()
                .doFinally(signal -> thread.dispose());
    }

    private void listen(StatefulRedisPubSubConnection<String, byte[]> fresh) {
        String channel = scripts.channel();
        fresh.addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String from, byte[] hint) {
                if (from.equals(channel)) {
                    hurry();
                }
            }

            @Override
            public void subscribed(String to, long count) {
                if (to.equals(channel)) {
                    hurry();
                }
            }
        });
        fresh.reactive().subscribe(channel).subscribe(done -> {}, e -> fresh.closeAsync());
    }

    // Rounds

    private void tick() {
        if (closed) {
            return;
        }
        if (busy) {
            again = true;
            return;
        }
        busy = true;
        again = false;
        round.update(ask().publishOn(thread).subscribe(done -> {}, this::failed, this::finished));
    }

    private void finished() {
        busy = false;
        RegistrySnapshot now = guard.withRetained(truth.snapshot(), System.nanoTime());
        if (now.registrations().size() != served.registrations().size()) {
            publish(now);
        }
        later(status.condition() == Condition.HELD ? HELD_POLL : settings.poll());
    }

    private void failed(Throwable e) {
        busy = false;
        if (RedisConnections.isOutage(e)) {
            disconnected(
                    e instanceof RedisAway
                            ? redis.trouble()
                            : Objects.requireNonNullElse(e.getMessage(), e.toString()));
        } else {
            log.error("The registry could not be followed; it is tried again", e);
            disconnected(e.toString());
        }
        again = false;
        later(settings.poll());
    }

    private void later(Duration pause) {
        if (again) {
            tick();
        } else if (!closed) {
            next.update(thread.schedule(this::tick, jittered(pause, 0.1), TimeUnit.NANOSECONDS));
        }
    }

    private Mono<Void> ask() {
        if (truth.isBlank()) {
            return whole("");
        }
        long now = System.nanoTime();
        boolean compare = now - digestDue >= 0;
        if (compare) {
            digestDue = now + jittered(settings.digest(), 0.2);
        }
        return scripts.sweep(truth.epoch(), settings.poll().toMillis() * UNSWEPT_POLLS, MOST_ENDED)
                .then(Mono.defer(() -> scripts.read(truth.epoch(), truth.revision(), truth.operation(), MOST_CHANGES)))
                .publishOn(thread)
                .flatMap(this::heard)
                .then(compare ? Mono.defer(this::compare) : Mono.empty());
    }

    private Mono<Void> heard(Said said) {
        return switch (said.word()) {
            case "same" -> {
                current();
                yield Mono.empty();
            }
            case "changes" -> {
                Set<String> removed = truth.apply(
                        said.number(0),
                        said.at(1),
                        said.rest().subList(3, said.rest().size()));
                converged.incrementAndGet();
                convergenceMillis.addAndGet(said.number(2));
                changed(removed);
                current();
                yield Mono.empty();
            }
            case "gap" -> whole(truth.epoch());
            case "noepoch" -> hold("Redis came back empty", "", 0, false);
            case "behind" ->
                hold(
                        "Redis came back older: it is at revision " + said.at(0) + ", this replica at "
                                + truth.revision(),
                        truth.epoch(),
                        said.number(0),
                        true);
            case "diverged" ->
                hold(
                        "Redis has another change at revision " + truth.revision() + " than this replica",
                        truth.epoch(),
                        said.number(0),
                        false);
            case "epoch" ->
                said.at(2).equals(truth.epoch()) && said.number(1) > truth.revision()
                        ? whole(said.at(0))
                        : hold(
                                "Redis holds another registry than this replica knows",
                                said.at(0),
                                said.number(1),
                                false);
            default -> Mono.error(new IllegalStateException("read.lua said " + said.word()));
        };
    }

    /** Reads everything, provided it is of that epoch; of any, when nothing is known. */
    private Mono<Void> whole(String expected) {
        return scripts.snapshot().publishOn(thread).flatMap(said -> {
            if (said.is("noepoch")) {
                if (!truth.isBlank()) {
                    return hold("Redis came back empty", "", 0, false);
                }
                return said.at(0).equals("0")
                        ? scripts.begin(randomEpoch()).publishOn(thread).flatMap(begun -> whole(begun.at(0)))
                        : Mono.error(new IllegalStateException("Redis holds records of a registry without its epoch"));
            }
            if (!expected.isEmpty() && !said.at(0).equals(expected)
                    || said.at(0).equals(truth.epoch()) && said.number(1) < truth.revision()) {
                again = true; // it changed in between: ask again what it is now
                return Mono.empty();
            }
            Map<String, String> all = new HashMap<>();
            for (int i = 3; i + 1 < said.rest().size(); i += 2) {
                all.put(said.at(i), said.at(i + 1));
            }
            if (!said.at(0).equals(truth.epoch())) {
                acknowledged.set(0); // what the new epoch lacks of the old one is gone
            }
            truth.replace(said.at(0), said.number(1), said.at(2), all);
            epoch = truth.epoch();
            changed(Set.of());
            current();
            return Mono.empty();
        });
    }

    /** Compares everything: a difference at the same revision is an error of ours, or somebody else's writing. */
    private Mono<Void> compare() {
        return scripts.digest().publishOn(thread).flatMap(said -> {
            if (!said.at(0).equals(truth.epoch())
                    || said.number(1) != truth.revision()
                    || said.at(2).equals(truth.sum())) {
                return Mono.empty();
            }
            log.error(
                    "The registry in Redis differs from this replica's at revision {}; it is read anew",
                    truth.revision());
            return whole(truth.epoch());
        });
    }

    // Holding and writing back

    private Mono<Void> hold(String why, String seenEpoch, long seenRevision, boolean older) {
        long now = System.nanoTime();
        if (status.condition() != Condition.HELD) {
            heldSince = now;
        }
        turn(
                Condition.HELD,
                why + "; this replica serves revision " + truth.revision() + " and takes no changes"
                        + (settings.adopt() ? " until it is written back" : " until an operator decides"));
        if (!settings.adopt()) {
            return Mono.empty();
        }
        long ttl = settings.adoptAfter().toMillis() * 4 + 1_000;
        return scripts.hold(node, truth.revision(), ttl).publishOn(thread).flatMap(said -> {
            boolean due = System.nanoTime() - heldSince >= settings.adoptAfter().toNanos();
            return due && said.at(0).equals(node) ? adopt(seenEpoch, seenRevision, older) : Mono.empty();
        });
    }

    private Mono<Void> adopt(String seenEpoch, long seenRevision, boolean replace) {
        String fresh = randomEpoch();
        List<String> arguments = new ArrayList<>(List.of(
                seenEpoch,
                "" + seenRevision,
                fresh,
                truth.epoch(),
                "" + truth.revision(),
                scripts.channel(),
                replace ? "1" : "0"));
        truth.records().forEach((id, value) -> {
            arguments.add(id);
            arguments.add(value);
        });
        return scripts.adopt(arguments).publishOn(thread).flatMap(said -> {
            if (!said.is("ok")) {
                again = true;
                return Mono.empty();
            }
            log.warn(
                    "Wrote {} records back to Redis as revision {} under a new epoch",
                    truth.records().size(),
                    said.at(0));
            return whole(fresh);
        });
    }

    private String randomEpoch() {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    // What others see

    private void changed(Set<String> removed) {
        publish(guard.judge(served, truth.snapshot(), removed, System.nanoTime()));
        saveSoon();
    }

    private void publish(RegistrySnapshot snapshot) {
        served = snapshot;
        changes.tryEmitNext(snapshot);
        completeWaiting();
    }

    private void completeWaiting() {
        for (Iterator<Waiting> each = waiting.iterator(); each.hasNext(); ) {
            Waiting one = each.next();
            if (served.revision() >= one.revision()) {
                each.remove();
                one.done().tryEmitEmpty();
            }
        }
    }

    private void current() {
        Condition before = status.condition();
        currentSince = System.nanoTime();
        turn(
                Condition.CURRENT,
                "Redis at " + redis.settings().url() + ", revision " + truth.revision()
                        + (guard.retained() == 0
                                ? ""
                                : "; " + guard.retained() + " vanished backends are kept in service for a while"));
        if (before != Condition.CURRENT) {
            BootCheck.run(redis);
        }
    }

    private void disconnected(String why) {
        if (status.condition() != Condition.DISCONNECTED || !status.detail().contains("since")) {
            String since = DateTimeFormatter.ISO_INSTANT.format(clock.instant().truncatedTo(ChronoUnit.SECONDS));
            turn(
                    Condition.DISCONNECTED,
                    "Redis at " + redis.settings().url() + " cannot be used since " + since + " (" + why
                            + "); this replica serves revision " + truth.revision() + " and takes no changes");
        }
    }

    private void turn(Condition condition, String detail) {
        RegistryStatus before = status;
        status = new RegistryStatus(condition, detail, !truth.isBlank());
        if (before.condition() == condition && before.detail().equals(detail)) {
            return;
        }
        if (condition == Condition.CURRENT && before.condition() != Condition.CURRENT) {
            log.info("The registry is current: {}", detail);
        } else if (condition != Condition.CURRENT && !before.detail().equals(detail)) {
            log.warn("The registry is not current: {}", detail);
        }
    }

    // The file

    private void saveSoon() {
        dirty = true;
        if (disk.isEmpty() || saving) {
            return;
        }
        saving = true;
        thread.schedule(
                () -> {
                    dirty = false;
                    DiskSnapshot.Content content = content();
                    Mono.fromRunnable(() -> save(content))
                            .subscribeOn(Schedulers.boundedElastic())
                            .publishOn(thread)
                            .subscribe(done -> {}, e -> saved(), this::saved);
                },
                SAVE_AFTER.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private void saved() {
        saving = false;
        if (dirty && !closed) {
            saveSoon();
        }
    }

    private DiskSnapshot.Content content() {
        return new DiskSnapshot.Content(
                truth.epoch(), truth.revision(), truth.operation(), new HashMap<>(truth.records()));
    }

    private void save(DiskSnapshot.Content content) {
        disk.ifPresent(file -> {
            try {
                file.save(content);
            } catch (IOException e) {
                log.warn(
                        "The registry snapshot cannot be written; without it this replica cannot start while Redis is"
                                + " away: {}",
                        e.toString());
            }
        });
    }

    private static long jittered(Duration pause, double share) {
        double factor = 1 + share * (2 * ThreadLocalRandom.current().nextDouble() - 1);
        return (long) (pause.toNanos() * factor);
    }
}
