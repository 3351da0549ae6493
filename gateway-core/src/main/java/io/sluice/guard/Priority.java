package io.sluice.guard;

/** Whose calls go first when there is not room for all. */
public enum Priority {
    /** Somebody waits for the answer. */
    INTERACTIVE,
    /** It may as well be later: it is refused first, and never takes more than its share. */
    BACKGROUND
}
