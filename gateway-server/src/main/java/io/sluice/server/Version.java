package io.sluice.server;

/** Which Sluice this is. */
public final class Version {
    private Version() {}

    /** The version in the jar's manifest, or {@code development} when run from class files. */
    public static String current() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
