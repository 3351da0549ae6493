package io.sluice.registry.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The short form of {@link FaultRun}; the long form is in docs/reliability.md. */
final class FaultsIT {
    private static final Logger log = LoggerFactory.getLogger(FaultsIT.class);

    @Test
    void registryLosesAndDoublesNothingWhateverHappensToRedis() throws Exception {
        long seed = System.nanoTime();
        log.info("seed {}", seed);
        FaultRun.Report report;
        try (FaultRun run = new FaultRun(seed, FaultClock.together())) {
            report = run.run(Duration.ofSeconds(22));
        }
        log.info("{}", report);
        assertThat(report.wrong()).as("seed " + seed).isEmpty();
        assertThat(report.acknowledged()).isPositive();
        assertThat(report.faults()).isNotEmpty();
    }
}
