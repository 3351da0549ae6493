package io.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeepAliveTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            timeout=5            | 4000
            Timeout=5, max=100   | 4000
            max=100, timeout=20  | 19000
            timeout=1            | 500
            timeout=0            | 0
            timeout=600          | 30000
            max=100              | 4000
            notimeout=9          | 4000
            """)
    void connectionIsGivenUpBeforeTheBackendDoes(String header, long millis) {
        assertThat(KeepAlive.limit(header)).isEqualTo(Duration.ofMillis(millis));
    }
}
