package io.sluice.cli;

import picocli.CommandLine.IVersionProvider;

/** Which Sluice this is. */
public final class Version implements IVersionProvider {
    /** The version in the jar's manifest, or {@code development} when run from class files. */
    public static String current() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }

    @Override
    public String[] getVersion() {
        return new String[] {"Sluice " + current()};
    }
}
