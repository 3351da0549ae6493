package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.balance.BalanceSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** One endpoint of three is slow or dies, under a steady load. The long form with figures is ReliabilityScenarios. */
class EndpointTroubleTest {
    /** Read when the backend is registered. */
    private BackendPolicy policy = BackendPolicy.STANDARD;

    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(backend -> policy))
            .start();
    private final List<Trouble> all =
            Stream.generate(() -> new Trouble(1000, 5)).limit(3).toList();
    private final OpenLoop load = new OpenLoop(gateway.port(), "echo");

    EndpointTroubleTest() {
        all.forEach(trouble -> gateway.closing(trouble.backend()));
    }

    private void register() {
        gateway.with(
                FailoverTest.of("search", all.stream().map(Trouble::backend).toArray(FakeBackend[]::new)));
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    private Upstream upstream() {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get("search"));
    }

    @Test
    void slowEndpointGetsFewCallsAndItsShareAgainWhenItHeals() {
        register();
        load.run(100, Duration.ofSeconds(1));
        all.get(1).takes(500);
        load.run(100, Duration.ofSeconds(1));
        all.forEach(Trouble::calls);

        load.run(100, Duration.ofSeconds(3));

        assertThat(all.get(1).calls()).isLessThan(60); // of 300, a hundred would be its share
        await("a stream that is listened to is no load")
                .until(() -> upstream().endpoints().states().stream().allMatch(state -> state.inFlight() == 0));
        all.get(1).takes(5);
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            load.run(100, Duration.ofMillis(500));
            return all.get(1).calls() > 8;
        });
    }

    @Test
    void deadEndpointIsEjectedAndComesBackByItsHealthCheck() {
        // every third call goes there, whereas the standard would go elsewhere before it has failed often enough
        policy = policy.withBalance(BalanceSettings.STANDARD.withStrategy(BalanceSettings.Strategy.ROUND_ROBIN));
        register();
        load.run(100, Duration.ofSeconds(1));
        all.get(1).backend().down();
        await().atMost(Duration.ofSeconds(15)).until(() -> {
            load.run(100, Duration.ofMillis(500));
            return upstream().endpoints().out(System.nanoTime()).size() == 1;
        });

        OpenLoop.Figures without = load.run(100, Duration.ofSeconds(1));

        assertThat(without.good()).isEqualTo(without.calls());
        all.get(1).backend().up();
        all.get(1).calls();
        await().atMost(Duration.ofSeconds(10))
                .until(() -> upstream().endpoints().out(System.nanoTime()).isEmpty());
        load.run(100, Duration.ofSeconds(1));
        assertThat(all.get(1).calls()).isPositive();
    }
}
