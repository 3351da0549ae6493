package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.balance.BalanceSettings;
import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.balance.EndpointState;
import io.sluice.replica.InMemoryMessages;
import io.sluice.replica.Messages;
import io.sluice.seal.Keyring;
import io.sluice.session.SessionStore;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two replicas that talk to each other; one finds an endpoint dead. */
class EjectionsTest {
    private static final BackendPolicy IN_TURN = BackendPolicy.STANDARD
            .withBalance(BalanceSettings.STANDARD.withStrategy(Strategy.ROUND_ROBIN))
            .withHealthCheck(Duration.ZERO);

    private final InMemoryMessages first = InMemoryMessages.alone();
    private final TestGateway one = start(first);
    private final TestGateway other = start(first.another());
    private final FakeBackend well = one.closing(FakeBackend.modern());
    private final FakeBackend ill = one.closing(FakeBackend.modern());

    private static TestGateway start(Messages messages) {
        return TestGateway.setUp()
                .upstream(settings -> settings.withPolicies(backend -> IN_TURN))
                .sharing(Keyring.random(), SessionStore.ofOneReplica(), messages)
                .start();
    }

    @AfterEach
    void close() {
        other.close();
        one.close();
    }

    private EndpointState illAt(TestGateway gateway) {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get("search"))
                .endpoints()
                .states()
                .get(1);
    }

    private static boolean isDoubted(EndpointState state) {
        return state.isDoubted(System.nanoTime());
    }

    @Test
    void ejectionIsAHintForTheOtherReplica() {
        one.with(FailoverTest.of("search", well, ill));
        other.with(FailoverTest.of("search", well, ill));
        ill.on("tools/call", (request, answer) -> answer.reset());

        await().atMost(Duration.ofSeconds(10)).until(() -> {
            ModernRequest.call("echo", "{}").send(one);
            return illAt(one).timesEjected() > 0;
        });

        await().atMost(Duration.ofSeconds(10)).until(() -> isDoubted(illAt(other)));
        assertThat(illAt(other).timesEjected()).as("each decides for itself").isZero();
        assertThat(isDoubted(illAt(one))).as("nobody listens to itself").isFalse();
    }

    @Test
    void wordsThatMakeNoSenseDoNothing() {
        other.with(FailoverTest.of("search", well, ill));

        for (String words :
                new String[] {"", "search", "search\nsoon\nx", "search\n5000\n::", "none\n5000\nhttp://a/mcp"}) {
            first.publish("ejections", words.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                    .block();
        }
        first.publish("ejections", ("search\n5000\n" + ill.url()).getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .block();

        await().atMost(Duration.ofSeconds(10)).until(() -> isDoubted(illAt(other)));
    }
}
