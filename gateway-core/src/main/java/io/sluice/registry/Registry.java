package io.sluice.registry;

import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.Optional;
import java.util.SortedMap;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The port through which backends come and go, and through which replicas share what else they must agree on. Every
 * change is one revision and is acknowledged only once it is kept; readers work from {@link #snapshot()}, which never
 * waits. Nothing happens before someone subscribes. What cannot be done ends in a {@link RegistryRefusal}. Safe for use
 * by many threads; answers come on any of them.
 */
public interface Registry {
    /** What is registered now, from memory. */
    RegistrySnapshot snapshot();

    /**
     * The current snapshot at once and then each later one in which {@link RegistrySnapshot#registrations()} differ; a
     * slow subscriber sees the newest, not each. Never completes while the registry is open.
     */
    Flux<RegistrySnapshot> watch();

    /** As {@link #watch()}, for the records of one kind. */
    Flux<SortedMap<String, SharedRecord>> watch(RecordKind kind);

    // Backends

    /** As {@link #register(Backend, Change)}, whatever is there now. */
    default Mono<Registration> register(Backend backend) {
        return register(backend, Change.any());
    }

    /**
     * Adds a backend that stays until it is removed, or replaces the lasting part of the one of that name. Registering
     * what is already there, unchanged, is not a change.
     *
     * @param change what it expects is the revision of the lasting part
     * @return the entry as it is kept
     */
    Mono<Registration> register(Backend backend, Change change);

    /**
     * Adds one instance of a backend, which leaves again when its lease ends; the other instances of that name stay.
     * Registering it again unchanged only renews the lease.
     *
     * @param backend with the endpoints of this instance only
     * @param change what it expects is the revision of this instance's part
     * @return the backend with all its parts
     */
    Mono<Registration> register(Backend backend, Lease lease, Change change);

    /** Renews the lease of an instance for its whole time; false when it has ended, or never was. Not a revision. */
    Mono<Boolean> heartbeat(String name, String instance);

    /** As {@link #remove(String, Change)}, whatever is there now. */
    default Mono<Boolean> remove(String name) {
        return remove(name, Change.any());
    }

    /**
     * Removes a backend with all its parts, as one change; true when there was one.
     *
     * @param change what it expects is the {@link Registration#revision()}
     */
    Mono<Boolean> remove(String name, Change change);

    /** Ends the lease of one instance; true when there was one. */
    Mono<Boolean> remove(String name, String instance, Change change);

    // Other records

    /** As {@link #put(RecordKind, String, RawJson, Optional, Change)}, to stay until it is removed. */
    default Mono<SharedRecord> put(RecordKind kind, String id, RawJson body, Change change) {
        return put(kind, id, body, Optional.empty(), change);
    }

    /**
     * Adds a record, or replaces the one of that kind and id. Putting what is already there, unchanged, is not a change,
     * but renews its time to live.
     *
     * @param ttl how long it stays without being renewed
     * @return the record as it is kept
     */
    Mono<SharedRecord> put(RecordKind kind, String id, RawJson body, Optional<Duration> ttl, Change change);

    /** Renews the time to live of a record; false when there is no such record with one. Not a revision. */
    Mono<Boolean> renew(RecordKind kind, String id);

    /** Removes a record; true when there was one. */
    Mono<Boolean> delete(RecordKind kind, String id, Change change);

    // Leadership

    /**
     * Asks to be the one replica that does a job, or to stay it; empty when another one is. To be asked again well
     * before the time is over, and given up as soon as it is over without an answer.
     *
     * @param job {@code [a-z0-9-]{1,64}}
     */
    Mono<Fence> lead(String job, Duration ttl);

    /** Gives the job back before its time is over, if it is still held. */
    Mono<Void> resign(Fence fence);

    /** How the registry is doing, from memory. */
    RegistryStatus status();

    /** What is measured of it, from memory. */
    RegistryFigures figures();

    /** Lets go of connections and timers; leases go on until they end. */
    Mono<Void> close();
}
