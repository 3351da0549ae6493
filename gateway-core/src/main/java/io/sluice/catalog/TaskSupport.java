package io.sluice.catalog;

/** Whether a tool can be called as a task: {@code execution.taskSupport} of 2025-11-25. */
public enum TaskSupport {
    FORBIDDEN,
    OPTIONAL,
    REQUIRED;

    /** What a definition says; anything else than the protocol's words means what saying nothing means. */
    static TaskSupport of(String text) {
        return switch (text) {
            case "optional" -> OPTIONAL;
            case "required" -> REQUIRED;
            default -> FORBIDDEN;
        };
    }
}
