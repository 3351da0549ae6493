package io.sluice.management;

import io.sluice.catalog.Catalog;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Supplier;

/**
 * Whether calls should come here. Not before each backend of the configuration file was asked once, or had its time to
 * answer; not any more once the process is to stop. Volatile flags, each of which turns once.
 */
public final class Readiness {
    private final Registry registry;
    private final Supplier<Catalog> catalog;
    private final InstantSource clock;
    private final Instant latest;
    private volatile boolean everReady;
    private volatile boolean everRead;
    private volatile boolean draining;

    /**
     * @param catalog what calls are answered from: a backend counts once its answer has arrived there
     * @param patience how long, from now on, a backend that does not answer keeps the gateway from being ready
     */
    public Readiness(Registry registry, Supplier<Catalog> catalog, InstantSource clock, Duration patience) {
        this.registry = registry;
        this.catalog = catalog;
        this.clock = clock;
        this.latest = clock.instant().plus(patience);
    }

    /** From now on no more calls should come. */
    public void drain() {
        draining = true;
    }

    public boolean draining() {
        return draining;
    }

    public boolean ready() {
        return checks().stream().allMatch(Check::passed);
    }

    /**
     * One condition.
     *
     * @param detail a sentence
     */
    record Check(String name, boolean passed, String detail) {}

    List<Check> checks() {
        Check serving =
                new Check("serving", !draining, draining ? "The gateway is stopping" : "The gateway takes calls");
        return List.of(serving, registry(), backends());
    }

    /**
     * What replicas share must have been read once. After that its state is no reason to keep calls away, because they are
     * answered from memory.
     */
    private Check registry() {
        RegistryStatus status = registry.status();
        if (status.known() || !clock.instant().isBefore(latest)) {
            everRead = true;
        }
        return new Check("registry", everRead, status.detail());
    }

    private Check backends() {
        List<String> waiting = registry.snapshot().registrations().values().stream()
                .map(Registration::backend)
                .filter(backend -> backend.source() == Backend.Source.FILE)
                .map(Backend::name)
                .filter(name -> !asked(name))
                .toList();
        if (waiting.isEmpty() || !clock.instant().isBefore(latest)) {
            everReady = true;
        }
        String detail = waiting.isEmpty()
                ? "Every backend of the configuration file was asked"
                : "Not heard from yet: " + String.join(", ", waiting);
        return new Check("backends", everReady, detail);
    }

    private boolean asked(String name) {
        return catalog.get()
                .mount(name)
                .flatMap(mount -> mount.contribution(name))
                .filter(known -> known.listing().isPresent() || known.trouble().isPresent())
                .isPresent();
    }
}
