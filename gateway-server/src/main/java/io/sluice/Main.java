package io.sluice;

import io.sluice.cli.Sluice;
import io.sluice.demo.DemoCommand;
import io.sluice.server.SluiceServer;
import io.sluice.server.Version;

/**
 * The process: puts the command line and what it launches together. It stands outside of the packages because it is the
 * one place that knows all of them.
 */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Object[] demo = DemoCommand.verbs(Main.class);
        System.exit(Sluice.commandLine(SluiceServer.launcher(Version.current()), System.getenv(), demo)
                .execute(args));
    }
}
