package io.sluice.registry;

import java.util.Locale;

/** What the records are about that replicas share besides backends. */
public enum RecordKind {
    /** Another gateway, by name, as the management API added it; holds its token. */
    PEER(true),
    /** A named selection of tools. */
    PROFILE(false),
    /** A client that somebody had connected to a server, with its credentials; leased until it has been idle for long. */
    CLIENT(true),
    /** What the gateway was given to use a backend by OAuth: tokens, and who it is at the authorization server. */
    OAUTH_TOKEN(true),
    /** That a person was sent to an authorization server and may come back; leased. */
    OAUTH_CONSENT(true),
    /** Who owns an exposed name: by name space and name. */
    NAME(false),
    /** What an operator approved or pinned of a backend. */
    PIN(false),
    /** A session that its client ended; leased until it would have expired anyway. */
    ENDED_SESSION(false),
    /** An endpoint that a replica found to be failing; leased. */
    EJECTION(false),
    /** A replica that is alive; leased. */
    REPLICA(false);

    private final boolean secret;

    RecordKind(boolean secret) {
        this.secret = secret;
    }

    /** Whether bodies leave the process only sealed. */
    public boolean secret() {
        return secret;
    }

    /** As it is written in keys: {@code ended-session}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
