package io.sluice.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BreakerTest {
    private static final BreakerSettings SETTINGS = BreakerSettings.STANDARD
            .withFailures(40, 5)
            .withSlow(Duration.ofMillis(300), 70)
            .withOpen(Duration.ofSeconds(1), Duration.ofMinutes(4));

    private final AtomicLong now = new AtomicLong(12_345_678_901L);

    /** One call under way at both. */
    private record Pair(boolean ours, boolean theirs) {}

    /** Seeded, against resilience4j's own window. */
    @Test
    void itCountsAndDecidesAsResilience4jDoes() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Set<State> seen = EnumSet.noneOf(State.class);
        for (int run = 0; run < 20; run++) {
            Breaker ours = new Breaker("weather", SETTINGS, now::get, (which, before, after) -> {});
            CircuitBreaker theirs = CircuitBreaker.of("weather", config());
            ArrayDeque<Pair> underWay = new ArrayDeque<>();
            int failing = random.nextInt(60);
            for (int step = 0; step < 400; step++) {
                String where = "seed " + seed + ", run " + run + ", step " + step;
                now.addAndGet(random.nextInt(random.nextInt(20) == 0 ? Integer.MAX_VALUE : 200_000_000));
                if (random.nextInt(100) == 0) {
                    failing = random.nextInt(60);
                }
                if (underWay.isEmpty() || random.nextInt(2) == 0) {
                    Pair pair = new Pair(ours.tryAcquire(), theirs.tryAcquirePermission());
                    assertThat(pair.ours()).as(where).isEqualTo(pair.theirs());
                    if (pair.ours()) {
                        underWay.add(pair);
                    }
                } else {
                    underWay.poll();
                    long took = random.nextInt(600_000_000) / (1 + random.nextInt(3));
                    end(random.nextInt(100), failing, took, ours, theirs);
                }
                State state = theirs.getState();
                seen.add(state);
                assertThat(ours.state()).as(where).isEqualTo(state);
                if (state != State.OPEN) { // there resilience4j counts on, after probes in another window
                    assertThat(numbers(ours)).as(where).isEqualTo(numbers(theirs.getMetrics()));
                }
            }
        }
        assertThat(seen).contains(State.CLOSED, State.OPEN, State.HALF_OPEN);
    }

    private void end(int drawn, int failing, long took, Breaker ours, CircuitBreaker theirs) {
        if (drawn == 99) {
            ours.end(Outcome.IGNORED, took, now.get());
            theirs.releasePermission();
        } else if (drawn < failing) {
            ours.end(Outcome.FAILED, took, now.get());
            theirs.onError(took, TimeUnit.NANOSECONDS, new IllegalStateException());
        } else {
            ours.end(Outcome.SUCCEEDED, took, now.get());
            theirs.onSuccess(took, TimeUnit.NANOSECONDS);
        }
    }

    private CircuitBreakerConfig config() {
        return CircuitBreakerConfig.custom()
                .slidingWindow(
                        (int) SETTINGS.window().toSeconds(), SETTINGS.minimumCalls(), SlidingWindowType.TIME_BASED)
                .failureRateThreshold(SETTINGS.failureRate())
                .slowCallDurationThreshold(SETTINGS.slowCall())
                .slowCallRateThreshold(SETTINGS.slowRate())
                .permittedNumberOfCallsInHalfOpenState(SETTINGS.probes())
                .waitIntervalFunctionInOpenState(times -> Math.min(240_000L, 1_000L << Math.min(20, times - 1)))
                .clock(new NanoClock(now::get))
                .build();
    }

    private static String numbers(Breaker breaker) {
        StringBuilder numbers = new StringBuilder();
        breaker.read(metrics -> numbers.append(numbers(metrics)).length());
        return numbers.toString();
    }

    private static String numbers(CircuitBreaker.Metrics metrics) {
        return metrics.getFailureRate() + " " + metrics.getSlowCallRate() + " " + metrics.getNumberOfBufferedCalls()
                + " " + metrics.getNumberOfFailedCalls() + " " + metrics.getNumberOfSuccessfulCalls() + " "
                + metrics.getNumberOfSlowCalls() + " " + metrics.getNumberOfSlowSuccessfulCalls() + " "
                + metrics.getNumberOfSlowFailedCalls() + " " + metrics.getNumberOfNotPermittedCalls();
    }

    @Test
    void resettingForgetsWhatItHasSeen() {
        Breaker breaker = new Breaker("weather", SETTINGS, now::get, (which, before, after) -> {});
        IntStream.range(0, 4).forEach(i -> breaker.end(Outcome.FAILED, 0, now.get()));
        breaker.reset();
        IntStream.range(0, 4).forEach(i -> breaker.end(Outcome.FAILED, 0, now.get()));

        assertThat(breaker.state()).isEqualTo(State.CLOSED);
        assertThat(breaker.read(CircuitBreaker.Metrics::getNumberOfBufferedCalls))
                .isEqualTo(4);
    }

    @Test
    void everyCallOfManyThreadsIsCounted() throws Exception {
        int calls = 20_000;
        AtomicInteger opened = new AtomicInteger();
        Breaker breaker = new Breaker(
                "weather",
                BreakerSettings.STANDARD.withFailures(50, 4 * calls),
                now::get,
                (which, before, after) -> opened.incrementAndGet());
        CountDownLatch done = new CountDownLatch(4);
        for (int thread = 0; thread < 4; thread++) {
            Outcome outcome = thread < 2 ? Outcome.FAILED : Outcome.SUCCEEDED;
            new Thread(() -> {
                        for (int i = 0; i < calls; i++) {
                            breaker.end(outcome, 0, now.get());
                        }
                        done.countDown();
                    })
                    .start();
        }

        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();

        // Half of as many as are needed failed: it opened with the last, and once.
        assertThat(breaker.state()).isEqualTo(State.OPEN);
        assertThat(breaker.read(CircuitBreaker.Metrics::getNumberOfBufferedCalls))
                .isEqualTo(4 * calls);
        assertThat(opened).hasValue(1);
    }
}
