package io.sluice.registry;

/**
 * A backend as the registry holds it.
 *
 * @param backend what was registered
 * @param revision the registry's revision at which this entry last changed
 * @param since the revision at which the name was first registered; earlier ones keep their exposed names when names collide
 */
public record Registration(Backend backend, long revision, long since) {}
