package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

class PlacesTest {
    private final VirtualTimeScheduler timer = VirtualTimeScheduler.create();

    private Mono<Places.Place> take(Places places) {
        return places.take(Duration.ofSeconds(10), timer);
    }

    @Test
    void whoWaitsLongestIsNext() {
        Places places = new Places(1, 2);
        List<String> served = new ArrayList<>();
        Places.Place first = Objects.requireNonNull(places.tryTake());
        take(places).subscribe(place -> served.add("second"));
        take(places).subscribe(place -> served.add("third"));
        assertThat(places.tryTake()).isNull();

        first.giveUp();
        first.giveUp();

        assertThat(served).containsExactly("second");
    }

    @Test
    void lineIsBoundedAndEndsInTime() {
        Places places = new Places(1, 1);
        Places.Place held = Objects.requireNonNull(places.tryTake());
        CompletableFuture<Places.@Nullable Place> waits = take(places).toFuture();

        assertThatThrownBy(() -> take(places).block()).isInstanceOf(Places.Full.class);
        timer.advanceTimeBy(Duration.ofSeconds(10));

        assertThat(waits).failsWithin(Duration.ZERO).withThrowableThat().withCauseInstanceOf(Places.Full.class);
        held.giveUp();
        assertThat(places.tryTake()).isNotNull();
    }

    @Test
    void whoLeavesTheLineIsNotServed() {
        Places places = new Places(1, 1);
        Places.Place held = Objects.requireNonNull(places.tryTake());
        Disposable waits = take(places).subscribe();

        waits.dispose();
        held.giveUp();

        assertThat(places.tryTake()).isNotNull();
    }

    @Test
    void noPlaceIsLostOrDoubledWhateverIsCancelled() {
        long seed = System.nanoTime();
        Places places = new Places(3, 100);

        Flux.range(0, 20_000)
                .flatMap(
                        i -> {
                            Duration patience = Duration.ofNanos(new Random(seed + i).nextInt(200_000));
                            return places.take(Duration.ofSeconds(10), Schedulers.parallel())
                                    .flatMap(place -> Mono.empty().doFinally(end -> place.giveUp()))
                                    .subscribeOn(Schedulers.parallel())
                                    .take(patience)
                                    .onErrorComplete();
                        },
                        32)
                .blockLast(Duration.ofSeconds(60));

        await().untilAsserted(
                        () -> assertThat(places.free()).as("seed %d", seed).isEqualTo(3));
    }
}
