package io.sluice.demo;

/** The demo cannot go on. The message is for the person at the terminal. */
final class DemoFailure extends Exception {
    private static final long serialVersionUID = 1L;

    DemoFailure(String message) {
        super(message, null, false, false);
    }
}
