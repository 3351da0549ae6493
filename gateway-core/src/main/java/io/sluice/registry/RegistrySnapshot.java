package io.sluice.registry;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Everything registered at one revision. Immutable; what did not change from one snapshot to the next is the same
 * object in both.
 *
 * @param revision grows by one with each change
 * @param registrations by backend name, in alphabetical order
 * @param records by kind and id
 */
public record RegistrySnapshot(
        long revision,
        SortedMap<String, Registration> registrations,
        Map<RecordKind, SortedMap<String, SharedRecord>> records) {
    public static final RegistrySnapshot EMPTY = new RegistrySnapshot(0, Collections.emptySortedMap(), Map.of());

    /** The records of one kind, by id in alphabetical order. */
    public SortedMap<String, SharedRecord> records(RecordKind kind) {
        return records.getOrDefault(kind, Collections.emptySortedMap());
    }

    /** Begins the next snapshot. */
    public Edit edit() {
        return new Edit(this);
    }

    /** A snapshot in the making. For one thread; copies only the maps in which something changes. */
    public static final class Edit {
        private final RegistrySnapshot before;
        private final Map<RecordKind, SortedMap<String, SharedRecord>> records = new EnumMap<>(RecordKind.class);
        private SortedMap<String, Registration> registrations;
        private boolean ownsRegistrations;

        private Edit(RegistrySnapshot before) {
            this.before = before;
            this.registrations = before.registrations;
        }

        /** Adds a part of a backend, or replaces the one of the same instance. */
        public Edit put(BackendPart part) {
            String name = part.backend().name();
            List<BackendPart> parts = partsBut(name, part.instance());
            parts.add(part);
            ownRegistrations().put(name, Registration.of(parts));
            return this;
        }

        /** Takes away the part of that instance, and the backend with its last part. */
        public Edit remove(String name, String instance) {
            if (registrations.containsKey(name)) {
                List<BackendPart> left = partsBut(name, instance);
                if (left.isEmpty()) {
                    ownRegistrations().remove(name);
                } else {
                    ownRegistrations().put(name, Registration.of(left));
                }
            }
            return this;
        }

        public Edit put(SharedRecord entry) {
            ownRecords(entry.kind()).put(entry.id(), entry);
            return this;
        }

        public Edit remove(RecordKind kind, String id) {
            if (before.records(kind).containsKey(id) || records.containsKey(kind)) {
                ownRecords(kind).remove(id);
            }
            return this;
        }

        public RegistrySnapshot at(long revision) {
            Map<RecordKind, SortedMap<String, SharedRecord>> all = before.records;
            if (!records.isEmpty()) {
                all = new EnumMap<>(RecordKind.class);
                all.putAll(before.records);
                for (Map.Entry<RecordKind, SortedMap<String, SharedRecord>> changed : records.entrySet()) {
                    all.put(changed.getKey(), Collections.unmodifiableSortedMap(changed.getValue()));
                }
                all = Collections.unmodifiableMap(all);
            }
            SortedMap<String, Registration> now =
                    ownsRegistrations ? Collections.unmodifiableSortedMap(registrations) : registrations;
            return new RegistrySnapshot(revision, now, all);
        }

        private List<BackendPart> partsBut(String name, String instance) {
            List<BackendPart> parts = new ArrayList<>();
            Registration there = registrations.get(name);
            if (there != null) {
                parts.addAll(there.parts());
                parts.removeIf(part -> part.instance().equals(instance));
            }
            return parts;
        }

        private SortedMap<String, Registration> ownRegistrations() {
            if (!ownsRegistrations) {
                ownsRegistrations = true;
                registrations = new TreeMap<>(registrations);
            }
            return registrations;
        }

        private SortedMap<String, SharedRecord> ownRecords(RecordKind kind) {
            return Objects.requireNonNull(
                    records.computeIfAbsent(kind, wanted -> new TreeMap<>(before.records(wanted))));
        }
    }
}
