package io.sluice.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import reactor.test.scheduler.VirtualTimeScheduler;

class PacedTest {
    private static final Duration WORK = Duration.ofMillis(10);

    private final VirtualTimeScheduler thread = VirtualTimeScheduler.create();
    private final List<Long> began = new ArrayList<>();
    private long worked;
    private final Paced paced = new Paced(thread, this::nanoTime, this::work);

    private long nanoTime() {
        return thread.now(TimeUnit.NANOSECONDS) + worked;
    }

    /** Takes its time on the clock that the pace is taken from; the scheduler's time stands still meanwhile. */
    private void work() {
        began.add(thread.now(TimeUnit.MILLISECONDS));
        worked += WORK.toNanos();
    }

    @Test
    void changeAfterAQuietTimeIsTakenInAtOnce() {
        paced.changed();
        thread.advanceTime();

        assertThat(began).containsExactly(0L);
        assertThat(paced.isDue()).isFalse();
    }

    @Test
    void firstTimeIsFollowedByNoRest() {
        paced.changed();
        paced.changed();
        thread.advanceTime();

        assertThat(began).containsExactly(0L, 0L);
    }

    @Test
    void changesOfOneMomentAreTakenInTogether() {
        for (int i = 0; i < 1000; i++) {
            paced.changed();
        }
        thread.advanceTime();

        assertThat(began).hasSize(2);
    }

    @Test
    void thousandChangesInASecondCostAFifthOfIt() {
        for (int i = 0; i < 1000; i++) {
            paced.changed();
            thread.advanceTimeBy(Duration.ofMillis(1));
        }
        thread.advanceTimeBy(Duration.ofSeconds(1));

        assertThat(began).hasSizeBetween(20, 28);
        assertThat(paced.isDue()).isFalse();
    }

    @Test
    void changeDuringTheRestIsTakenInAtItsEnd() {
        paced.changed();
        paced.changed();
        thread.advanceTimeBy(Duration.ofMillis(1));
        paced.changed();
        thread.advanceTimeBy(Duration.ofMillis(30));
        assertThat(began).hasSize(2);
        thread.advanceTimeBy(Duration.ofMillis(20));

        assertThat(began).containsExactly(0L, 0L, 40L);
    }
}
