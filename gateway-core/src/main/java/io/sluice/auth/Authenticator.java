package io.sluice.auth;

import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.rejection.Rejection;
import java.util.function.Supplier;

/**
 * Names the caller of a request from its head alone. Called on event loops for every request: implementations answer at
 * once, from memory, and are safe for use by many threads.
 */
public interface Authenticator {
    /**
     * Names the caller, or refuses.
     *
     * @return the caller; there is no value for "nobody"
     * @throws Rejection.Unauthenticated when the head does not prove who is asking
     */
    Caller authenticate(HttpHeaders headers);

    /** Everyone is {@link Caller#LOCAL}. Only for a gateway that listens on loopback. */
    static Authenticator local() {
        return headers -> Caller.LOCAL;
    }

    /**
     * One {@code Authorization: Bearer} header with a token of the table (RFC 6750, 2.1). The table is asked for anew
     * with every request, so that a replaced one counts at once.
     */
    static Authenticator bearer(Supplier<TokenTable> tokens) {
        return failingClosed(new BearerTokens(tokens));
    }

    /**
     * The same decisions, except that whatever goes wrong in making one (an exception of any kind, no answer) is a
     * refusal as well: a fault must never be mistaken for a caller. For authenticators written elsewhere; the ones made
     * here that can fail are so already, and come back as they are.
     */
    static Authenticator failingClosed(Authenticator authenticator) {
        return authenticator instanceof FailingClosed ? authenticator : new FailingClosed(authenticator);
    }
}
