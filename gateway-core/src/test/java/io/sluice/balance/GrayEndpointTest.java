package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.guard.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * One endpoint of three is twenty times slower than the others, on a clock of its own: calls at a constant rate, answers
 * after 10 ms and a little, and a machine that stands still now and then, which makes the other two look slow as well.
 */
class GrayEndpointTest {
    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final int ILL = 1;

    /** What happens at a time: a call, or the answer to one. */
    private record Step(long at, Attempt answered) {}

    private final List<long[]> stalls = new ArrayList<>();
    private final AtomicLong now = new AtomicLong();

    private long afterStalls(long at) {
        for (long[] stall : stalls) {
            if (at >= stall[0] && at < stall[1]) {
                return stall[1];
            }
        }
        return at;
    }

    /** The share of the ill endpoint in percent, of the calls that were due in each part of the time. */
    private double[] shares(
            int perSecond, double stallsPerSecond, boolean streams, long healsAt, long seed, long... bounds) {
        Random random = new Random(seed);
        for (double at = 0; stallsPerSecond > 0 && at < bounds[bounds.length - 1]; ) {
            at += -Math.log(1 - random.nextDouble()) / stallsPerSecond * SECOND;
            long end = (long) at + (100 + random.nextInt(200)) * MILLI;
            stalls.add(new long[] {(long) at, end});
            at = end;
        }
        Endpoints endpoints =
                new Endpoints(LoadBalancerTest.backend(1, 1, 1), BalanceSettings.STANDARD, new Random(seed), now::get);
        for (EndpointState state : streams ? endpoints.states() : List.<EndpointState>of()) {
            endpoints.pinned(state.endpoint(), 0).answered(5 * MILLI); // and goes on for ever
        }
        int[] calls = new int[bounds.length];
        int[] ill = new int[bounds.length];
        PriorityQueue<Step> answers = new PriorityQueue<>((a, b) -> Long.compare(a.at, b.at));
        for (long due = 0; due < bounds[bounds.length - 1]; due += SECOND / perSecond) {
            long at = afterStalls(due);
            for (Step next = answers.peek(); next != null && next.at <= at; next = answers.peek()) {
                answers.remove();
                next.answered.answered(next.at);
                next.answered.end(Outcome.SUCCEEDED, next.at);
            }
            now.set(at);
            Attempt attempt = endpoints.pick(0, at);
            boolean isIll = attempt.state() == endpoints.states().get(ILL);
            long takes = isIll && due >= 8 * SECOND && due < healsAt ? 200 : 10;
            long noise = (long) (-Math.log(1 - random.nextDouble()) * 2 * MILLI);
            answers.add(new Step(afterStalls(at + takes * MILLI + noise), attempt));
            int part = 0;
            while (due >= bounds[part]) {
                part++;
            }
            calls[part]++;
            ill[part] += isIll ? 1 : 0;
        }
        double[] shares = new double[bounds.length];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = 100.0 * ill[i] / calls[i];
        }
        return shares;
    }

    @ParameterizedTest
    @CsvSource({
        "60,0,false,0.5",
        "60,0.1,false,0.7",
        "60,0.3,false,0.9",
        "300,0,false,0.3",
        "60,0,true,0.5",
        "300,0,true,0.3"
    })
    void endpointThatIsTwentyTimesSlowerGetsLessThanOnePercentAfterFiveSeconds(
            int perSecond, double stallsPerSecond, boolean streams, double percent) {
        double sum = 0;
        for (int seed = 1; seed <= 10; seed++) {
            stalls.clear();
            sum += shares(perSecond, stallsPerSecond, streams, Long.MAX_VALUE, seed, 13 * SECOND, 33 * SECOND)[1];
        }

        assertThat(sum / 10).as("percent, average of ten").isLessThan(percent);
    }

    @ParameterizedTest
    @CsvSource({"60,0,false", "60,0.3,false", "300,0,false", "300,0,true"})
    void endpointThatHealedHasItsShareAgainAfterTenSeconds(int perSecond, double stallsPerSecond, boolean streams) {
        double[] shares = shares(perSecond, stallsPerSecond, streams, 33 * SECOND, 7, 43 * SECOND, 53 * SECOND);

        assertThat(shares[1]).isBetween(20.0, 45.0);
    }

    /** Nobody hears anything bad of it, and what is known of it is from when it was well. */
    @ParameterizedTest
    @CsvSource({"60,10,10", "300,10,15", "300,200,60", "60,1000,60"})
    void endpointThatStopsAnsweringIsGivenHardlyMoreThanTheOthersHold(int perSecond, int millis, int most) {
        Endpoints endpoints =
                new Endpoints(LoadBalancerTest.backend(1, 1, 1), BalanceSettings.STANDARD, new Random(5), now::get);
        PriorityQueue<Step> answers = new PriorityQueue<>((a, b) -> Long.compare(a.at, b.at));
        int lost = 0;
        for (long at = 0; at < 28 * SECOND; at += SECOND / perSecond) {
            for (Step next = answers.peek(); next != null && next.at <= at; next = answers.peek()) {
                answers.remove();
                next.answered.answered(next.at);
                next.answered.end(Outcome.SUCCEEDED, next.at);
            }
            now.set(at);
            Attempt attempt = endpoints.pick(0, at);
            if (at >= 8 * SECOND && attempt.state() == endpoints.states().get(ILL)) {
                lost++;
            } else {
                answers.add(new Step(at + millis * MILLI, attempt));
            }
        }

        assertThat(lost).as("of %d calls", 20 * perSecond).isLessThanOrEqualTo(most);
    }

    @Test
    void endpointWithAStreamUnderWayIsTriedByOneCallAtATimeAsWell() {
        Endpoints endpoints =
                new Endpoints(LoadBalancerTest.backend(1, 1, 1), BalanceSettings.STANDARD, new Random(3), now::get);
        EndpointState ill = endpoints.states().get(ILL);
        endpoints.pinned(ill.endpoint(), 0).answered(5 * MILLI);
        answers(endpoints, ill, 0, 200 * MILLI);
        long later = 10 * SECOND;
        for (EndpointState state : endpoints.states()) {
            if (state != ill) {
                answers(endpoints, state, later - 10 * MILLI, later);
            }
        }

        for (int i = 0; i < 50; i++) {
            endpoints.pick(0, later);
        }

        assertThat(ill.inFlight()).as("the stream and one call").isEqualTo(2);
    }

    @Test
    void endpointThatTookMinutesIsTriedAfterTenSecondsAsWell() {
        Endpoints endpoints =
                new Endpoints(LoadBalancerTest.backend(1, 1, 1), BalanceSettings.STANDARD, new Random(3), now::get);
        EndpointState ill = endpoints.states().get(ILL);
        answers(endpoints, ill, 0, 120 * SECOND);
        int tried = 0;

        for (long at = 120 * SECOND; at < 131 * SECOND; at += 10 * MILLI) {
            Attempt attempt = endpoints.pick(0, at);
            attempt.answered(at + 5 * MILLI);
            attempt.end(Outcome.SUCCEEDED, at + 5 * MILLI);
            tried += attempt.state() == ill ? 1 : 0;
        }

        assertThat(tried).isBetween(1, 100);
        assertThat(ill.averageNanos(131 * SECOND)).isLessThan(60.0 * SECOND);
    }

    private static void answers(Endpoints endpoints, EndpointState state, long from, long to) {
        Attempt attempt = endpoints.pinned(state.endpoint(), from);
        attempt.answered(to);
        attempt.end(Outcome.SUCCEEDED, to);
    }
}
