package io.sluice.envelope;

/** The three shapes of a JSON-RPC message. */
public enum Kind {
    /** Has a method and an id: an answer is expected. */
    REQUEST,
    /** Has a method and no id. */
    NOTIFICATION,
    /** Has a result or an error. */
    RESPONSE
}
