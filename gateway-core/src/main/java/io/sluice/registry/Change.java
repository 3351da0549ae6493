package io.sluice.registry;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * Under which conditions a change is made.
 *
 * @param expected the revision that the thing to change must have now, 0 when it must not exist; empty when it may be
 *     anything
 * @param operationId names the change, so that asking for it again under the same name does nothing and gives the first
 *     answer; remembered for a day for the thing that is changed. Whoever takes names from outside makes them unique to
 *     their sender. Empty lets the registry choose
 * @param fence the leadership under which it is made, if any
 */
public record Change(OptionalLong expected, Optional<String> operationId, Optional<Fence> fence) {
    private static final Change ANY = new Change(OptionalLong.empty(), Optional.empty(), Optional.empty());

    public Change {
        operationId.ifPresent(SharedRecord::checkId);
    }

    /** Whatever is there now. */
    public static Change any() {
        return ANY;
    }

    /** Only if there is nothing yet. */
    public static Change creating() {
        return expecting(0);
    }

    /** Only if the thing still is as it was at that revision. */
    public static Change expecting(long revision) {
        return new Change(OptionalLong.of(revision), Optional.empty(), Optional.empty());
    }

    public Change withOperationId(String id) {
        return new Change(expected, Optional.of(id), fence);
    }

    public Change fencedBy(Fence holder) {
        return new Change(expected, operationId, Optional.of(holder));
    }
}
