package io.sluice.upstream;

/** Says how each backend is treated, by its name, so that backends that register themselves are treated as well. */
@FunctionalInterface
public interface Policies {
    /** The usual treatment for all. */
    Policies STANDARD = backend -> BackendPolicy.STANDARD;

    BackendPolicy of(String backend);
}
