package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.registry.Endpoint;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LoadBalancerTest {
    private static final long SECOND = 1_000_000_000L;

    private final LoadBalancer balancer = LoadBalancer.leastRequest(new Random(42));

    private static EndpointLoad load(String host) {
        return new EndpointLoad(Endpoint.of("http://" + host + "/mcp"), 0);
    }

    private Map<EndpointLoad, Integer> picks(List<EndpointLoad> loads, long now) {
        Map<EndpointLoad, Integer> picks = new HashMap<>();
        loads.forEach(load -> picks.put(load, 0));
        IntStream.range(0, 1_000).forEach(i -> picks.merge(balancer.pick(loads, now), 1, Integer::sum));
        return picks;
    }

    @Test
    void equalEndpointsShareTheLoad() {
        List<EndpointLoad> loads =
                Stream.of("a", "b", "c").map(LoadBalancerTest::load).toList();

        assertThat(picks(loads, 0).values()).allMatch(count -> count > 200 && count < 470);
    }

    @Test
    void busiestEndpointIsNeverPicked() {
        List<EndpointLoad> loads =
                Stream.of("a", "b", "c").map(LoadBalancerTest::load).toList();
        loads.get(1).started();

        assertThat(picks(loads, 0)).containsEntry(loads.get(1), 0);
    }

    @Test
    void slowEndpointIsAvoidedAtOnceAndTriedAgainLater() {
        List<EndpointLoad> loads =
                Stream.of("a", "b").map(LoadBalancerTest::load).toList();
        loads.get(0).answered(SECOND / 10, 0);
        loads.get(1).answered(SECOND / 100, 0);

        assertThat(picks(loads, 0)).containsEntry(loads.get(0), 0);
        assertThat(loads.get(0).cost(300 * SECOND))
                .isLessThan(1.1 * loads.get(1).cost(300 * SECOND));
    }

    @Test
    void weightMakesAnEndpointWorthMoreCalls() {
        EndpointLoad light = load("a");
        EndpointLoad heavy =
                new EndpointLoad(new Endpoint(Endpoint.of("http://b/mcp").url(), 4), 0);
        for (int i = 0; i < 100; i++) {
            balancer.pick(List.of(light, heavy), 0).started();
        }

        assertThat(heavy.inFlight()).isEqualTo(80);
    }
}
