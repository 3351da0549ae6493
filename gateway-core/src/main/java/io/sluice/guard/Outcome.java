package io.sluice.guard;

/** What a call taught about the one who was asked. */
public enum Outcome {
    /** It did its part, whatever it said: an error about the request is an answer as well. */
    SUCCEEDED,
    /** It could not: no connection, no answer in time, a broken one, a status of 500 and above. */
    FAILED,
    /** Nothing: the call was cancelled, or the gateway itself gave it up. */
    IGNORED
}
