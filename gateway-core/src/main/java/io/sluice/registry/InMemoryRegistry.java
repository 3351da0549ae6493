package io.sluice.registry;

import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A registry for a single replica. Its monitor guards every change and is never held while waiting; readers see one
 * immutable snapshot, announced to watchers after each change.
 */
public final class InMemoryRegistry implements Registry {
    private static final int MOST_OPERATIONS = 10_000;
    private static final RegistryStatus STATUS = new RegistryStatus(
            RegistryStatus.Condition.CURRENT, "The registry is in this process's memory; it serves one replica", true);

    private final Scheduler timer;
    private final Map<String, Disposable> leases = new HashMap<>();
    private final Map<String, Object> operations = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Object> eldest) {
            return size() > MOST_OPERATIONS;
        }
    };

    /**
     * Replays the newest, so that who begins to watch during a change cannot fall between snapshot and news.
     */
    private final Sinks.Many<RegistrySnapshot> changes = Sinks.many().replay().latestOrDefault(RegistrySnapshot.EMPTY);

    private volatile RegistrySnapshot current = RegistrySnapshot.EMPTY;

    public InMemoryRegistry() {
        this(Schedulers.parallel());
    }

    /** @param timer ends leases; is not disposed */
    public InMemoryRegistry(Scheduler timer) {
        this.timer = timer;
    }

    @Override
    public RegistrySnapshot snapshot() {
        return current;
    }

    @Override
    public Flux<RegistrySnapshot> watch() {
        return changes.asFlux()
                .onBackpressureLatest()
                .map(ignored -> snapshot())
                .distinctUntilChanged(RegistrySnapshot::registrations);
    }

    @Override
    public Flux<SortedMap<String, SharedRecord>> watch(RecordKind kind) {
        return changes.asFlux()
                .onBackpressureLatest()
                .map(ignored -> snapshot().records(kind))
                .distinctUntilChanged();
    }

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
        String instance = lease.map(Lease::instance).orElse("");
        String key = partKey(name, instance);
        return once(key, change, () -> {
            Registration there = current.registrations().get(name);
            @Nullable
            BackendPart part = there == null ? null : there.part(instance).orElse(null);
            check("Backend '" + name + "'", part == null ? 0 : part.revision(), change);
            lease.ifPresent(held -> endsIn(key, held.ttl(), () -> removePart(name, instance)));
            if (there != null
                    && part != null
                    && part.backend().equals(backend)
                    && part.lease().equals(lease)) {
                return there;
            }
            long revision = current.revision() + 1;
            long since = there == null ? revision : there.since();
            swap(current.edit()
                    .put(new BackendPart(backend, revision, since, lease))
                    .at(revision));
            return Objects.requireNonNull(current.registrations().get(name));
        });
    }

    @Override
    public Mono<Boolean> heartbeat(String name, String instance) {
        return locked(() -> {
            Registration there = current.registrations().get(name);
            Optional<Lease> lease =
                    there == null ? Optional.empty() : there.part(instance).flatMap(BackendPart::lease);
            lease.ifPresent(held -> endsIn(partKey(name, instance), held.ttl(), () -> removePart(name, instance)));
            return lease.isPresent();
        });
    }

    @Override
    public Mono<Boolean> remove(String name, Change change) {
        return once(partKey(name, "*"), change, () -> {
            Registration there = current.registrations().get(name);
            check("Backend '" + name + "'", there == null ? 0 : there.revision(), change);
            if (there == null) {
                return false;
            }
            RegistrySnapshot.Edit edit = current.edit();
            for (BackendPart part : there.parts()) {
                edit.remove(name, part.instance());
                keep(partKey(name, part.instance()));
            }
            swap(edit.at(current.revision() + 1));
            return true;
        });
    }

    @Override
    public Mono<Boolean> remove(String name, String instance, Change change) {
        return once(partKey(name, instance), change, () -> {
            Registration there = current.registrations().get(name);
            Optional<BackendPart> part = there == null ? Optional.empty() : there.part(instance);
            check("Backend '" + name + "'", part.map(BackendPart::revision).orElse(0L), change);
            part.ifPresent(left -> removePart(name, instance));
            return part.isPresent();
        });
    }

    private void removePart(String name, String instance) {
        keep(partKey(name, instance));
        swap(current.edit().remove(name, instance).at(current.revision() + 1));
    }

    // Other records

    @Override
    public Mono<SharedRecord> put(RecordKind kind, String id, RawJson body, Optional<Duration> ttl, Change change) {
        SharedRecord.checkId(id);
        ttl.ifPresent(Lease::checkTtl);
        String key = recordKey(kind, id);
        return once(key, change, () -> {
            SharedRecord there = current.records(kind).get(id);
            check("The record '" + id + "'", there == null ? 0 : there.revision(), change);
            keep(key);
            ttl.ifPresent(time -> endsIn(key, time, () -> removeRecord(kind, id)));
            if (there != null && there.body().equals(body) && there.ttl().equals(ttl)) {
                return there;
            }
            long revision = current.revision() + 1;
            SharedRecord next =
                    new SharedRecord(kind, id, body, revision, there == null ? revision : there.since(), ttl);
            swap(current.edit().put(next).at(revision));
            return next;
        });
    }

    @Override
    public Mono<Boolean> renew(RecordKind kind, String id) {
        return locked(() -> {
            SharedRecord there = current.records(kind).get(id);
            Optional<Duration> ttl = there == null ? Optional.empty() : there.ttl();
            ttl.ifPresent(time -> endsIn(recordKey(kind, id), time, () -> removeRecord(kind, id)));
            return ttl.isPresent();
        });
    }

    @Override
    public Mono<Boolean> delete(RecordKind kind, String id, Change change) {
        return once(recordKey(kind, id), change, () -> {
            SharedRecord there = current.records(kind).get(id);
            check("The record '" + id + "'", there == null ? 0 : there.revision(), change);
            if (there != null) {
                removeRecord(kind, id);
            }
            return there != null;
        });
    }

    private void removeRecord(RecordKind kind, String id) {
        keep(recordKey(kind, id));
        swap(current.edit().remove(kind, id).at(current.revision() + 1));
    }

    // Leadership: the only replica does every job.

    @Override
    public Mono<Fence> lead(String job, Duration ttl) {
        return Mono.just(new Fence(job, 1));
    }

    @Override
    public Mono<Void> resign(Fence fence) {
        return Mono.empty();
    }

    @Override
    public RegistryFigures figures() {
        return RegistryFigures.AT_ONCE;
    }

    @Override
    public RegistryStatus status() {
        return STATUS;
    }

    @Override
    public Mono<Void> close() {
        return Mono.fromRunnable(() -> {
            synchronized (this) {
                leases.values().forEach(Disposable::dispose);
                leases.clear();
            }
        });
    }

    // Under the monitor

    private <T> Mono<T> locked(Supplier<T> work) {
        return Mono.fromSupplier(() -> {
            synchronized (this) {
                return work.get();
            }
        });
    }

    /** As {@link #locked}, but an operation that was done before is not done again. */
    @SuppressWarnings("unchecked") // an operation on one thing has one type of answer
    private <T> Mono<T> once(String key, Change change, Supplier<T> work) {
        return locked(() -> {
            if (change.operationId().isEmpty()) {
                return work.get();
            }
            String operation = key + "\n" + change.operationId().get();
            Object before = operations.get(operation);
            if (before != null) {
                return (T) before;
            }
            T answer = work.get();
            operations.put(operation, Objects.requireNonNull(answer));
            return answer;
        });
    }

    private static void check(String thing, long revision, Change change) {
        if (change.expected().isPresent() && change.expected().getAsLong() != revision) {
            throw new RegistryRefusal.Conflict(thing, change.expected().getAsLong(), revision);
        }
    }

    private void endsIn(String key, Duration ttl, Runnable end) {
        keep(key);
        Disposable.Swap lease = Disposables.swap();
        leases.put(key, lease);
        lease.update(timer.schedule(
                () -> {
                    synchronized (this) {
                        if (lease.equals(leases.get(key))) { // else it was renewed at this very moment
                            end.run();
                        }
                    }
                },
                ttl.toNanos(),
                TimeUnit.NANOSECONDS));
    }

    private void keep(String key) {
        Disposable lease = leases.remove(key);
        if (lease != null) {
            lease.dispose();
        }
    }

    private void swap(RegistrySnapshot next) {
        current = next;
        changes.tryEmitNext(next);
    }

    private static String partKey(String name, String instance) {
        return "backend/" + name + "/" + instance;
    }

    private static String recordKey(RecordKind kind, String id) {
        return kind.word() + "/" + id;
    }
}
