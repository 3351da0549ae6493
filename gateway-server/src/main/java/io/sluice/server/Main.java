package io.sluice.server;

/** The gateway as a process. */
public final class Main {

    private Main() {}

    public static void main(String[] args) {
        System.out.println("Sluice " + version());
    }

    /** The version in the jar's manifest, or {@code development} when run from class files. */
    static String version() {
        String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
