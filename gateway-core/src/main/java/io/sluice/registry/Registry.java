package io.sluice.registry;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The port through which backends come and go. Changes are acknowledged only once they are kept; readers work from {@link #snapshot()}, which never waits.
 * Safe for use by many threads.
 */
public interface Registry {
    /** What is registered now, from memory. */
    RegistrySnapshot snapshot();

    /** The current snapshot at once and then every later one; a slow subscriber sees the newest, not each. Never completes while the registry is open. */
    Flux<RegistrySnapshot> watch();

    /**
     * Adds a backend, or replaces the one of that name. Registering what is already there, unchanged, is not a change.
     *
     * @return the entry as it is kept
     */
    Mono<Registration> register(Backend backend);

    /** Removes a backend; true when there was one. */
    Mono<Boolean> remove(String name);
}
