package io.sluice.registry;

import java.time.Duration;

/**
 * What there is to be measured of a registry.
 *
 * @param lag how long ago it was last certain that nothing newer is kept than what is shown here
 * @param converged runs of changes by others and by this replica that arrived here
 * @param convergence how long they took in all, from being kept to being shown here
 * @param refused changes that were asked for here and not taken, or of which it is unknown whether they were
 */
public record RegistryFigures(Duration lag, long converged, Duration convergence, long refused) {
    /** Of a registry in which changes are shown at once. */
    public static final RegistryFigures AT_ONCE = new RegistryFigures(Duration.ZERO, 0, Duration.ZERO, 0);
}
