package io.sluice.registry.redis;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisLoadingException;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.BackendPart;
import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.Lease;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryFigures;
import io.sluice.registry.RegistryRefusal;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.RegistryStatus;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.redis.RegistryScripts.Said;
import io.sluice.seal.Keyring;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The registry that replicas share through Redis. A change is one script that checks and writes with nothing in between,
 * and is asked for again under the same operation id until its outcome is known, so that it happens once however often
 * connections break. Reads answer from memory, also while Redis is away.
 */
public final class RedisRegistry implements Registry {
    /** Longest time spent on finding out what became of a change. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** Longest wait for one's own change to show up in one's own snapshot. */
    private static final Duration OWN_CHANGE = Duration.ofSeconds(1);

    private static final Duration RETRY_AFTER = Duration.ofSeconds(2);
    private static final Duration REMEMBER_NAMED = Duration.ofDays(1);
    private static final Duration REMEMBER_OWN = Duration.ofMinutes(10);

    private final RegistryScripts scripts;
    private final RecordCodec codec;
    private final Follower follower;
    private final String node;
    private final AtomicLong operations = new AtomicLong();
    private final LongAdder refused = new LongAdder();

    private RedisRegistry(
            RedisConnections redis, Keyring keyring, RegistrySettings settings, UnaryOperator<String> edit) {
        this.scripts = new RegistryScripts(redis, settings.confirmations(), edit);
        if (settings.confirmations() > 0) {
            redis.openConfirmed();
        }
        this.codec = new RecordCodec(keyring, redis.settings().cluster());
        this.node = Long.toString(new SecureRandom().nextLong() >>> 1, 36);
        Optional<DiskSnapshot> disk = settings.snapshot()
                .map(file -> new DiskSnapshot(file, keyring, redis.settings().cluster()));
        this.follower = new Follower(redis, scripts, codec, settings, node, disk);
    }

    /**
     * Serves what was kept on disk, and begins to follow Redis. Blocks for a moment: for start-up.
     *
     * @param redis is not closed with the registry
     */
    public static RedisRegistry open(RedisConnections redis, Keyring keyring, RegistrySettings settings) {
        return open(redis, keyring, settings, UnaryOperator.identity());
    }

    /** @param edit made to each script, for tests that break the protocol */
    static RedisRegistry open(
            RedisConnections redis, Keyring keyring, RegistrySettings settings, UnaryOperator<String> edit) {
        RedisRegistry registry = new RedisRegistry(redis, keyring, settings, edit);
        registry.follower.start();
        return registry;
    }

    @Override
    public RegistrySnapshot snapshot() {
        return follower.snapshot();
    }

    @Override
    public Flux<RegistrySnapshot> watch() {
        return follower.snapshots().map(ignored -> snapshot()).distinctUntilChanged(RegistrySnapshot::registrations);
    }

    @Override
    public Flux<SortedMap<String, SharedRecord>> watch(RecordKind kind) {
        return follower.snapshots().map(ignored -> snapshot().records(kind)).distinctUntilChanged();
    }

    /** The newest snapshot at once, and each later one that a subscriber is fast enough for. */
    Flux<RegistrySnapshot> snapshots() {
        return follower.snapshots();
    }

    /** Completes once Redis was read for the first time. */
    public Mono<Void> current() {
        return follower.snapshots()
                .filter(ignored -> follower.status().takesChanges())
                .next()
                .then();
    }

    // Backends

    @Override
    public Mono<Registration> register(Backend backend, Change change) {
        return register(backend, Optional.empty(), change);
    }

    @Override
    public Mono<Registration> register(Backend backend, Lease lease, Change change) {
        return register(backend, Optional.of(lease), change);
    }

    private Mono<Registration> register(Backend backend, Optional<Lease> lease, Change change) {
        String name = backend.name();
        String id = RecordCodec.id(name, lease.map(Lease::instance).orElse(""));
        Duration ttl = lease.map(Lease::ttl).orElse(Duration.ZERO);
        return put(
                        id,
                        "Backend '" + name + "'",
                        () -> codec.backend(id, backend),
                        kept -> codec.part(id, kept).backend().equals(backend),
                        ttl,
                        change)
                .map(kept -> registration(new BackendPart(backend, kept.revision(), kept.since(), lease)));
    }

    /** With the other parts as they are known here. */
    private Registration registration(BackendPart part) {
        List<BackendPart> parts = new ArrayList<>(List.of(part));
        Registration known = snapshot().registrations().get(part.backend().name());
        if (known != null && known.since() <= part.since()) {
            known.parts().stream()
                    .filter(other -> !other.instance().equals(part.instance()))
                    .forEach(parts::add);
        }
        return Registration.of(parts);
    }

