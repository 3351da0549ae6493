package io.sluice.registry;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A registry for a single replica: one immutable snapshot behind a compare-and-set, announced to watchers after each
 * change.
 */
public final class InMemoryRegistry implements Registry {
    private final AtomicReference<RegistrySnapshot> current = new AtomicReference<>(RegistrySnapshot.EMPTY);

    /**
     * Replays the newest revision, so that who begins to watch during a change cannot fall between snapshot and news.
     */
    private final Sinks.Many<Long> changes = Sinks.many().replay().latestOrDefault(RegistrySnapshot.EMPTY.revision());

    @Override
    public RegistrySnapshot snapshot() {
        return Objects.requireNonNull(current.get());
    }

    @Override
    public Flux<RegistrySnapshot> watch() {
        return changes.asFlux()
                .onBackpressureLatest()
                .map(ignored -> snapshot())
                .distinctUntilChanged(RegistrySnapshot::revision);
    }

    @Override
    public Mono<Registration> register(Backend backend) {
        return Mono.fromSupplier(() -> {
            RegistrySnapshot after = current.updateAndGet(now -> {
                Registration before = now.registrations().get(backend.name());
                return before != null && before.backend().equals(backend) ? now : now.with(backend);
            });
            announce(after.revision());
            return Objects.requireNonNull(after.registrations().get(backend.name()));
        });
    }

    @Override
    public Mono<Boolean> remove(String name) {
        return Mono.fromSupplier(() -> {
            RegistrySnapshot before =
                    current.getAndUpdate(now -> now.registrations().containsKey(name) ? now.without(name) : now);
            boolean removed = before.registrations().containsKey(name);
            if (removed) {
                announce(before.revision() + 1);
            }
            return removed;
        });
    }

    private synchronized void announce(long revision) {
        changes.tryEmitNext(revision);
    }
}
