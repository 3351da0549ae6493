package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.sluice.guard.Outcome;
import io.sluice.registry.Endpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EjectionTest {
    private static final long MILLI = 1_000_000L;
    private static final long SECOND = 1_000 * MILLI;

    private final AtomicLong now = new AtomicLong(SECOND);
    private final List<String> told = new ArrayList<>();

    private Endpoints endpoints(int count) {
        int[] weights = new int[count];
        java.util.Arrays.fill(weights, 1);
        Endpoints endpoints =
                new Endpoints(LoadBalancerTest.backend(weights), BalanceSettings.STANDARD, new Random(7), now::get);
        endpoints.listener((at, out) -> told.add(at.url().getHost() + " " + out.toSeconds()));
        return endpoints;
    }

    /** One call each 10 ms; those to the bad ones fail at once. Returns how many went there. */
    private int run(Endpoints endpoints, int calls, Set<String> bad) {
        int wrong = 0;
        for (int i = 0; i < calls; i++) {
            Attempt attempt = endpoints.pick(0, now.get());
            boolean fails = bad.contains(attempt.endpoint().url().getHost());
            wrong += fails ? 1 : 0;
            now.addAndGet(10 * MILLI);
            if (!fails) {
                attempt.answered(now.get());
            }
            attempt.end(fails ? Outcome.FAILED : Outcome.SUCCEEDED, now.get());
        }
        return wrong;
    }

    private Endpoint at(Endpoints endpoints, int index) {
        return endpoints.states().get(index).endpoint();
    }

    @Test
    void endpointThatFailsFiveTimesInARowIsOutAndComesBackWhenACheckGoesWell() {
        Endpoints endpoints = endpoints(3);
        for (int i = 0; i < 5; i++) {
            endpoints.pinned(at(endpoints, 1), now.get()).end(Outcome.FAILED, now.get());
        }

        assertThat(told).containsExactly("e1 5");
        assertThat(run(endpoints, 300, Set.of("e1"))).isZero();

        endpoints.checked(at(endpoints, 1), true);
        assertThat(told).containsExactly("e1 5", "e1 0");
        now.addAndGet(5 * SECOND);
        assertThat(run(endpoints, 300, Set.of("e1"))).isGreaterThan(0);
    }

    @Test
    void deadEndpointGetsAlmostNothingAlsoWithoutChecks() {
        Endpoints endpoints = endpoints(3);

        int warmUp = run(endpoints, 500, Set.of("e1"));
        int later = run(endpoints, 6_000, Set.of("e1"));

        assertThat(warmUp).isLessThan(15);
        assertThat(later).isLessThan(60);
    }

    @Test
    void whatAnotherReplicaSaysHalvesTheShareAndTheFailuresThatAreEnough() {
        Endpoints endpoints = endpoints(3);

        endpoints.doubt(at(endpoints, 1).url(), Duration.ofSeconds(5));

        assertThat(endpoints.states().get(1).isEjected(now.get())).isFalse();
        for (int i = 0; i < 2; i++) {
            endpoints.pinned(at(endpoints, 2), now.get()).end(Outcome.FAILED, now.get());
            endpoints.pinned(at(endpoints, 1), now.get()).end(Outcome.FAILED, now.get());
        }
        assertThat(told).containsExactly("e1 5");
    }

    @Test
    void whatAnotherReplicaSaysIsForgottenWithItsTimeOrItsWord() {
        Endpoints endpoints = endpoints(3);
        EndpointState doubted = endpoints.states().get(1);
        double full = doubted.weight(now.get());

        endpoints.doubt(at(endpoints, 1).url(), Duration.ofSeconds(5));
        assertThat(doubted.weight(now.get())).isEqualTo(full / 2);
        now.addAndGet(5 * SECOND);
        assertThat(doubted.weight(now.get())).isEqualTo(full);
        endpoints.doubt(at(endpoints, 1).url(), Duration.ofDays(9));
        assertThat(doubted.weight(now.get())).isEqualTo(full / 2);
        endpoints.doubt(at(endpoints, 1).url(), Duration.ZERO);
        assertThat(doubted.weight(now.get())).isEqualTo(full);
    }

    @Test
    void whatIsDoneByHandIsNotTold() {
        Endpoints endpoints = endpoints(3);

        endpoints.eject(endpoints.states().get(1), Duration.ofSeconds(9));
        endpoints.eject(endpoints.states().get(1), Duration.ZERO);

        assertThat(told).isEmpty();
    }

    @Test
    void healedEndpointIsBackWithinTenSecondsOfTheEndOfItsEjection() {
        Endpoints endpoints = endpoints(3);
        for (int i = 0; i < 5; i++) {
            endpoints.pinned(at(endpoints, 1), now.get()).end(Outcome.FAILED, now.get());
        }
        now.addAndGet(5 * SECOND);

        int used = run(endpoints, 1_000, Set.of());

        assertThat(used).isZero();
        assertThat(told).containsExactly("e1 5", "e1 0");
        assertThat(endpoints.states().get(1).averageNanos(now.get())).isLessThan(20 * MILLI);
    }

    @Test
    void neverAreMoreThanHalfEjected() {
        Endpoints endpoints = endpoints(5);
        run(endpoints, 3_000, Set.of("e0", "e1", "e2", "e3", "e4"));

        assertThat(endpoints.states().stream()
                        .filter(state -> state.isEjected(now.get()))
                        .count())
                .isLessThanOrEqualTo(2);
    }

    @Test
    void whenNoneIsLeftAllAreTried() {
        Endpoints endpoints = endpoints(3);
        run(endpoints, 300, Set.of("e0", "e1", "e2"));
        assertThat(endpoints.states()).allMatch(state -> !state.isEligible(now.get()));

        Attempt attempt = endpoints.pick(0, now.get());

        assertThat(attempt.endpoint()).isIn(at(endpoints, 0), at(endpoints, 1), at(endpoints, 2));
    }

    @Test
    void outlierAmongFiveIsFoundByItsShareOfSuccesses() {
        Endpoints endpoints = endpoints(6);
        Random random = new Random(3);
        for (int i = 0; i < 4_000; i++) {
            Endpoint to = at(endpoints, i % 6);
            boolean fails = i % 6 == 2 && random.nextInt(3) == 0;
            now.addAndGet(3 * MILLI);
            Attempt attempt = endpoints.pinned(to, now.get());
            attempt.answered(now.get());
            attempt.end(fails ? Outcome.FAILED : Outcome.SUCCEEDED, now.get());
        }

        assertThat(told).contains("e2 5").noneMatch(line -> !line.startsWith("e2"));
    }

    @Test
    void breakerOfAnEndpointOpensAndTheOthersServe() {
        Endpoints endpoints = endpoints(2);
        for (int i = 0; i < 40; i++) {
            Attempt attempt = endpoints.pinned(at(endpoints, 0), now.get());
            attempt.answered(now.get());
            attempt.end(i % 2 == 0 ? Outcome.FAILED : Outcome.SUCCEEDED, now.get());
        }

        assertThat(endpoints.states().get(0).breakerState()).isEqualTo(State.OPEN);
        assertThat(told).isEmpty();
        assertThat(run(endpoints, 100, Set.of("e0"))).isZero();
    }

    @Test
    void cancelledAttemptsTeachNothingButHowLongItTakes() {
        Endpoints endpoints = endpoints(2);
        for (int i = 0; i < 50; i++) {
            Attempt attempt = endpoints.pinned(at(endpoints, 0), now.get());
            now.addAndGet(100 * MILLI);
            attempt.end(Outcome.IGNORED, now.get());
            attempt.end(Outcome.FAILED, now.get());
        }

        assertThat(told).isEmpty();
        assertThat(endpoints.states().get(0).breakerState()).isEqualTo(State.CLOSED);
        assertThat(endpoints.states().get(0).inFlight()).isZero();
        assertThat(run(endpoints, 100, Set.of("e0"))).isZero();
    }

    @Test
    void handsMayEjectAndBringBack() {
        Endpoints endpoints = endpoints(2);
        EndpointState state = endpoints.states().get(0);

        endpoints.eject(state, Duration.ofMinutes(1));
        assertThat(run(endpoints, 100, Set.of("e0"))).isZero();
        endpoints.eject(state, Duration.ZERO);

        assertThat(state.isEjected(now.get())).isFalse();
    }

    @Test
    void whatIsEjectedByHandIsNotBroughtBackByChecks() {
        Endpoints endpoints = endpoints(2);
        EndpointState state = endpoints.states().get(0);
        endpoints.eject(state, Duration.ofMinutes(1));

        endpoints.checked(state.endpoint(), true);
        assertThat(state.isEjected(now.get())).isTrue();

        now.addAndGet(61 * SECOND);
        endpoints.checked(state.endpoint(), true);
        assertThat(endpoints.out(now.get())).isEmpty();
    }

    @Test
    void endpointThatAnswersChecksAndNothingElseGetsOneCallInFiveSeconds() {
        Endpoints endpoints = endpoints(3);
        for (int i = 0; i < 5; i++) {
            endpoints.pinned(at(endpoints, 1), now.get()).end(Outcome.FAILED, now.get());
        }
        int wrong = 0;

        for (int i = 0; i < 30; i++) { // a minute, with a check each two seconds
            endpoints.checked(at(endpoints, 1), true);
            wrong += run(endpoints, 200, Set.of("e1"));
        }

        assertThat(wrong).isBetween(5, 20);
        for (int i = 0; i < 5; i++) { // it heals: ten seconds
            endpoints.checked(at(endpoints, 1), true);
            run(endpoints, 200, Set.of());
        }
        assertThat(endpoints.states().get(1).isEligible(now.get())).isTrue();
        for (int i = 0; i < 4; i++) {
            endpoints.pinned(at(endpoints, 1), now.get()).end(Outcome.FAILED, now.get());
        }
        assertThat(endpoints.states().get(1).isEligible(now.get()))
                .as("a call has gone well: five failures eject it as any other")
                .isTrue();
    }
}