    @Override
    public Mono<Boolean> heartbeat(String name, String instance) {
        return renew(RecordCodec.id(name, instance));
    }

    @Override
    public Mono<Boolean> remove(String name, Change change) {
        return remove(RecordCodec.group(name), "Backend '" + name + "'", true, change);
    }

    @Override
    public Mono<Boolean> remove(String name, String instance, Change change) {
        return remove(RecordCodec.id(name, instance), "Backend '" + name + "'", false, change);
    }

    // Other records

    @Override
    public Mono<SharedRecord> put(RecordKind kind, String id, RawJson body, Optional<Duration> ttl, Change change) {
        String key = RecordCodec.id(kind, id);
        Duration time = ttl.orElse(Duration.ZERO);
        new SharedRecord(kind, id, body, 0, 0, ttl); // checks the id
        return put(
                        key,
                        "The record '" + id + "'",
                        () -> codec.record(kind, key, body),
                        kept -> codec.record(kind, key, kept).body().equals(body),
                        time,
                        change)
                .map(kept -> new SharedRecord(kind, id, body, kept.revision(), kept.since(), ttl));
    }

    @Override
    public Mono<Boolean> renew(RecordKind kind, String id) {
        return renew(RecordCodec.id(kind, id));
    }

    @Override
    public Mono<Boolean> delete(RecordKind kind, String id, Change change) {
        return remove(RecordCodec.id(kind, id), "The record '" + id + "'", false, change);
    }

    // Leadership

    @Override
    public Mono<Fence> lead(String job, Duration ttl) {
        return settled(() -> scripts.lead(job, node, ttl.toMillis(), follower.epoch()))
                .filter(said -> said.is("ok"))
                .map(said -> new Fence(job, said.number(0)));
    }

    @Override
    public Mono<Void> resign(Fence fence) {
        return settled(() -> scripts.resign(fence.job(), node)).then();
    }

    @Override
    public RegistryFigures figures() {
        return follower.figures(refused.sum());
    }

    @Override
    public RegistryStatus status() {
        return follower.status();
    }

    @Override
    public Mono<Void> close() {
        return follower.close();
    }

    // Changes

    private Mono<Kept> put(
            String id, String thing, Supplier<String> body, Predicate<Kept> same, Duration ttl, Change change) {
        return Mono.defer(() -> {
            String operation = operation(change);
            return settledOutcome(() -> tryPut(id, thing, body.get(), same, ttl, change, operation));
        });
    }

    /** Looks what is there, and changes it if that still is there. */
    private Mono<Kept> tryPut(
            String id, String thing, String body, Predicate<Kept> same, Duration ttl, Change change, String operation) {
        Mono<Optional<Kept>> there =
                scripts.value(id).map(value -> Optional.of(Kept.of(value))).defaultIfEmpty(Optional.empty());
        return there.flatMap(old -> {
            long revision = old.map(Kept::revision).orElse(0L);
            boolean expected = change.expected().orElse(revision) == revision;
            boolean unchanged = expected
                    && old.filter(kept -> kept.ttlMillis() == ttl.toMillis() && isSame(same, kept))
                            .isPresent();
            if (unchanged && ttl.isZero()) { // perhaps by an earlier attempt that nobody had confirmed
                return scripts.confirmed().then(reached(old.orElseThrow()));
            }
            if (unchanged) {
                return scripts.renew(id, follower.epoch()).flatMap(said -> {
                    refuse(said, thing, change);
                    return said.is("ok") ? reached(old.orElseThrow()) : Mono.error(new Moved());
                });
            }
            Fence fence = change.fence().orElse(new Fence("", 0));
            return scripts.put(
                            id,
                            operation,
                            "" + change.expected().orElse(revision),
                            body,
                            "" + ttl.toMillis(),
                            operation,
                            remember(change),
                            follower.epoch(),
                            fence.job(),
                            "" + fence.token(),
                            scripts.channel(),
                            "" + follower.known())
                    .flatMap(said -> {
                        if (said.is("conflict") && change.expected().isEmpty()) {
                            return Mono.error(new Moved());
                        }
                        refuse(said, thing, change);
                        Kept done = Kept.of(said.at(0) + "|" + ttl.toMillis() + "|" + body);
                        return reached(done);
                    });
        });
    }

