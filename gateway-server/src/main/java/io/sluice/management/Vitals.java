package io.sluice.management;

import io.sluice.cache.ResultCache;
import io.sluice.guard.Guard;
import io.sluice.overload.Overload;
import io.sluice.registry.InMemoryRegistry;
import io.sluice.registry.Registry;
import java.util.function.IntSupplier;

/**
 * What there is to be measured of the process beside its backends. Asked by whoever reads the meters.
 *
 * @param connections of clients
 * @param sessions legacy ones that hold something on this replica
 * @param streams event streams that are open towards clients
 * @param parked calls that wait for input of their clients
 * @param registry what replicas share
 * @param guard what callers may do
 * @param overload how pressed the gateway is
 * @param cache what is used again of what backends answered
 */
public record Vitals(
        IntSupplier connections,
        IntSupplier sessions,
        IntSupplier streams,
        IntSupplier parked,
        Registry registry,
        Guard guard,
        Overload overload,
        ResultCache cache) {
    /** Of a process that has backends only. */
    static Vitals none() {
        return new Vitals(
                () -> 0,
                () -> 0,
                () -> 0,
                () -> 0,
                new InMemoryRegistry(),
                new Guard(),
                new Overload(() -> 0),
                new ResultCache(System::nanoTime));
    }
}
