package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.balance.BalanceSettings;
import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.balance.EndpointState;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How an endpoint that is out is asked whether it is back. */
class HealthChecksTest {
    private static final BackendPolicy OFTEN = BackendPolicy.STANDARD
            .withBalance(BalanceSettings.STANDARD.withStrategy(Strategy.ROUND_ROBIN))
            .withHealthCheck(Duration.ofMillis(30));

    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(backend -> OFTEN))
            .start();
    private final FakeBackend well = gateway.closing(FakeBackend.legacy());
    private final FakeBackend ill = gateway.closing(FakeBackend.legacy());

    @AfterEach
    void close() {
        gateway.close();
    }

    private EndpointState state() {
        return gateway.upstream("search").endpoints().states().get(1);
    }

    @Test
    void legacyEndpointIsAskedOnTheSessionThatIsKeptThere() {
        gateway.with(FailoverTest.of("search", well, ill));
        ill.on("ping", (request, answer) -> answer.status(503, "text/plain", "not yet"));
        ill.on("tools/call", (request, answer) -> answer.reset());
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            ModernRequest.call("echo", "{}").send(gateway);
            return state().isEjected(System.nanoTime());
        });

        await().atMost(Duration.ofSeconds(10)).until(() -> ill.count("ping") > 5);

        assertThat(ill.sessions()).hasSize(1);
        assertThat(ill.count("initialize")).isEqualTo(1);
        ill.usual("ping");
        await("only a check or a call brings it back, and there are no calls")
                .atMost(Duration.ofSeconds(10))
                .until(() -> gateway.upstream("search")
                        .endpoints()
                        .out(System.nanoTime())
                        .isEmpty());
        assertThat(ill.count("initialize")).isEqualTo(1);
    }
}
