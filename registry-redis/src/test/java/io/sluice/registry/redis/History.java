package io.sluice.registry.redis;

import io.sluice.registry.RegistryRefusal;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.SharedRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What clients asked for and were told, and what replicas were seen to hold. Concurrent queues. */
final class History {
    private final ConcurrentLinkedQueue<Operation> operations = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Sighting> sightings = new ConcurrentLinkedQueue<>();

    /** How an operation ended. */
    enum Outcome {
        /** Acknowledged. */
        OK,
        /** Refused: it must have no effect. */
        FAILED,
        /** Nobody knows. */
        UNKNOWN
    }

    enum Kind {
        PUT,
        DELETE
    }

    /**
     * One request with its answer.
     *
     * @param value unique among all operations
     * @param expected the revision that it was conditional on, or -1
     * @param token of the leadership it was made under, or 0
     * @param revision that it was acknowledged with, or 0
     */
    record Operation(
            Kind kind,
            String key,
            String value,
            long expected,
            String owner,
            long token,
            Outcome outcome,
            long revision) {}

    /**
     * A snapshot that a replica served.
     *
     * @param replica one incarnation of one
     * @param changed the shared records in it that the replica had not shown before
     */
    record Sighting(String replica, long revision, List<SharedRecord> changed) {
        @Override
        public String toString() {
            return replica + " at " + revision + ": "
                    + changed.stream()
                            .map(each -> each.id() + "=" + each.body() + "@" + each.revision())
                            .toList();
        }
    }

    void add(Operation operation) {
        operations.add(operation);
    }

    void saw(String replica, RegistrySnapshot before, RegistrySnapshot now) {
        List<SharedRecord> changed = new ArrayList<>();
        now.records()
                .forEach((kind, all) -> all.forEach((id, entry) -> {
                    SharedRecord old = before.records(kind).get(id);
                    if (old == null || old.revision() != entry.revision()) {
                        changed.add(entry);
                    }
                }));
        sightings.add(new Sighting(replica, now.revision(), changed));
    }

    /** Writes all of it into that directory, a line for each. */
    void write(Path directory) throws IOException {
        Files.write(
                directory.resolve("operations"),
                operations.stream().map(Operation::toString).toList());
        Files.write(
                directory.resolve("sightings"),
                sightings.stream().map(Sighting::toString).toList());
    }

    List<Operation> operations() {
        return List.copyOf(operations);
    }

    List<Sighting> sightings() {
        return List.copyOf(sightings);
    }

    long acknowledged() {
        return operations.stream().filter(each -> each.outcome() == Outcome.OK).count();
    }

    /** How an error counts. */
    static Outcome outcome(Throwable e) {
        if (e instanceof RegistryRefusal.Conflict || e instanceof RegistryRefusal.Fenced) {
            return Outcome.FAILED;
        }
        boolean nothingDone = e instanceof RegistryRefusal.Unavailable
                && Optional.ofNullable(e.getMessage()).orElse("").contains("takes no changes now");
        return nothingDone ? Outcome.FAILED : Outcome.UNKNOWN;
    }
}
