package io.sluice.server;

import io.sluice.cli.Sluice;
import io.sluice.cli.Version;
import reactor.core.publisher.Mono;

/** The process: puts the command line and what it launches together. Belongs to no rung of the ladder of packages. */
public final class Main {

    private Main() {}

    public static void main(String[] args) {
        GatewayLauncher launcher =
                (config, changes) -> Mono.error(new IllegalStateException("this build has no gateway yet"));
        System.exit(Sluice.commandLine(launcher, System.getenv()).execute(args));
    }

    /** The version in the jar's manifest, or {@code development} when run from class files. */
    static String version() {
        return Version.current();
    }
}
