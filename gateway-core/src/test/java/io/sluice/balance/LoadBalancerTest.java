package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.guard.Outcome;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class LoadBalancerTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long MILLI = 1_000_000L;

    private final AtomicLong now = new AtomicLong(SECOND);

    static Backend backend(int... weights) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < weights.length; i++) {
            endpoints.add(new Endpoint(Endpoint.of("http://e" + i + "/mcp").url(), weights[i]));
        }
        return new Backend(
                "weather",
                endpoints,
                Map.of(),
                Optional.empty(),
                Backend.DEFAULT_TIMEOUT,
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE);
    }

    private Endpoints endpoints(Strategy strategy, int... weights) {
        return new Endpoints(
                backend(weights), BalanceSettings.STANDARD.withStrategy(strategy), new Random(42), now::get);
    }

    /** Calls one after the other, none of which lasts. */
    private Map<String, Integer> picks(Endpoints endpoints, int count, long key) {
        Map<String, Integer> picks = new HashMap<>();
        for (int i = 0; i < count; i++) {
            Attempt attempt = endpoints.pick(key, now.get());
            picks.merge(attempt.endpoint().url().getHost(), 1, Integer::sum);
            attempt.end(Outcome.IGNORED, now.get());
        }
        return picks;
    }

    private Attempt until(Endpoints endpoints, String host) {
        List<Attempt> others = new ArrayList<>();
        Attempt found = endpoints.pick(0, now.get());
        while (!found.endpoint().url().getHost().equals(host)) {
            others.add(found);
            found = endpoints.pick(0, now.get());
        }
        others.forEach(other -> other.end(Outcome.IGNORED, now.get()));
        return found;
    }

    @Test
    void equalEndpointsShareTheLoad() {
        for (Strategy strategy :
                List.of(Strategy.FASTEST, Strategy.LEAST_REQUEST, Strategy.ROUND_ROBIN, Strategy.WEIGHTED)) {
            assertThat(picks(endpoints(strategy, 1, 1, 1), 3_000, 0).values())
                    .as(strategy.name())
                    .hasSize(3)
                    .allMatch(count -> count > 850 && count < 1150);
        }
    }

    @Test
    void busiestEndpointIsNeverPicked() {
        for (Strategy strategy : List.of(Strategy.FASTEST, Strategy.LEAST_REQUEST)) {
            Endpoints endpoints = endpoints(strategy, 1, 1, 1);
            until(endpoints, "e1");

            assertThat(picks(endpoints, 1_000, 0)).as(strategy.name()).doesNotContainKey("e1");
        }
    }

    @Test
    void weightMakesAnEndpointWorthMoreCalls() {
        Endpoints fastest = endpoints(Strategy.FASTEST, 1, 4);
        for (int i = 0; i < 100; i++) {
            fastest.pick(0, now.get());
        }
        assertThat(fastest.states().get(1).inFlight()).isEqualTo(80);

        assertThat(picks(endpoints(Strategy.WEIGHTED, 1, 4), 5_000, 0).get("e1"))
                .isBetween(3_850, 4_150);
    }

    @Test
    void slowEndpointIsAvoidedAtOnceAndTriedAgainWithinTenSeconds() {
        Endpoints endpoints = endpoints(Strategy.FASTEST, 1, 1);
        Attempt slow = until(endpoints, "e0");
        Attempt fast = until(endpoints, "e1");
        now.addAndGet(5 * MILLI);
        fast.answered(now.get());
        fast.end(Outcome.SUCCEEDED, now.get());
        now.addAndGet(95 * MILLI);
        slow.answered(now.get());
        slow.end(Outcome.SUCCEEDED, now.get());

        long healed = now.get();
        int wrong = 0;
        int calls = 0;
        while (true) {
            Attempt attempt = endpoints.pick(0, now.get());
            calls++;
            now.addAndGet(5 * MILLI);
            attempt.answered(now.get());
            attempt.end(Outcome.SUCCEEDED, now.get());
            if (attempt.endpoint().url().getHost().equals("e0")) {
                break;
            }
            wrong++;
        }
        assertThat(wrong).isEqualTo(calls - 1).isGreaterThan(500);
        assertThat(now.get() - healed).isLessThan(10 * SECOND);
        int back = 0;
        for (int i = 0; i < 1_000; i++) {
            Attempt attempt = endpoints.pick(0, now.get());
            back += attempt.endpoint().url().getHost().equals("e0") ? 1 : 0;
            now.addAndGet(5 * MILLI);
            attempt.answered(now.get());
            attempt.end(Outcome.SUCCEEDED, now.get());
        }
        assertThat(back).isBetween(300, 700);
    }

    @Test
    void keyStaysWithItsEndpointAndMovesOnlyWhenThatIsOut() {
        Endpoints endpoints = endpoints(Strategy.STICKY, 1, 1, 1);
        Map<Long, String> homes = new HashMap<>();
        for (long key = 1; key <= 300; key++) {
            homes.put(key, picks(endpoints, 5, key).keySet().iterator().next());
            assertThat(picks(endpoints, 20, key)).hasSize(1);
        }
        assertThat(homes.values()).contains("e0", "e1", "e2");

        endpoints.drain(endpoints.states().get(1), true);

        homes.forEach((key, home) -> {
            String moved = picks(endpoints, 3, key).keySet().iterator().next();
            assertThat(moved).isNotEqualTo("e1");
            if (!home.equals("e1")) {
                assertThat(moved).isEqualTo(home);
            }
        });
    }

    @Test
    void endpointThatComesBackGetsItsShareSlowly() {
        Endpoints endpoints = endpoints(Strategy.WEIGHTED, 1, 1);
        EndpointState back = endpoints.states().get(0);
        endpoints.drain(back, true);
        assertThat(picks(endpoints, 100, 0)).doesNotContainKey("e0");
        endpoints.drain(back, false);

        int atFirst = picks(endpoints, 1_000, 0).getOrDefault("e0", 0);
        now.addAndGet(BalanceSettings.STANDARD.slowStart().toNanos());
        int later = picks(endpoints, 1_000, 0).getOrDefault("e0", 0);

        assertThat(atFirst).isBetween(40, 150);
        assertThat(later).isBetween(430, 570);
    }
}
