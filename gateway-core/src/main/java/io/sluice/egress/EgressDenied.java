package io.sluice.egress;

import java.net.ConnectException;

/** A connection that was not attempted because the {@link EgressPolicy} forbids its address. Its message is for people. */
public final class EgressDenied extends ConnectException {
    private static final long serialVersionUID = 1L;

    EgressDenied(String message) {
        super(message);
    }

    /** An answer, not an accident: no stack trace. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
