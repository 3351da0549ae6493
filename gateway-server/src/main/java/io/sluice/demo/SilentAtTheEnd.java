package io.sluice.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.function.BooleanSupplier;

/** Prints until the demo is being stopped: what fails then fails because of that, and says nothing to anybody. */
final class SilentAtTheEnd extends Writer {
    private final PrintWriter out;
    private final BooleanSupplier stopping;

    SilentAtTheEnd(PrintWriter out, BooleanSupplier stopping) {
        this.out = out;
        this.stopping = stopping;
    }

    @Override
    public void write(char[] text, int from, int length) throws IOException {
        if (!stopping.getAsBoolean()) {
            out.write(text, from, length);
        }
    }

    @Override
    public void flush() {
        out.flush();
    }

    @Override
    public void close() {
        out.flush();
    }
}
