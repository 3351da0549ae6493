package io.sluice.registry;

import java.util.Locale;

/** What the records are about that replicas share besides backends. */
public enum RecordKind {
    /** A named selection of tools. */
    PROFILE(false),
    /** A client that somebody had connected to a server, with its credentials; leased until it has been idle for long. */
    CLIENT(true),
    /** What the gateway was given to use a backend by OAuth: tokens, and who it is at the authorization server. */
    OAUTH_TOKEN(true),
    /** That a person was sent to an authorization server and may come back; leased. */
    OAUTH_CONSENT(true),
    /** The names of tools and prompts that a backend owns on the aggregate. */
    NAME(false),
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

    /** As it is written in keys: {@code oauth-token}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
