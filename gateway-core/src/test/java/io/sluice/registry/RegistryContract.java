package io.sluice.registry;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link Registry} promises, to be extended by a test of each. An implementation that shares its content may
 * show a change in {@link Registry#snapshot()} a moment after it was acknowledged; everything else holds at once.
 */
public abstract class RegistryContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private AtomicReference<Registry> opened = new AtomicReference<>();

    /** An empty registry that no other test uses. Called before each test; whoever extends this closes it. */
    protected abstract Registry open();

    @BeforeEach
    void openRegistry() {
        opened = new AtomicReference<>(open());
    }

    @Test
    void newRegistryIsEmpty() {
        assertThat(registry().snapshot().registrations()).isEmpty();
    }

    @Test
    void registeredBackendIsKeptAsItWasGiven() {
        Backend backend = new Backend(
                "weather",
                List.of(Endpoint.of("https://a.example/mcp?x=1"), Endpoint.of("http://b.example:8081/deep/path")),
                Map.of("Authorization", "Bearer of-the-backend", "X-Odd", "ü \"quoted\" \\"),
                Optional.of(Era.MODERN),
                Duration.ofMillis(12_345),
                List.of("get_*"),
                List.of("get_secret"),
                List.of(RawJson.of("{\"name\":\"get_rain\",\"n\":1.10}")),
                false,
                Backend.Source.API);

        Registration kept = register(backend);

        assertThat(kept.backend()).isEqualTo(backend);
        awaitSnapshotWith(kept);
    }

    @Test
    void firstRegistrationBeginsAtItsOwnRevision() {
        Registration kept = register(backend("weather", 1));

        assertThat(kept.revision()).isPositive();
        assertThat(kept.since()).isEqualTo(kept.revision());
    }

    @Test
    void nothingIsRegisteredOrRemovedBeforeSomeoneSubscribes() {
        Registration kept = register(backend("weather", 1));
        awaitSnapshotWith(kept);

        Mono<Registration> registering = registry().register(backend("clock", 1));
        Mono<Boolean> removing = registry().remove("weather");
        Registration next = register(backend("map", 1));

        assertThat(next.revision()).isEqualTo(kept.revision() + 1);
        awaitSnapshotWith(next);
        assertThat(registry().snapshot().registrations()).containsOnlyKeys("map", "weather");
        assertThat(registering.block(PATIENCE)).isNotNull();
        assertThat(removing.block(PATIENCE)).isTrue();
    }

    @Test
    void replacedBackendKeepsItsPlaceInTime() {
        Registration first = register(backend("weather", 1));
        Registration other = register(backend("clock", 1));

        Registration replaced = register(backend("weather", 2));

        assertThat(replaced.backend()).isEqualTo(backend("weather", 2));
        assertThat(replaced.since()).isEqualTo(first.since());
        assertThat(replaced.revision()).isGreaterThan(other.revision());
        awaitSnapshotWith(replaced);
        assertThat(registry().snapshot().registrations()).containsEntry("clock", other);
    }

    @Test
    void sameBackendAgainIsNoChange() {
        Registration first = register(backend("weather", 1));
        awaitSnapshotWith(first);

        assertThat(register(backend("weather", 1))).isEqualTo(first);
        assertThat(register(backend("weather", 1))).isEqualTo(first);

        assertThat(register(backend("clock", 1)).revision()).isEqualTo(first.revision() + 1);
    }

    @Test
    void removedBackendIsGone() {
        Registration weather = register(backend("weather", 1));
        Registration clock = register(backend("clock", 1));

        assertThat(remove("weather")).isTrue();

        await().atMost(PATIENCE).until(() -> registry().snapshot().revision() > clock.revision());
        assertThat(registry().snapshot().registrations()).containsExactly(Map.entry("clock", clock));
        assertThat(weather.revision()).isLessThan(clock.revision());
    }

    @Test
    void removingWhatIsNotThereIsNoChange() {
        Registration kept = register(backend("weather", 1));

        assertThat(remove("clock")).isFalse();
        assertThat(remove("weather")).isTrue();
        assertThat(remove("weather")).isFalse();

        assertThat(register(backend("clock", 1)).revision()).isEqualTo(kept.revision() + 2);
    }

    @Test
    void backendThatComesBackIsNew() {
        Registration first = register(backend("weather", 1));
        remove("weather");

        Registration back = register(backend("weather", 1));

        assertThat(back.since()).isEqualTo(back.revision()).isGreaterThan(first.revision());
    }

    @Test
    void eachChangeIsOneRevision() {
        List<Long> revisions = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            revisions.add(register(backend("weather", i)).revision());
        }
        long first = revisions.get(0);
        assertThat(revisions)
                .isEqualTo(IntStream.range(0, 20).mapToObj(i -> first + i).toList());
        await().atMost(PATIENCE).until(() -> registry().snapshot().revision() == first + 19);
    }

    @Test
    void snapshotListsNamesInAlphabeticalOrder() {
        for (String name : new String[] {"weather", "a", "map", "a-1", "0"}) {
            register(backend(name, 1));
        }

        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(registry().snapshot().registrations().keySet())
                                .containsExactly("0", "a", "a-1", "map", "weather"));
    }

    @Test
    void snapshotOnceTakenNeverChanges() {
        Registration first = register(backend("weather", 1));
        awaitSnapshotWith(first);
        RegistrySnapshot before = registry().snapshot();

        awaitSnapshotWith(register(backend("weather", 2)));

        assertThat(before.registrations()).containsExactly(Map.entry("weather", first));
        assertThatThrownBy(() -> before.registrations().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void watcherSeesTheCurrentSnapshotFirst() {
        Registration kept = register(backend("weather", 1));
        awaitSnapshotWith(kept);

        StepVerifier.create(registry().watch())
                .assertNext(now -> assertThat(now.registrations()).containsExactly(Map.entry("weather", kept)))
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void watcherOfAnEmptyRegistrySeesThatItIsEmpty() {
        StepVerifier.create(registry().watch())
                .assertNext(now -> assertThat(now.registrations()).isEmpty())
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void watcherSeesEveryKindOfChange() {
        StepVerifier.create(registry().watch().map(RegistrySnapshot::registrations))
                .assertNext(now -> assertThat(now).isEmpty())
                .then(() -> register(backend("weather", 1)))
                .assertNext(now -> assertThat(backendIn(now, "weather")).isEqualTo(backend("weather", 1)))
                .then(() -> register(backend("weather", 2)))
                .assertNext(now -> assertThat(backendIn(now, "weather")).isEqualTo(backend("weather", 2)))
                .then(() -> remove("weather"))
                .assertNext(now -> assertThat(now).isEmpty())
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void watcherHearsNothingOfWhatIsNoChange() {
        awaitSnapshotWith(register(backend("weather", 1)));

        StepVerifier.create(registry().watch().map(now -> now.registrations().keySet()))
                .expectNext(Set.of("weather"))
                .then(() -> register(backend("weather", 1)))
                .then(() -> remove("clock"))
                .then(() -> register(backend("map", 1)))
                .expectNext(Set.of("map", "weather"))
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void slowWatcherSeesTheNewestAndNotEach() {
        List<RegistrySnapshot> seen = new CopyOnWriteArrayList<>();
        BaseSubscriber<RegistrySnapshot> slow = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                request(1);
            }

            @Override
            protected void hookOnNext(RegistrySnapshot now) {
                seen.add(now);
            }
        };
        registry().watch().subscribe(slow);
        await().atMost(PATIENCE).until(() -> seen.size() == 1);
        Registration last = register(backend("weather", 0));
        for (int i = 1; i < 100; i++) {
            last = register(backend("weather", i));
        }
        awaitSnapshotWith(last);

        long newest = last.revision();
        slow.request(1);

        // One that was waiting already may come before the newest; never the other ninety-eight.
        await().atMost(PATIENCE).until(() -> seen.size() == 2);
        slow.request(1);
        await().atMost(PATIENCE).until(() -> seen.get(seen.size() - 1).revision() == newest);
        assertThat(seen).hasSizeLessThanOrEqualTo(3);
        slow.cancel();
    }

    @Test
    void watcherThatLeavesDisturbsNobody() {
        List<Long> staying = new CopyOnWriteArrayList<>();
        List<Long> leaving = new CopyOnWriteArrayList<>();
        Disposable stays = registry().watch().map(RegistrySnapshot::revision).subscribe(staying::add);
        Disposable leaves = registry().watch().map(RegistrySnapshot::revision).subscribe(leaving::add);
        await().atMost(PATIENCE).until(() -> staying.size() == 1 && leaving.size() == 1);

        leaves.dispose();
        long revision = register(backend("weather", 1)).revision();

        await().atMost(PATIENCE).until(() -> staying.contains(revision));
        assertThat(leaving).doesNotContain(revision);
        stays.dispose();
    }

    @Test
    void watcherThatJoinsDuringAChangeMissesNothing() {
        for (int i = 0; i < 200; i++) {
            Backend changed = backend("weather", i);
            AtomicReference<RegistrySnapshot> seen = new AtomicReference<>(RegistrySnapshot.EMPTY);
            Mono<Registration> change = registry().register(changed).subscribeOn(Schedulers.boundedElastic());
            Mono<Disposable> join = Mono.fromCallable(() -> registry().watch().subscribe(seen::set))
                    .subscribeOn(Schedulers.boundedElastic());

            Disposable watching =
                    requireNonNull(Mono.zip(change, join).block(PATIENCE)).getT2();

            await().pollInterval(Duration.ofMillis(1))
                    .atMost(PATIENCE)
                    .until(() -> holds(requireNonNull(seen.get()), changed));
            watching.dispose();
        }
    }

    @Test
    void concurrentWritersLoseNothing() {
        List<Long> watched = new CopyOnWriteArrayList<>();
        Disposable watching = registry().watch().map(RegistrySnapshot::revision).subscribe(watched::add);
        long before = register(backend("first", 0)).revision();

        List<Registration> kept = inParallel(400, i -> registry().register(backend("backend-" + i, i)));

        assertThat(kept.stream().map(Registration::revision))
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.rangeClosed(1, 400).mapToObj(i -> before + i).toList());
        await().atMost(PATIENCE).until(() -> watched.contains(before + 400));
        RegistrySnapshot now = registry().snapshot();
        assertThat(now.revision()).isEqualTo(before + 400);
        assertThat(now.registrations().values()).containsAll(kept).hasSize(401);
        assertThat(watched).isSorted().doesNotHaveDuplicates();
        watching.dispose();
    }

    @Test
    void concurrentWritersOfOneNameFollowEachOther() {
        List<Registration> kept = inParallel(200, i -> registry().register(backend("weather", i)));

        Registration last = kept.stream()
                .max(Comparator.comparingLong(Registration::revision))
                .orElseThrow();
        awaitSnapshotWith(last);
        assertThat(kept).extracting(Registration::revision).doesNotHaveDuplicates();
        assertThat(kept).extracting(Registration::since).containsOnly(last.since());
        assertThat(kept).extracting(Registration::revision).contains(last.since());
    }

    @Test
    void sameBackendFromManyWritersIsOneChange() {
        List<Registration> kept = inParallel(100, i -> registry().register(backend("weather", 7)));

        assertThat(Set.copyOf(kept)).hasSize(1);
        assertThat(register(backend("clock", 1)).revision())
                .isEqualTo(kept.get(0).revision() + 1);
    }

    @Test
    void onlyOneOfManyRemovesABackend() {
        register(backend("weather", 1));

        List<Boolean> removed = inParallel(100, i -> registry().remove("weather"));

        assertThat(removed).containsOnlyOnce(true);
    }

    private Registry registry() {
        return requireNonNull(opened.get());
    }

    private Registration register(Backend backend) {
        return requireNonNull(registry().register(backend).block(PATIENCE));
    }

    private boolean remove(String name) {
        return requireNonNull(registry().remove(name).block(PATIENCE));
    }

    private void awaitSnapshotWith(Registration kept) {
        await().atMost(PATIENCE)
                .untilAsserted(() -> assertThat(registry().snapshot().registrations())
                        .containsEntry(kept.backend().name(), kept));
    }

    private static Backend backendIn(Map<String, Registration> registrations, String name) {
        return requireNonNull(registrations.get(name)).backend();
    }

    private static boolean holds(RegistrySnapshot snapshot, Backend backend) {
        return snapshot.registrations().values().stream()
                .anyMatch(kept -> kept.backend().equals(backend));
    }

    private static Backend backend(String name, int port) {
        return Backend.of(name, "http://127.0.0.1:" + (10_000 + port) + "/mcp", Backend.Source.API);
    }

    /** Results in no order. */
    private static <T> List<T> inParallel(int times, IntFunction<Mono<T>> act) {
        return requireNonNull(Flux.range(0, times)
                .flatMap(i -> Mono.defer(() -> act.apply(i)).subscribeOn(Schedulers.boundedElastic()), 16)
                .collectList()
                .block(PATIENCE.multipliedBy(3)));
    }
}
