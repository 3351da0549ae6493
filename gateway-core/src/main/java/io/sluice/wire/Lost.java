package io.sluice.wire;

import java.io.IOException;

/** A connection that went away under an exchange. */
public final class Lost extends IOException {
    private static final long serialVersionUID = 1L;

    /** How it went away. */
    public enum Way {
        /** Before any byte of the request had left. */
        UNUSED("the connection was closed before the request was sent"),
        CLOSED("the connection was closed"),
        RESET("the connection was reset");

        private final String text;

        Way(String text) {
            this.text = text;
        }
    }

    private final Way way;

    Lost(Way way) {
        super(way.text);
        this.way = way;
    }

    public Way way() {
        return way;
    }

    /** An answer, not an accident: no stack trace. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
