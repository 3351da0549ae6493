package io.sluice.registry;

/**
 * How the registry is doing.
 *
 * @param detail a sentence for the operator
 * @param known whether there is a snapshot that was read once, from the store or from what was kept of it
 */
public record RegistryStatus(Condition condition, String detail, boolean known) {
    /** What can be done with it. */
    public enum Condition {
        /** Reads are current and changes are taken. */
        CURRENT,
        /** The store cannot be reached: reads answer from the last snapshot, changes are refused. */
        DISCONNECTED,
        /** The store came back empty or older than what was seen before: as disconnected, until an operator decides. */
        HELD
    }

    public boolean takesChanges() {
        return condition == Condition.CURRENT;
    }
}
