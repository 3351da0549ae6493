package io.sluice.session;

import java.time.Instant;

/**
 * What replicas must agree on about legacy sessions beyond what the session id itself says. Reads answer from memory and never wait.
 */
public interface SessionStore {
    /** Remembers that a session was ended by its client, until it would have expired anyway. */
    void end(String sessionKey, Instant expiresAt);

    boolean ended(String sessionKey);

    static SessionStore inMemory() {
        return new InMemorySessionStore();
    }
}
