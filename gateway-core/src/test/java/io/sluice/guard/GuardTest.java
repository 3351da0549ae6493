package io.sluice.guard;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.auth.Caller;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GuardTest {
    private static final long MILLI = 1_000_000L;
    private static final long SECOND = 1_000 * MILLI;
    private static final Caller ANN = new Caller("ann", "acme", false);
    private static final Caller BOB = new Caller("bob", "acme", false);
    private static final byte[] BODY = "{\"city\":\"Rome\"}{\"city\":\"Oslo\"}".getBytes(UTF_8);

    private long now = SECOND;

    private static RateRule rule(
            @Nullable String tenant,
            @Nullable String caller,
            @Nullable String backend,
            @Nullable String tool,
            int calls,
            int burst) {
        return new RateRule(
                Optional.ofNullable(tenant),
                Optional.ofNullable(caller),
                Optional.ofNullable(backend),
                Optional.ofNullable(tool),
                calls,
                Duration.ofSeconds(1),
                burst);
    }

    private static Guard guard(RateRule... rules) {
        return new Guard(LimitSettings.NONE.withRates(List.of(rules)));
    }

    private boolean passes(Guard guard, Caller caller, String backend, String tool) {
        try {
            guard.check(caller, backend, tool, BODY, 0, 15, now);
            return true;
        } catch (Rejection refused) {
            return false;
        }
    }

    @Test
    void limitIsExactOverTime() {
        Guard guard = guard(rule(null, "*", null, null, 100, 10));
        int passed = 0;
        for (int i = 0; i < 30_000; i++) {
            now += MILLI;
            passed += passes(guard, ANN, "weather", "echo") ? 1 : 0;
        }

        assertThat(passed).isBetween(3_000, 3_010);
    }

    @Test
    void eachCallerHasItsOwnBudgetAndHearsWhenThereIsRoom() {
        Guard guard = guard(rule(null, "*", null, null, 10, 2));
        assertThat(passes(guard, ANN, "weather", "echo")).isTrue();
        assertThat(passes(guard, ANN, "mail", "send")).isTrue();

        assertThatThrownBy(() -> guard.check(ANN, "weather", "echo", BODY, 0, 0, now))
                .isInstanceOfSatisfying(Rejection.Limited.class, refusal -> {
                    assertThat(refusal.status()).isEqualTo(429);
                    assertThat(refusal.headers()).containsEntry("Retry-After", "1");
                    assertThat(refusal.data()).contains("{\"kind\":\"limited\",\"retryAfterMs\":100}");
                    assertThat(refusal.reason())
                            .isEqualTo(
                                    "Caller 'ann' is at its limit of 10 calls in 1 s; there is room again in 100 ms");
                });
        assertThat(passes(guard, BOB, "weather", "echo")).isTrue();
        now += 100 * MILLI;
        assertThat(passes(guard, ANN, "weather", "echo")).isTrue();
        assertThat(passes(guard, ANN, "weather", "echo")).isFalse();
    }

    @Test
    void everyLevelMustHaveSomethingLeftAndNoneIsChargedInVain() {
        Guard guard = guard(
                rule("*", null, null, null, 1, 100),
                rule(null, "*", null, null, 1, 50),
                rule(null, null, "mail", null, 1, 5),
                rule(null, null, "mail", "send*", 1, 2));
        assertThat(passes(guard, ANN, "mail", "send")).isTrue();
        assertThat(passes(guard, BOB, "mail", "send")).isTrue();
        for (int i = 0; i < 200; i++) {
            assertThat(passes(guard, ANN, "mail", "send")).isFalse();
        }
        for (int i = 0; i < 3; i++) {
            assertThat(passes(guard, ANN, "mail", "read")).isTrue();
        }
        assertThat(passes(guard, ANN, "mail", "read"))
                .as("the backend's five are used up")
                .isFalse();
        int rest = 0;
        while (passes(guard, ANN, "weather", "echo")) {
            rest++;
        }
        assertThat(rest).as("what is left of the caller's fifty").isEqualTo(46);
    }

    @Test
    void whatAllCallersShareIsRefusedInBand() {
        Guard guard = guard(rule(null, null, "mail", "mail__send", 1, 1));
        assertThat(passes(guard, ANN, "mail", "send")).isTrue();

        assertThatThrownBy(() -> guard.check(BOB, "mail", "send", BODY, 0, 0, now))
                .isInstanceOfSatisfying(
                        Rejection.BackendFailure.class,
                        refusal -> assertThat(refusal.data())
                                .contains("{\"backend\":\"mail\",\"kind\":\"limited\",\"retryAfterMs\":1000}"));
    }

    @Test
    void budgetsSurviveAReloadThatDoesNotChangeThem() {
        RateRule rule = rule(null, "*", null, null, 1, 1);
        Guard guard = guard(rule);
        passes(guard, ANN, "weather", "echo");

        guard.apply(LimitSettings.NONE.withRates(List.of(rule)));

        assertThat(passes(guard, ANN, "weather", "echo")).isFalse();
    }

    @Test
    void manyCallersDoNotPileUp() {
        Guard guard = guard(rule(null, "*", null, null, 1000, 1));
        for (int i = 0; i < 200_000; i++) {
            now += MILLI;
            assertThat(passes(guard, new Caller("c" + i, "", false), "weather", "echo"))
                    .isTrue();
        }
        assertThat(passes(guard, new Caller("c199999", "", false), "weather", "echo"))
                .isFalse();
    }

    @Test
    void callerInALoopIsStoppedUntilTheTimeIsOver() {
        Guard guard = new Guard(LimitSettings.NONE.withIdenticalCalls(3, Duration.ofSeconds(60)));
        for (int i = 0; i < 3; i++) {
            assertThat(passes(guard, ANN, "weather", "echo")).isTrue();
        }

        assertThat(passes(guard, ANN, "weather", "echo")).isFalse();
        assertThat(passes(guard, BOB, "weather", "echo")).isTrue();
        assertThat(passes(guard, ANN, "weather", "other")).isTrue();
        guard.check(ANN, "weather", "echo", BODY, 15, 30, now);
        now += 60 * SECOND;
        assertThat(passes(guard, ANN, "weather", "echo")).isTrue();
    }

    @Test
    void retriesArePartOfTheCallsAndAFewMore() {
        RetryBudget budget = new RetryBudget(20, 3);
        int spent = 0;
        for (int i = 0; i < 10_000; i++) {
            budget.earn();
            spent += budget.trySpend() ? 1 : 0;
        }

        assertThat(spent).isBetween(2_000, 2_003);
    }

    @Test
    void quantileIsFollowed() {
        Quantile p95 = new Quantile(0.95);
        java.util.Random random = new java.util.Random(5);
        assertThat(p95.value()).isEqualTo(Long.MAX_VALUE);
        for (int i = 0; i < 20_000; i++) {
            p95.add(1_000_000 + random.nextInt(1_000_000));
        }

        assertThat(p95.value()).isBetween(1_800_000L, 2_050_000L);
    }
}