    /** What cannot be read is not the same as what is to be written. */
    private static boolean isSame(Predicate<Kept> same, Kept kept) {
        try {
            return same.test(kept);
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private Mono<Boolean> remove(String id, String thing, boolean group, Change change) {
        return Mono.defer(() -> {
            String operation = operation(change);
            Fence fence = change.fence().orElse(new Fence("", 0));
            return settled(() -> scripts.remove(
                            id,
                            operation,
                            "" + change.expected().orElse(-1),
                            group ? "1" : "0",
                            "",
                            operation,
                            remember(change),
                            follower.epoch(),
                            fence.job(),
                            "" + fence.token(),
                            scripts.channel(),
                            "" + follower.known()))
                    .flatMap(said -> {
                        if (said.is("none")) {
                            return Mono.just(false);
                        }
                        refuse(said, thing, change);
                        return reached(Kept.of(said.at(0) + "|0|")).thenReturn(true);
                    });
        });
    }

    private Mono<Boolean> renew(String id) {
        return settled(() -> scripts.renew(id, follower.epoch())).map(said -> {
            refuse(said, id, Change.any());
            return said.is("ok");
        });
    }

    /** Gives the change a moment to come back into this replica's own snapshot. */
    private Mono<Kept> reached(Kept kept) {
        follower.acknowledged(kept.revision());
        return follower.reached(kept.revision())
                .timeout(OWN_CHANGE, Mono.empty())
                .thenReturn(kept);
    }

    private String operation(Change change) {
        return change.operationId().orElseGet(() -> node + "." + operations.incrementAndGet());
    }

    private static String remember(Change change) {
        return "" + (change.operationId().isPresent() ? REMEMBER_NAMED : REMEMBER_OWN).toMillis();
    }

    private void refuse(Said said, String thing, Change change) {
        switch (said.word()) {
            case "conflict" ->
                throw new RegistryRefusal.Conflict(thing, change.expected().orElse(0), said.number(0));
            case "fenced" -> throw new RegistryRefusal.Fenced(change.fence().orElseThrow(), said.number(0));
            case "noepoch", "epoch", "behind" -> {
                follower.hurry();
                throw new RegistryRefusal.Unavailable(
                        "the registry takes no changes now: Redis holds another or an older registry than this replica"
                                + " knows",
                        RETRY_AFTER);
            }
            default -> {}
        }
    }

    // Finding out what became of it

    private Mono<Said> settled(Supplier<Mono<Said>> attempt) {
        return settledOutcome(attempt);
    }

    /** Asks again, after growing pauses, until there is an answer or the time is over. */
    private <T> Mono<T> settledOutcome(Supplier<Mono<T>> attempt) {
        return Mono.defer(() -> {
                    RegistryStatus now = follower.status();
                    if (follower.epoch().isEmpty() || now.condition() == RegistryStatus.Condition.HELD) {
                        return Mono.error(new RegistryRefusal.Unavailable(
                                "the registry takes no changes now: " + now.detail(), RETRY_AFTER));
                    }
                    return attempt(attempt, System.nanoTime() + PATIENCE.toNanos(), 0, false);
                })
                .doOnError(RegistryRefusal.Unavailable.class, e -> refused.increment());
    }

    private <T> Mono<T> attempt(Supplier<Mono<T>> attempt, long end, int failures, boolean sent) {
        return Mono.defer(attempt).onErrorResume(e -> {
            boolean moved = e instanceof Moved;
            if (sent && e instanceof RegistryRefusal.Unavailable) {
                return Mono.error(unavailable(e, true)); // an earlier attempt may have been done
            }
            if (!moved && !RedisConnections.isOutage(e)) {
                return Mono.error(e);
            }
            boolean maybeDone = sent || !moved && !(e instanceof RedisAway) && !refused(e);
            if (System.nanoTime() >= end || refused(e) && !passing(e)) {
                return Mono.error(unavailable(e, maybeDone));
            }
            long longest = moved ? 5 : Math.min(400, 20L << Math.min(failures, 10));
            Duration pause = Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest) + 1);
            return Mono.delay(pause).then(attempt(attempt, end, moved ? failures : failures + 1, maybeDone));
        });
    }

    private static boolean refused(Throwable e) {
        return e instanceof RedisCommandExecutionException;
    }

    /** Whether Redis will be of another mind in a moment: it starts, or a replica takes over. */
    private static boolean passing(Throwable e) {
        return e instanceof RedisLoadingException || Link.isElsewhere(e);
    }

    private static RegistryRefusal.Unavailable unavailable(Throwable e, boolean maybeDone) {
        String what = Objects.requireNonNullElse(e.getMessage(), e.toString());
        return new RegistryRefusal.Unavailable(
                maybeDone
                        ? "the registry did not answer in time, and it is unknown whether the change was made (" + what
                                + "); asking again is safe"
                        : "the registry takes no changes now: " + what,
                RETRY_AFTER);
    }

    /** Somebody else was faster; look again. */
    private static final class Moved extends RuntimeException {
        Moved() {
            super("many others change the same thing", null, false, false);
        }
    }
}
