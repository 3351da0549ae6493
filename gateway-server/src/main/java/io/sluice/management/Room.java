package io.sluice.management;

import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import java.util.Map;

/** How many backends requests may add: a bound on what a faulty or hostile service can make this process hold. */
final class Room {
    private Room() {}

    /**
     * Requests of one moment may pass it together.
     *
     * @param most how many there may be that were requested
     * @throws Problem 409, when there are so many and {@code name} is none of them
     */
    static void check(Registry registry, String name, int most) {
        Map<String, Registration> there = registry.snapshot().registrations();
        if (there.containsKey(name)) {
            return;
        }
        long requested = there.values().stream()
                .filter(registration -> registration.backend().source().requested())
                .count();
        if (requested >= most) {
            throw Problem.of(
                            409,
                            "registry.full",
                            "Backend '" + name + "' is not registered: " + requested
                                    + " backends are registered through the API, and no more than " + most + " may be")
                    .withHint("Remove one with DELETE /register/{name}, or raise registration.maxBackends");
        }
    }
}
