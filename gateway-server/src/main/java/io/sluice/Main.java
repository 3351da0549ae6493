package io.sluice;

import io.sluice.cli.Sluice;
import io.sluice.server.GatewayLauncher;
import reactor.core.publisher.Mono;

/**
 * The process: puts the command line and what it launches together. It stands outside of the packages because it is the
 * one place that knows all of them.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        GatewayLauncher launcher =
                (config, changes) -> Mono.error(new IllegalStateException("this build has no gateway yet"));
        System.exit(Sluice.commandLine(launcher, System.getenv()).execute(args));
    }
}
