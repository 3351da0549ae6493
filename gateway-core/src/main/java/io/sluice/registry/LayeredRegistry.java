package io.sluice.registry;

import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A registry that replicas share, with this replica's own backends on top: what its configuration file names is there
 * whatever becomes of the shared registry, does not outlive the file in it, and keeps its credentials out of it. Where
 * both know a name the file's counts.
 */
public final class LayeredRegistry implements Registry {
    /** Own backends count as older than all shared ones: on every replica alike they keep their exposed names. */
    private static final long EARLIER = 1L << 40;

    private final Registry own = new InMemoryRegistry();
    private final Registry shared;
    private volatile Merged merged = new Merged(RegistrySnapshot.EMPTY, RegistrySnapshot.EMPTY, RegistrySnapshot.EMPTY);

    /** @param shared is closed with this one */
    public LayeredRegistry(Registry shared) {
        this.shared = shared;
    }

    private record Merged(RegistrySnapshot own, RegistrySnapshot shared, RegistrySnapshot both) {}

    /** Its revision is the sum of both registries' revisions; the revisions in it are those of the entry's own registry. */
    @Override
    public RegistrySnapshot snapshot() {
        RegistrySnapshot ours = own.snapshot();
        RegistrySnapshot theirs = shared.snapshot();
        Merged known = merged;
        if (known.own().revision() == ours.revision() && known.shared().equals(theirs)) {
            return known.both();
        }
        RegistrySnapshot.Edit edit = theirs.edit();
        for (Registration registration : ours.registrations().values()) {
            String name = registration.backend().name();
            Registration hidden = theirs.registrations().get(name);
            if (hidden != null) {
                hidden.parts().forEach(part -> edit.remove(name, part.instance()));
            }
            registration.parts().forEach(part -> edit.put(earlier(part)));
        }
        RegistrySnapshot both = edit.at(ours.revision() + theirs.revision());
        merged = new Merged(ours, theirs, both);
        return both;
    }

    private static BackendPart earlier(BackendPart part) {
        return new BackendPart(part.backend(), part.revision(), part.since() - EARLIER, part.lease());
    }

    private static Registration earlier(Registration registration) {
        List<BackendPart> parts = new ArrayList<>();
        registration.parts().forEach(part -> parts.add(earlier(part)));
        return Registration.of(parts);
    }

    @Override
    public Flux<RegistrySnapshot> watch() {
        return Flux.combineLatest(own.watch(), shared.watch(), (ours, theirs) -> true)
                .onBackpressureLatest()
                .map(changed -> snapshot())
                .distinctUntilChanged(RegistrySnapshot::registrations);
    }

    @Override
    public Flux<SortedMap<String, SharedRecord>> watch(RecordKind kind) {
        return shared.watch(kind);
    }

    @Override
    public Mono<Registration> register(Backend backend, Change change) {
        return isOwn(backend)
                ? own.register(backend, change).map(LayeredRegistry::earlier)
                : shared.register(backend, change);
    }

    @Override
    public Mono<Registration> register(Backend backend, Lease lease, Change change) {
        return shared.register(backend, lease, change);
    }

    private static boolean isOwn(Backend backend) {
        return backend.source() == Backend.Source.FILE || backend.source() == Backend.Source.BUILT_IN;
    }

    @Override
    public Mono<Boolean> heartbeat(String name, String instance) {
        return shared.heartbeat(name, instance);
    }

    @Override
    public Mono<Boolean> remove(String name, Change change) {
        return Mono.defer(() -> own.snapshot().registrations().containsKey(name)
                ? own.remove(name, change)
                : shared.remove(name, change));
    }

    @Override
    public Mono<Boolean> remove(String name, String instance, Change change) {
        return shared.remove(name, instance, change);
    }

    @Override
    public Mono<SharedRecord> put(RecordKind kind, String id, RawJson body, Optional<Duration> ttl, Change change) {
        return shared.put(kind, id, body, ttl, change);
    }

    @Override
    public Mono<Boolean> renew(RecordKind kind, String id) {
        return shared.renew(kind, id);
    }

    @Override
    public Mono<Boolean> delete(RecordKind kind, String id, Change change) {
        return shared.delete(kind, id, change);
    }

    @Override
    public Mono<Fence> lead(String job, Duration ttl) {
        return shared.lead(job, ttl);
    }

    @Override
    public Mono<Void> resign(Fence fence) {
        return shared.resign(fence);
    }

    @Override
    public RegistryFigures figures() {
        return shared.figures();
    }

    @Override
    public RegistryStatus status() {
        return shared.status();
    }

    @Override
    public Mono<Void> close() {
        return own.close().then(shared.close());
    }
}
