package io.sluice.management;

import java.util.function.IntSupplier;

/**
 * What the process says of itself.
 *
 * @param environment a word such as {@code production}
 * @param activeClients how many clients are being served; asked on event loops
 */
public record About(String version, String environment, IntSupplier activeClients) {}
