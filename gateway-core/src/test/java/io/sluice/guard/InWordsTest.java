package io.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InWordsTest {
    @ParameterizedTest
    @CsvSource({
        "PT0S, 1 ms",
        "PT0.1S, 100 ms",
        "PT0.1000001S, 101 ms",
        "PT1.9999S, 2000 ms",
        "PT2S, 2 s",
        "PT12.345S, 13 s",
        "PT119.5S, 120 s",
        "PT2M, 2 min",
        "PT59M0.001S, 60 min"
    })
    void timeIsRoundedUpToTheUnitThatFits(Duration time, String words) {
        assertThat(InWords.of(time)).isEqualTo(words);
    }
}
