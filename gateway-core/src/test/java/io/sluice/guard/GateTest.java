package io.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GateTest {
    private static final long MILLI = 1_000_000L;
    private static final long SECOND = 1_000 * MILLI;

    private final AtomicLong now = new AtomicLong(SECOND);

    private Gate gate(int places, int queue) {
        return new Gate(
                "weather",
                GateSettings.STANDARD.withConcurrent(places, false).withQueue(queue, Duration.ofSeconds(10)),
                500,
                now::get);
    }

    private Permit admitted(Gate gate) {
        return Objects.requireNonNull(gate.tryAdmit(Priority.INTERACTIVE, now.get()));
    }

    /** Notes what somebody in line is told. */
    private static final class Told implements Gate.Waiting {
        private final List<Permit> admitted = new ArrayList<>();
        private final List<BackendFailure> refused = new ArrayList<>();

        @Override
        public void admitted(Permit permit) {
            admitted.add(permit);
        }

        @Override
        public void refused(BackendFailure why) {
            refused.add(why);
        }
    }

    @Test
    void permitIsReturnedExactlyOnceWhoeverEndsItHowOften() {
        Gate gate = gate(1, 0);
        Permit permit = admitted(gate);
        assertThat(gate.tryAdmit(Priority.INTERACTIVE, now.get())).isNull();

        permit.end(Outcome.SUCCEEDED, now.get());
        permit.end(Outcome.FAILED, now.get());
        permit.end(Outcome.IGNORED, now.get());

        assertThat(gate.inFlight()).isZero();
        admitted(gate);
        assertThat(gate.tryAdmit(Priority.INTERACTIVE, now.get())).isNull();
    }

    @Test
    void whoWaitsLongestIsNextAndInteractiveCallsGoFirst() {
        Gate gate = gate(2, 3);
        Permit first = admitted(gate);
        Permit second = admitted(gate);
        Told later = new Told();
        Told sooner = new Told();
        gate.join(Priority.BACKGROUND, false, now.get(), later);
        gate.join(Priority.INTERACTIVE, false, now.get(), sooner);
        assertThat(gate.tryAdmit(Priority.INTERACTIVE, now.get())).isNull();

        first.end(Outcome.SUCCEEDED, now.get());

        assertThat(sooner.admitted).hasSize(1);
        assertThat(later.admitted).isEmpty();
        second.end(Outcome.SUCCEEDED, now.get());
        assertThat(later.admitted)
                .as("half of the places are not for the background")
                .isEmpty();
        sooner.admitted.get(0).end(Outcome.SUCCEEDED, now.get());
        assertThat(later.admitted).hasSize(1);
    }

    @Test
    void lineIsBounded() {
        Gate gate = gate(1, 1);
        admitted(gate);
        gate.join(Priority.INTERACTIVE, false, now.get(), new Told());
        Told third = new Told();

        gate.join(Priority.INTERACTIVE, false, now.get(), third);

        assertThat(third.refused).singleElement().satisfies(why -> {
            assertThat(why.reason()).isEqualTo("Backend 'weather' is at its limit of 1 concurrent calls");
            assertThat(why.data()).hasValueSatisfying(data -> assertThat(data).contains("\"retryAfterMs\":1000"));
        });
    }

    @Test
    void interactiveCallOvertakesTheLineOfTheBackground() {
        Gate gate = gate(4, 10);
        Permit held = Objects.requireNonNull(gate.tryAdmit(Priority.BACKGROUND, now.get()));
        Objects.requireNonNull(gate.tryAdmit(Priority.BACKGROUND, now.get()));
        assertThat(gate.tryAdmit(Priority.BACKGROUND, now.get())).isNull();
        Told waits = new Told();
        gate.join(Priority.BACKGROUND, false, now.get(), waits);

        admitted(gate);
        admitted(gate);

        assertThat(gate.tryAdmit(Priority.INTERACTIVE, now.get())).isNull();
        assertThat(gate.inFlight()).isEqualTo(4);
        held.end(Outcome.SUCCEEDED, now.get());
        assertThat(waits.admitted)
                .as("three are under way, of which two may be background")
                .isEmpty();
    }

    @Test
    void interactiveCallTakesThePlaceInLineOfTheLastBackgroundCall() {
        Gate gate = gate(1, 2);
        Permit held = admitted(gate);
        Told first = new Told();
        Told last = new Told();
        gate.join(Priority.BACKGROUND, false, now.get(), first);
        gate.join(Priority.BACKGROUND, false, now.get(), last);
        Told interactive = new Told();

        gate.join(Priority.INTERACTIVE, false, now.get(), interactive);

        assertThat(last.refused).hasSize(1);
        assertThat(first.refused).isEmpty();
        assertThat(gate.waiting()).isEqualTo(2);
        held.end(Outcome.SUCCEEDED, now.get());
        assertThat(interactive.admitted).hasSize(1);
    }

    @Test
    void lineOfTheBackgroundThatStandsDoesNotHurryInteractiveCalls() {
        Gate gate = gate(1, 10);
        Permit held = admitted(gate);
        gate.join(Priority.BACKGROUND, false, now.get(), new Told());
        now.addAndGet(2 * SECOND);
        Told interactive = new Told();
        gate.join(Priority.INTERACTIVE, false, now.get(), interactive);
        now.addAndGet(500 * MILLI);

        held.end(Outcome.IGNORED, now.get());

        assertThat(interactive.admitted).hasSize(1);
    }

    @Test
    void whoLeavesTheLineIsNotServed() {
        Gate gate = gate(1, 1);
        Permit held = admitted(gate);
        Told told = new Told();
        Gate.InLine place = gate.join(Priority.INTERACTIVE, false, now.get(), told);

        assertThat(place.leave()).isTrue();
        assertThat(place.leave()).isFalse();
        held.end(Outcome.SUCCEEDED, now.get());

        assertThat(told.admitted).isEmpty();
        admitted(gate);
    }

    @Test
    void lineThatStandsRefusesThoseWhoWaitedLongInsteadOfServingThem() {
        Gate gate = gate(1, 100);
        Permit held = admitted(gate);
        Told early = new Told();
        Told late = new Told();
        gate.join(Priority.INTERACTIVE, false, now.get(), early);
        now.addAndGet(2 * SECOND);
        gate.join(Priority.INTERACTIVE, false, now.get(), late);

        held.end(Outcome.IGNORED, now.get());

        assertThat(early.refused).hasSize(1);
        assertThat(late.admitted).hasSize(1);
    }

    @Test
    void breakerOpensOnFailuresRefusesInBandAndClosesAfterProbesThatGoWell() {
        Gate gate = gate(100, 0);
        for (int i = 0; i < 10; i++) {
            admitted(gate).end(i % 2 == 0 ? Outcome.FAILED : Outcome.SUCCEEDED, now.get());
        }
        assertThat(gate.breakerState()).isEqualTo(State.OPEN);
        assertThatThrownBy(() -> gate.tryAdmit(Priority.INTERACTIVE, now.get()))
                .isInstanceOfSatisfying(BackendFailure.class, refusal -> {
                    assertThat(refusal.status()).isEqualTo(200);
                    assertThat(refusal.data())
                            .hasValueSatisfying(data -> assertThat(data).contains("\"retryAfterMs\":2000"));
                });
        assertThat(gate.inFlight()).isZero();

        now.addAndGet(2 * SECOND + 1);
        for (int i = 0; i < 3; i++) {
            admitted(gate).end(Outcome.SUCCEEDED, now.get());
        }

        assertThat(gate.breakerState()).isEqualTo(State.CLOSED);
    }

    @Test
    void breakerStaysOpenLongerEachTimeItsProbesFail() {
        Gate gate = gate(100, 0);
        for (int i = 0; i < 10; i++) {
            admitted(gate).end(Outcome.FAILED, now.get());
        }
        List<Long> rests = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            rests.add(gate.breaker().retryAfter().toSeconds());
            now.addAndGet(gate.breaker().retryAfter().toNanos() + 1);
            List<Permit> probes =
                    IntStream.range(0, 3).mapToObj(i -> admitted(gate)).toList();
            probes.forEach(probe -> probe.end(Outcome.FAILED, now.get()));
        }

        assertThat(rests).containsExactly(2L, 4L, 8L, 16L, 30L, 30L);
    }

    @Test
    void cancelledCallsAndTheGatewaysOwnTeachTheBreakerNothing() {
        Gate gate = gate(100, 0);
        for (int i = 0; i < 200; i++) {
            admitted(gate).end(Outcome.IGNORED, now.get());
            Objects.requireNonNull(gate.tryAdmitOwn(now.get())).end(Outcome.FAILED, now.get());
        }

        assertThat(gate.breakerState()).isEqualTo(State.CLOSED);
        assertThat(gate.breaker().read(it -> it.getNumberOfBufferedCalls())).isZero();
    }

    @Test
    void slowCallsOpenABreakerThatIsToldWhatSlowMeans() {
        Gate gate = new Gate(
                "weather",
                GateSettings.STANDARD.withBreaker(BreakerSettings.STANDARD.withSlow(Duration.ofSeconds(5), 80)),
                500,
                now::get);
        for (int i = 0; i < 10; i++) {
            admitted(gate).end(Outcome.SUCCEEDED, 6 * SECOND, now.get());
        }

        assertThat(gate.breakerState()).isEqualTo(State.OPEN);
    }

    @Test
    void limitShrinksWhileAnswersTakeLongerAndGrowsBack() {
        Gate gate = new Gate("weather", GateSettings.STANDARD.withConcurrent(200, true), 500, now::get);
        answers(gate, 30, 200, 20 * MILLI);
        assertThat(gate.limit()).isEqualTo(200);

        answers(gate, 60, 200, 400 * MILLI);
        int shrunk = gate.limit();
        answers(gate, 300, 200, 20 * MILLI);

        assertThat(shrunk).isLessThan(60);
        assertThat(gate.limit()).isGreaterThan(100);
    }

    /** So many windows, in which as many calls as may be are under way and take so long. */
    private void answers(Gate gate, int windows, int atOnce, long took) {
        for (int window = 0; window < windows; window++) {
            List<Permit> calls = new ArrayList<>();
            for (int i = 0; i < atOnce; i++) {
                Permit permit = gate.tryAdmit(Priority.INTERACTIVE, now.get());
                if (permit != null) {
                    calls.add(permit);
                }
            }
            now.addAndGet(101 * MILLI);
            calls.forEach(call -> call.end(Outcome.SUCCEEDED, took, now.get()));
        }
    }

    @Test
    void noPlaceIsLostOrDoubledWhoeverComesGoesAndLeaves() throws Exception {
        long seed = System.nanoTime();
        Gate gate = gate(3, 50);
        AtomicInteger most = new AtomicInteger();
        AtomicInteger inside = new AtomicInteger();
        int threads = 4;
        CountDownLatch done = new CountDownLatch(threads);
        for (int t = 0; t < threads; t++) {
            Random random = new Random(seed + t);
            new Thread(() -> {
                        ConcurrentLinkedQueue<Permit> mine = new ConcurrentLinkedQueue<>();
                        for (int i = 0; i < 5_000; i++) {
                            visit(gate, random, mine, inside, most);
                        }
                        mine.forEach(permit -> leave(permit, inside));
                        done.countDown();
                    })
                    .start();
        }
        done.await();

        assertThat(most).as("seed " + seed).hasValueLessThanOrEqualTo(3);
        assertThat(gate.inFlight()).as("seed " + seed).isZero();
        assertThat(gate.waiting()).as("seed " + seed).isZero();
    }

    private void visit(
            Gate gate, Random random, ConcurrentLinkedQueue<Permit> mine, AtomicInteger inside, AtomicInteger most) {
        Priority priority = random.nextInt(3) == 0 ? Priority.BACKGROUND : Priority.INTERACTIVE;
        @Nullable Permit permit = gate.tryAdmit(priority, now.get());
        if (permit != null) {
            entered(inside, most);
            mine.add(permit);
        } else {
            Gate.InLine place = gate.join(priority, false, now.get(), new Gate.Waiting() {
                @Override
                public void admitted(Permit granted) {
                    entered(inside, most);
                    leave(granted, inside);
                }

                @Override
                public void refused(BackendFailure why) {}
            });
            if (random.nextBoolean()) {
                place.leave();
            }
        }
        Permit oldest = random.nextInt(3) > 0 ? mine.poll() : null;
        if (oldest != null) {
            leave(oldest, inside);
        }
    }

    private static void entered(AtomicInteger inside, AtomicInteger most) {
        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
    }

    private void leave(Permit permit, AtomicInteger inside) {
        inside.decrementAndGet();
        permit.end(Outcome.SUCCEEDED, now.get());
    }
}
