package io.sluice.overload;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When the gateway spares itself, and when no more. */
class LadderTest {
    private static final long LOOK = Duration.ofMillis(250).toNanos();

    private final Ladder ladder = new Ladder(OverloadSettings.STANDARD);
    private long now;
    private Step step = Step.CALM;

    private static Reading heap(int percent) {
        return new Reading(percent / 100.0, 0, 0);
    }

    private static Reading lag(long millis) {
        return new Reading(0.1, 0.1, Duration.ofMillis(millis).toNanos());
    }

    /** The steps that were seen while it looked so for so long. */
    private List<Step> during(Duration time, Reading reading) {
        List<Step> seen = new ArrayList<>();
        for (long until = now + time.toNanos(); now < until; now += LOOK) {
            step = ladder.next(reading, now);
            if (seen.isEmpty() || seen.get(seen.size() - 1) != step) {
                seen.add(step);
            }
        }
        return seen;
    }

    @Test
    void oneReadingIsNoPressure() {
        during(Duration.ofMillis(250), heap(99));

        assertThat(during(Duration.ofSeconds(1), heap(50))).containsExactly(Step.CALM);
    }

    @Test
    void memoryDecidesHowFarItGoes() {
        assertThat(during(Duration.ofSeconds(1), heap(69))).containsExactly(Step.CALM);
        assertThat(during(Duration.ofSeconds(1), heap(70))).containsExactly(Step.CALM, Step.EASE);
        assertThat(during(Duration.ofSeconds(1), heap(86))).containsExactly(Step.EASE, Step.SHED);
        assertThat(during(Duration.ofSeconds(1), new Reading(0.1, 0.93, 0))).containsExactly(Step.SHED, Step.CUT);
        assertThat(during(Duration.ofSeconds(1), heap(95))).containsExactly(Step.CUT, Step.REFUSE);
    }

    @Test
    void severalStepsAreTakenAtOnce() {
        assertThat(during(Duration.ofSeconds(1), heap(97))).containsExactly(Step.CALM, Step.REFUSE);
    }

    @Test
    void itGoesBackStepByStepAfterATime() {
        during(Duration.ofSeconds(1), heap(97));

        assertThat(during(Duration.ofSeconds(5), heap(20))).containsExactly(Step.REFUSE);
        assertThat(during(Duration.ofSeconds(20), heap(20))).containsExactly(Step.CUT, Step.SHED, Step.EASE, Step.CALM);
    }

    @Test
    void aLittleBetterIsNotBetter() {
        during(Duration.ofSeconds(1), heap(86));

        assertThat(during(Duration.ofMinutes(1), heap(81))).containsExactly(Step.SHED);
        assertThat(during(Duration.ofMinutes(1), heap(79))).containsExactly(Step.SHED, Step.EASE);
    }

    @Test
    void betterIsCountedAnewAfterAReadingThatIsWorse() {
        during(Duration.ofSeconds(1), heap(86));
        during(Duration.ofSeconds(4), heap(20));
        during(Duration.ofMillis(250), heap(86));

        assertThat(during(Duration.ofSeconds(5), heap(20))).containsExactly(Step.SHED);
        assertThat(during(Duration.ofSeconds(1), heap(20))).contains(Step.EASE);
    }

    @Test
    void lateEventLoopsCountOnlyWhenTheyAreLateAllTheTime() {
        for (int i = 0; i < 20; i++) {
            assertThat(during(Duration.ofMillis(2500), lag(5000))).containsExactly(Step.CALM);
            assertThat(during(Duration.ofMillis(250), lag(200))).containsExactly(Step.CALM);
        }

        assertThat(during(Duration.ofSeconds(4), lag(300))).containsExactly(Step.CALM, Step.SHED);
        assertThat(during(Duration.ofMinutes(1), lag(130))).containsExactly(Step.SHED);
        assertThat(during(Duration.ofSeconds(12), lag(10))).containsExactly(Step.SHED, Step.EASE, Step.CALM);
    }

    @Test
    void oneLongPauseIsNoOverload() {
        during(Duration.ofSeconds(1), lag(1));
        now += Duration.ofSeconds(30).toNanos();

        assertThat(during(Duration.ofMillis(250), lag(30_000))).containsExactly(Step.CALM);
        assertThat(during(Duration.ofSeconds(10), lag(1))).containsExactly(Step.CALM);
    }
}
