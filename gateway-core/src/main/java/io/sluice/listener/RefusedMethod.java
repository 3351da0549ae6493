package io.sluice.listener;

import io.netty.handler.codec.http.HttpMethod;
import io.sluice.rejection.Rejection;

/**
 * Stands in for the method of a request that was refused below HTTP's own terms. It carries the refusal through the
 * pipeline in the request's place in line, so that it is answered in its turn and after everything before it.
 */
final class RefusedMethod extends HttpMethod {
    private final Rejection rejection;

    RefusedMethod(Rejection rejection) {
        super("REFUSED");
        this.rejection = rejection;
    }

    Rejection rejection() {
        return rejection;
    }

    // equal to itself alone: no request on the wire can be mistaken for this one
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(this);
    }
}
