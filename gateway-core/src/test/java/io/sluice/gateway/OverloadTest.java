package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.auth.Caller;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.overload.Overload;
import io.sluice.overload.Reading;
import io.sluice.overload.Step;
import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused while the gateway has too much to do, and what is not, on the lane and beside it. */
class OverloadTest {
    private static final String ANN = "ann-k7Qz2mN9vX4bR8tL1pW6";
    private static final String BATCH = "batch-y3sH5gJ0cFa1dK8wE2uR";
    private static final Reading PRESSED = new Reading(0.9, 0.2, 0);
    private static final String LEGACY_LIST = "{'jsonrpc':'2.0','id':1,'method':'tools/list'}";

    private TestGateway gateway = start(true);

    private static TestGateway start(boolean lane) {
        TestGateway.SetUp setUp = TestGateway.setUp().token("ann", ANN).token("batch", BATCH);
        TestGateway started = (lane ? setUp : setUp.withoutLane()).start().with("weather", FakeBackend.modern());
        started.gateway().guard().apply(LimitSettings.NONE.withBackground(List.of("batch")));
        return started;
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    private void begin(boolean lane, Step step) {
        if (!lane) {
            gateway.close();
            gateway = start(false);
        }
        gateway.gateway().overload().change(step, PRESSED);
    }

    private WireClient as(String token) {
        return gateway.client().with("Authorization", "Bearer " + token);
    }

    private static WireClient.Got call(WireClient client) {
        return client.modern("1", "tools/call", "'name':'echo','arguments':{}");
    }

    private static void assertRefused(WireClient.Got got, String words) {
        assertThat(got.status()).isEqualTo(503);
        assertThat(Integer.parseInt(got.header("Retry-After"))).isBetween(1, 5);
        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-31003);
        assertThat(got.json().at("/error/message").asString()).contains(words);
    }

    @ParameterizedTest
    @CsvSource({"true,CALM", "true,EASE", "false,CALM", "false,EASE"})
    void nothingIsRefusedBelowTheSecondStep(boolean lane, Step step) {
        begin(lane, step);

        assertThat(as(ANN).modern("1", "tools/list", "").status()).isEqualTo(200);
        assertThat(as(ANN).post(LEGACY_LIST).status()).isEqualTo(200);
        assertThat(call(as(BATCH)).status()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void listsAndSubscriptionsAndBackgroundCallsGoFirst(boolean lane) {
        begin(lane, Step.SHED);

        WireClient.Got list = as(ANN).modern("1", "tools/list", "");
        assertRefused(list, "The gateway is overloaded and answers no lists at the moment");
        assertThat(list.json().at("/id").asInt()).isEqualTo(1);
        assertThat(list.json().at("/error/data/kind").asString()).isEqualTo("overloaded");
        assertThat(list.json().at("/error/data/retryAfterMs").asInt()).isBetween(1000, 5000);
        assertRefused(as(ANN).post(LEGACY_LIST), "answers no lists");
        assertRefused(call(as(BATCH)), "takes no calls of background callers");
        assertRefused(as(ANN).modern("1", "subscriptions/listen", "'toolsListChanged':true"), "opens no further");
        assertThat(call(as(ANN)).status()).isEqualTo(200);
        assertThat(as(ANN).modern("1", "server/discover", "").status()).isEqualTo(200);
        assertThat(as(ANN).post("{'jsonrpc':'2.0','id':1,'method':'ping'}").status())
                .isEqualTo(200);
        Overload overload = gateway.gateway().overload();
        assertThat(overload.refused(Overload.Kind.LISTS)).isEqualTo(2);
        assertThat(overload.refused(Overload.Kind.BACKGROUND)).isEqualTo(1);
        assertThat(overload.refused(Overload.Kind.STREAMS)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void lastStepRefusesEverythingUntilItIsOver(boolean lane) {
        begin(lane, Step.REFUSE);

        assertRefused(call(as(ANN)), "takes no requests");
        gateway.gateway().overload().change(Step.CALM, PRESSED);
        assertThat(call(as(ANN)).status()).isEqualTo(200);
    }

    @Test
    void callUnderWayIsNotTouched() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        FakeBackend slow = FakeBackend.modern().tool("wait", arguments -> {
            try {
                return goOn.await(10, TimeUnit.SECONDS) ? "done" : "late";
            } catch (InterruptedException e) {
                return "interrupted";
            }
        });
        gateway.with("slow", slow);
        var waiting =
                CompletableFuture.supplyAsync(() -> as(ANN).modern("1", "tools/call", "'name':'wait','arguments':{}"));
        await().until(() -> slow.count("tools/call") == 1);

        gateway.gateway().overload().change(Step.REFUSE, PRESSED);
        goOn.countDown();

        assertThat(waiting.get().body()).contains("done");
    }

    @Test
    void callThatFailsUnexpectedlyOnTheLaneIsAnsweredAndHoldsNothing() {
        gateway.close();
        gateway = TestGateway.setUp()
                .authenticator(headers -> new Caller("ann", Broken.tenant(), false))
                .start()
                .with("weather", FakeBackend.modern());
        gateway.gateway()
                .guard()
                .apply(LimitSettings.NONE.withRates(List.of(new RateRule(
                        Optional.of("acme-*"),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        1,
                        Duration.ofHours(1),
                        1000))));

        WireClient client = gateway.client();
        WireClient.Got got = call(client);

        assertThat(got.status()).isEqualTo(500);
        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32603);
        assertThat(got.json().at("/id").asInt()).isEqualTo(1);
        assertThat(Objects.requireNonNull(
                                gateway.discovery().state().upstreams().get("weather"))
                        .gate()
                        .inFlight())
                .isZero();
        gateway.gateway().guard().apply(LimitSettings.NONE);
        assertThat(call(client).status()).isEqualTo(200);
    }

    /** A defect: a caller without what every caller has. */
    private static final class Broken {
        @SuppressWarnings("NullAway") // that is the point
        static String tenant() {
            return null;
        }
    }
}
