package io.sluice.registry.redis;

import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.redis.History.Kind;
import io.sluice.registry.redis.History.Operation;
import io.sluice.registry.redis.History.Outcome;
import io.sluice.registry.redis.History.Sighting;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Whether a history is one that a registry may have. Revisions are one order over all changes, so every check is one pass
 * over the history. Each answers with what is wrong, in sentences.
 */
final class HistoryCheck {
    private HistoryCheck() {}

    static List<String> all(History history, RegistrySnapshot end) {
        List<String> wrong = new ArrayList<>(set(history, end));
        wrong.addAll(register(history));
        wrong.addAll(lease(history));
        return wrong;
    }

    /** Nothing acknowledged is lost, and nothing refused or removed is there, at the end. For keys that are created once. */
    static List<String> set(History history, RegistrySnapshot end) {
        Map<String, Operation> created = new HashMap<>();
        Map<String, Operation> deleted = new HashMap<>();
        Set<String> again = new HashSet<>();
        for (Operation each : history.operations()) {
            Map<String, Operation> known = each.kind() == Kind.PUT ? created : deleted;
            if (known.put(each.key(), each) != null) {
                again.add(each.key());
            }
        }
        Map<String, String> present = new HashMap<>();
        end.records()
                .values()
                .forEach(all ->
                        all.forEach((id, entry) -> present.put(id, entry.body().toString())));
        List<String> wrong = new ArrayList<>();
        created.forEach((key, put) -> {
            if (again.contains(key)) {
                return; // the register check's business
            }
            Operation delete = deleted.get(key);
            boolean there = put.value().equals(present.get(key));
            if (put.outcome() == Outcome.OK && delete == null && !there) {
                wrong.add("lost: " + put);
            }
            if (put.outcome() == Outcome.FAILED && there) {
                wrong.add("refused, and there: " + put);
            }
            if (put.outcome() == Outcome.OK && delete != null && delete.outcome() == Outcome.OK && there) {
                wrong.add("deleted, and there: " + delete);
            }
        });
        return wrong;
    }

    /**
     * One revision is one change, acknowledged to one client and seen alike by every replica; one change is one revision;
     * no condition was met twice; what was refused is never seen; no replica goes back.
     */
    static List<String> register(History history) {
        List<String> wrong = new ArrayList<>();
        Map<Long, String> valueAt = new HashMap<>();
        Map<String, Long> revisionOf = new HashMap<>();
        Set<String> refused = new HashSet<>();
        Set<String> conditions = new HashSet<>();
        for (Operation each : history.operations()) {
            if (each.outcome() == Outcome.FAILED && each.kind() == Kind.PUT) {
                refused.add(each.value());
            }
            if (each.outcome() != Outcome.OK || each.revision() == 0) {
                continue;
            }
            if (each.expected() >= 0 && !conditions.add(each.key() + "@" + each.expected())) {
                wrong.add("condition met twice: " + each);
            }
            if (each.revision() <= each.expected()) {
                wrong.add("older than what it replaced: " + each);
            }
            place(wrong, valueAt, revisionOf, each.revision(), each.value());
        }
        Map<String, Long> newest = new HashMap<>();
        for (Sighting each : history.sightings()) {
            Long before = newest.put(each.replica(), each.revision());
            if (before != null && before > each.revision()) {
                wrong.add(each.replica() + " went back from revision " + before + " to " + each.revision());
            }
            for (SharedRecord seen : each.changed()) {
                String value = seen.body().toString();
                place(wrong, valueAt, revisionOf, seen.revision(), value);
                if (refused.contains(value)) {
                    wrong.add("refused, and seen: " + value + " at " + each.replica());
                }
            }
        }
        return wrong;
    }

    private static void place(
            List<String> wrong, Map<Long, String> valueAt, Map<String, Long> revisionOf, long revision, String value) {
        String other = valueAt.putIfAbsent(revision, value);
        if (other != null && !other.equals(value)) {
            wrong.add("two changes at revision " + revision + ": " + other + " and " + value);
        }
        Long elsewhere = revisionOf.putIfAbsent(value, revision);
        if (elsewhere != null && elsewhere != revision) {
            wrong.add("done twice: " + value + " at revisions " + elsewhere + " and " + revision);
        }
    }

    /** Tokens never go back in the order of revisions, and each belongs to one replica. */
    static List<String> lease(History history) {
        List<String> wrong = new ArrayList<>();
        List<Operation> fenced = history.operations().stream()
                .filter(each -> each.token() > 0 && each.outcome() == Outcome.OK)
                .sorted(Comparator.comparingLong(Operation::revision))
                .toList();
        Map<Long, String> owners = new HashMap<>();
        long newest = 0;
        for (Operation each : fenced) {
            if (each.token() < newest) {
                wrong.add("a former holder acted after token " + newest + " was given out: " + each);
            }
            newest = Math.max(newest, each.token());
            String other = owners.putIfAbsent(each.token(), each.owner());
            if (other != null && !other.equals(each.owner())) {
                wrong.add("two holders of one token: " + other + " and " + each);
            }
        }
        return wrong;
    }
}
