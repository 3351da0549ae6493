package io.sluice.management;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.RegistryStatus.Condition;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** What is measured of the registry: how current this replica is, and what the others do. */
final class RegistryMeters {
    private final Registry registry;
    private final MeterRegistry meters;

    private RegistryMeters(Registry registry, MeterRegistry meters) {
        this.registry = registry;
        this.meters = meters;
    }

    static void bind(Registry registry, MeterRegistry meters) {
        new RegistryMeters(registry, meters).bind();
    }

    private void bind() {
        gauge(
                "sluice.registry.revision",
                "Revision of the registry that this replica serves",
                it -> it.snapshot().revision());
        gauge(
                "sluice.registry.backends",
                "Backends that are registered",
                it -> it.snapshot().registrations().size());
        gauge(
                "sluice.registry.leases",
                "Registrations and other records that end unless they are renewed",
                it -> leases(it.snapshot()));
        gauge(
                "sluice.replicas",
                "Replicas of the gateway that are alive as far as is known",
                it -> Math.max(1, it.snapshot().records(RecordKind.REPLICA).size()));
        Gauge.builder("sluice.registry.lag", registry, it -> it.figures().lag().toNanos() / 1e9)
                .description("How long ago it was certain that nothing is newer than what this replica serves")
                .baseUnit("seconds")
                .register(meters);
        for (Condition condition : Condition.values()) {
            Gauge.builder("sluice.registry.state", registry, it -> it.status().condition() == condition ? 1 : 0)
                    .description("1 for the state that the registry is in, 0 for the others")
                    .tag("state", condition.name().toLowerCase(Locale.ROOT))
                    .register(meters);
        }
        FunctionTimer.builder(
                        "sluice.registry.convergence",
                        registry,
                        it -> it.figures().converged(),
                        it -> it.figures().convergence().toNanos(),
                        TimeUnit.NANOSECONDS)
                .description("Changes that arrived here, and how long they took from being kept to being served")
                .register(meters);
        FunctionCounter.builder(
                        "sluice.registry.refused.writes",
                        registry,
                        it -> it.figures().refused())
                .description("Changes asked for here that the shared registry did not take, or not for certain")
                .register(meters);
    }

    private void gauge(String name, String description, ToDoubleFunction<Registry> value) {
        Gauge.builder(name, registry, value).description(description).register(meters);
    }

    private static long leases(RegistrySnapshot snapshot) {
        long parts = snapshot.registrations().values().stream()
                .flatMap(registration -> registration.parts().stream())
                .filter(part -> part.lease().isPresent())
                .count();
        long records = snapshot.records().values().stream()
                .flatMap(kind -> kind.values().stream())
                .filter(record -> record.ttl().isPresent())
                .count();
        return parts + records;
    }
}
