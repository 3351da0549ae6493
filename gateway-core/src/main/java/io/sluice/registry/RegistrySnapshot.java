package io.sluice.registry;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything registered at one revision. Immutable.
 *
 * @param revision grows by one with each change
 * @param registrations by backend name, in alphabetical order
 */
public record RegistrySnapshot(long revision, SortedMap<String, Registration> registrations) {
    public static final RegistrySnapshot EMPTY = new RegistrySnapshot(0, new TreeMap<>());

    public RegistrySnapshot {
        registrations = Collections.unmodifiableSortedMap(new TreeMap<>(registrations));
    }

    RegistrySnapshot with(Backend backend) {
        Map<String, Registration> old = registrations;
        TreeMap<String, Registration> next = new TreeMap<>(old);
        long now = revision + 1;
        Registration before = old.get(backend.name());
        next.put(backend.name(), new Registration(backend, now, before == null ? now : before.since()));
        return new RegistrySnapshot(now, next);
    }

    RegistrySnapshot without(String name) {
        TreeMap<String, Registration> next = new TreeMap<>(registrations);
        next.remove(name);
        return new RegistrySnapshot(revision + 1, next);
    }
}
