package io.sluice.auth;

import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.rejection.Rejection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns every fault of another authenticator into a refusal. */
final class FailingClosed implements Authenticator {
    private static final Logger log = LoggerFactory.getLogger(FailingClosed.class);

    private final Authenticator inner;

    FailingClosed(Authenticator inner) {
        this.inner = inner;
    }

    @Override
    public Caller authenticate(HttpHeaders headers) {
        Caller caller;
        try {
            caller = inner.authenticate(headers);
        } catch (Rejection.Unauthenticated | Rejection.Forbidden refusal) {
            throw refusal;
        } catch (Throwable fault) {
            // The type and not the message, which may quote what was sent.
            log.error(
                    "Authentication failed by {}; the request is refused",
                    fault.getClass().getName());
            throw Challenges.unverified();
        }
        if (caller == null) {
            log.error("Authentication gave no answer; the request is refused");
            throw Challenges.unverified();
        }
        return caller;
    }

    @Override
    public String toString() {
        return inner.toString();
    }
}
