package io.sluice.registry.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ReplayWindowTest {
    @Test
    void eachNumberIsNewOnceInWhateverOrderTheyCome() {
        Random random = new Random(7);
        ReplayWindow window = new ReplayWindow();
        Set<Long> seen = new HashSet<>();
        for (long start = 1; start < 20_000; start += 500) {
            List<Long> burst = new ArrayList<>();
            for (long number = start; number < start + 500; number++) {
                burst.add(number);
                burst.add(number);
            }
            Collections.shuffle(burst, random);
            for (long number : burst) {
                assertThat(window.isNew(number)).as("number %s", number).isEqualTo(seen.add(number));
            }
        }
    }

    @Test
    void numbersThatWereLeftOutAreNewWhenTheyComeLate() {
        ReplayWindow window = new ReplayWindow();
        assertThat(window.isNew(5_000)).isTrue();
        assertThat(window.isNew(5_000 - ReplayWindow.SIZE + 1)).isTrue();
        assertThat(window.isNew(5_000 - ReplayWindow.SIZE + 1)).isFalse();
        assertThat(window.isNew(4_999)).isTrue();
        assertThat(window.isNew(5_000)).isFalse();
    }

    @Test
    void whatIsOlderThanTheWindowCountsAsACopy() {
        ReplayWindow window = new ReplayWindow();
        assertThat(window.isNew(5_000)).isTrue();
        assertThat(window.isNew(5_000 - ReplayWindow.SIZE)).isFalse();
        assertThat(window.isNew(0)).isFalse();
        assertThat(window.isNew(-1)).isFalse();
        assertThat(window.isNew(Long.MIN_VALUE)).isFalse();
    }

    @Test
    void leapForgetsWhatItLeavesBehind() {
        ReplayWindow window = new ReplayWindow();
        for (long number = 1; number <= ReplayWindow.SIZE; number++) {
            window.isNew(number);
        }
        assertThat(window.isNew(1_000_000)).isTrue();
        for (long number = 1_000_000 - ReplayWindow.SIZE + 1; number < 1_000_000; number++) {
            assertThat(window.isNew(number)).as("number %s", number).isTrue();
        }
    }
}
