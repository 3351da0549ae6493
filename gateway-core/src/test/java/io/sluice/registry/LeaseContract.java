package io.sluice.registry;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

/** What every {@link Registry} promises about leased instances, conditions and repeated operations. */
public abstract class LeaseContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(400);
    private static final Duration LONG = Duration.ofMinutes(5);

    private AtomicReference<Registry> opened = new AtomicReference<>();

    /** An empty registry that no other test uses. Called before each test; whoever extends this closes it. */
    protected abstract Registry open();

    @BeforeEach
    void openRegistry() {
        opened = new AtomicReference<>(open());
    }

    @Test
    void instancesOfOneNameAreOneBackend() {
        register(instance("weather", 1), lease("pod-a", LONG));
        Registration both = register(instance("weather", 2), lease("pod-b", LONG));

        awaitUntil(() -> endpoints("weather").equals(List.of(url(1), url(2))));
        assertThat(both.parts()).extracting(BackendPart::instance).containsExactly("pod-a", "pod-b");
        assertThat(both.since()).isEqualTo(both.parts().get(0).revision());
        assertThat(both.revision()).isEqualTo(both.parts().get(1).revision());
    }

    @Test
    void instanceLeavesWhenItsLeaseEndsAndTheOthersStay() {
        register(instance("weather", 1), lease("pod-a", LONG));
        long before = register(instance("weather", 2), lease("pod-b", SHORT)).revision();

        awaitUntil(() -> endpoints("weather").equals(List.of(url(1))));
        assertThat(registry().snapshot().revision()).isEqualTo(before + 1);
        assertThat(heartbeat("weather", "pod-b")).isFalse();
    }

    @Test
    void backendLeavesWithItsLastInstance() {
        register(instance("weather", 1), lease("pod-a", SHORT));

        awaitUntil(() -> registry().snapshot().registrations().isEmpty()
                && registry().snapshot().revision() > 1);
    }

    @Test
    void heartbeatsKeepAnInstanceWithoutBeingChanges() {
        long revision = register(instance("weather", 1), lease("pod-a", SHORT)).revision();

        Disposable beating = Flux.interval(Duration.ZERO, SHORT.dividedBy(4))
                .concatMap(beat -> registry().heartbeat("weather", "pod-a"))
                .subscribe();
        register(instance("probe", 1), lease("pod-z", SHORT.multipliedBy(3)));
        awaitUntil(() -> registry().snapshot().revision() == revision + 2); // the probe came and went

        assertThat(registry().snapshot().registrations()).containsOnlyKeys("weather");
        beating.dispose();
        awaitUntil(() -> registry().snapshot().registrations().isEmpty());
    }

    @Test
    void heartbeatOfNobodyIsFalse() {
        register(instance("clock", 1));

        assertThat(heartbeat("weather", "pod-a")).isFalse();
        assertThat(heartbeat("clock", "pod-a")).isFalse();
    }

    @Test
    void sameInstanceAgainOnlyRenewsItsLease() {
        Registration first = register(instance("weather", 1), lease("pod-a", LONG));
        awaitUntil(() -> registry().snapshot().registrations().containsKey("weather"));

        assertThat(register(instance("weather", 1), lease("pod-a", LONG))).isEqualTo(first);

        assertThat(register(instance("clock", 1)).revision()).isEqualTo(first.revision() + 1);
    }

    @Test
    void instanceThatMovedReplacesItself() {
        register(instance("weather", 1), lease("pod-a", LONG));

        register(instance("weather", 2), lease("pod-a", LONG));

        awaitUntil(() -> endpoints("weather").equals(List.of(url(2))));
    }

    @Test
    void lastingRegistrationSpeaksForTheLeasedOnes() {
        Backend lasting = instance("weather", 1).withHeaders(Map.of("X-From", "lasting"));
        register(lasting);
        register(instance("weather", 2).withHeaders(Map.of("X-From", "pod")), lease("pod-a", LONG));

        awaitUntil(() -> endpoints("weather").equals(List.of(url(1), url(2))));
        assertThat(kept("weather").backend().headers()).containsEntry("X-From", "lasting");

        assertThat(requireNonNull(registry().remove("weather", "", Change.any()).block(PATIENCE)))
                .isTrue();

        awaitUntil(() -> endpoints("weather").equals(List.of(url(2))));
        assertThat(kept("weather").backend().headers()).containsEntry("X-From", "pod");
        assertThat(kept("weather").since()).isEqualTo(1);
    }

    @Test
    void nameKeepsItsPlaceInTimeWhileInstancesComeAndGo() {
        long since = register(instance("weather", 1), lease("pod-a", LONG)).since();
        register(instance("weather", 2), lease("pod-b", LONG));
        registry().remove("weather", "pod-a", Change.any()).block(PATIENCE);
        register(instance("weather", 3), lease("pod-c", LONG));
        registry().remove("weather", "pod-b", Change.any()).block(PATIENCE);

        awaitUntil(() -> endpoints("weather").equals(List.of(url(3))));
        assertThat(kept("weather").since()).isEqualTo(since);
    }

    @Test
    void removingABackendEndsAllItsLeasesInOneChange() {
        register(instance("weather", 0));
        register(instance("weather", 1), lease("pod-a", LONG));
        Registration all = register(instance("weather", 2), lease("pod-b", LONG));

        assertThat(requireNonNull(registry().remove("weather").block(PATIENCE))).isTrue();

        awaitUntil(() -> registry().snapshot().registrations().isEmpty());
        assertThat(register(instance("clock", 1)).revision()).isEqualTo(all.revision() + 2);
        assertThat(heartbeat("weather", "pod-a")).isFalse();
    }

    @Test
    void changeOfWhatHasMovedOnIsRefused() {
        Registration first = register(instance("weather", 1));
        Registration second = register(instance("weather", 2));

        assertThatThrownBy(() -> registry()
                        .register(instance("weather", 3), Change.expecting(first.revision()))
                        .block(PATIENCE))
                .isInstanceOfSatisfying(
                        RegistryRefusal.Conflict.class,
                        conflict -> assertThat(conflict.current()).isEqualTo(second.revision()))
                .hasMessageContaining("weather");
        assertThatThrownBy(() -> registry()
                        .remove("weather", Change.expecting(first.revision()))
                        .block(PATIENCE))
                .isInstanceOf(RegistryRefusal.Conflict.class);
        assertThatThrownBy(() -> registry()
                        .register(instance("weather", 3), Change.creating())
                        .block(PATIENCE))
                .isInstanceOf(RegistryRefusal.Conflict.class);

        Registration third = requireNonNull(registry()
                .register(instance("weather", 3), Change.expecting(second.revision()))
                .block(PATIENCE));
        assertThat(third.revision()).isEqualTo(second.revision() + 1);
    }

    @Test
    void operationAskedForAgainIsDoneOnce() {
        Change change = Change.any().withOperationId("op-1");
        Registration first = requireNonNull(
                registry().register(instance("weather", 1), change).block(PATIENCE));
        Registration later = register(instance("weather", 2));

        Registration again = requireNonNull(
                registry().register(instance("weather", 1), change).block(PATIENCE));

        assertThat(again.revision()).isEqualTo(first.revision());
        awaitUntil(() -> registry().snapshot().revision() == later.revision());
        assertThat(kept("weather").backend()).isEqualTo(instance("weather", 2));
    }

    @Test
    void removalAskedForAgainIsDoneOnce() {
        Change change = Change.any().withOperationId("op-2");
        register(instance("weather", 1));
        assertThat(requireNonNull(registry().remove("weather", change).block(PATIENCE)))
                .isTrue();
        Registration back = register(instance("weather", 2));

        assertThat(requireNonNull(registry().remove("weather", change).block(PATIENCE)))
                .isTrue();

        awaitUntil(() -> registry().snapshot().revision() == back.revision());
        assertThat(registry().snapshot().registrations()).containsKey("weather");
    }

    @Test
    void jobIsKeptByWhoHoldsIt() {
        Fence first = requireNonNull(registry().lead("discovery", LONG).block(PATIENCE));

        Fence still = requireNonNull(registry().lead("discovery", LONG).block(PATIENCE));

        assertThat(still).isEqualTo(first);
        assertThat(registry()
                        .register(instance("weather", 1), Change.any().fencedBy(still))
                        .block(PATIENCE))
                .isNotNull();
        registry().resign(still).block(PATIENCE);
        assertThat(registry().lead("discovery", LONG).block(PATIENCE)).isNotNull();
    }

    private Registry registry() {
        return requireNonNull(opened.get());
    }

    private Registration register(Backend backend) {
        return requireNonNull(registry().register(backend).block(PATIENCE));
    }

    private Registration register(Backend backend, Lease lease) {
        return requireNonNull(registry().register(backend, lease, Change.any()).block(PATIENCE));
    }

    private boolean heartbeat(String name, String instance) {
        return requireNonNull(registry().heartbeat(name, instance).block(PATIENCE));
    }

    private Registration kept(String name) {
        return requireNonNull(registry().snapshot().registrations().get(name));
    }

    private List<URI> endpoints(String name) {
        return Optional.ofNullable(registry().snapshot().registrations().get(name))
                .map(there ->
                        there.backend().endpoints().stream().map(Endpoint::url).toList())
                .orElse(List.of());
    }

    private static void awaitUntil(java.util.concurrent.Callable<Boolean> condition) {
        await().atMost(PATIENCE).until(condition);
    }

    private static Lease lease(String instance, Duration ttl) {
        return new Lease(instance, ttl);
    }

    private static Backend instance(String name, int port) {
        return Backend.of(name, url(port).toString(), Backend.Source.API);
    }

    private static URI url(int port) {
        return URI.create("http://127.0.0.1:" + (10_000 + port) + "/mcp");
    }
}
