package io.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.test.StepVerifier;

class EventStreamTest {
    private final EventStream stream = EventStream.bounded("s", 8, 1000);

    @Test
    void messagesReachTheReaderInOrderWithTheirIds() {
        stream.publish(json("a"));

        StepVerifier.create(stream.read(0, null, EventStreamTest::show))
                .expectNext("s.1=a")
                .then(() -> stream.publish(json("b")))
                .expectNext("s.2=b")
                .then(stream::complete)
                .verifyComplete();
    }

    @Test
    void primingEventComesFirstAndIsEmpty() {
        stream.publish(json("a"));

        StepVerifier.create(stream.read(0, stream.priming(0), EventStreamTest::show))
                .expectNext("s.0=")
                .expectNext("s.1=a")
                .thenCancel()
                .verify();
    }

    @Test
    void resumingAfterAnEventRepeatsNothingAndLosesNothing() {
        for (String text : List.of("a", "b", "c")) {
            stream.publish(json(text));
        }
        stream.complete();

        assertThat(stream.canResumeAfter(1)).isTrue();
        StepVerifier.create(stream.read(1, null, EventStreamTest::show))
                .expectNext("s.2=b", "s.3=c")
                .verifyComplete();
    }

    @Test
    void whatIsKeptIsBoundedByCountAndBytes() {
        for (int i = 0; i < 20; i++) {
            stream.publish(json("x"));
        }
        assertThat(stream.canResumeAfter(12)).isTrue();
        assertThat(stream.canResumeAfter(11)).isFalse();

        stream.publish(new byte[5000]);
        assertThat(stream.canResumeAfter(20)).isTrue();
        assertThat(stream.canResumeAfter(19)).isFalse();
    }

    @Test
    void readerThatIsOvertakenEnds() {
        List<String> got = new ArrayList<>();
        SlowReader reader = new SlowReader(got);
        stream.read(0, null, EventStreamTest::show).subscribe(reader);
        reader.request(1);
        for (int i = 0; i < 20; i++) {
            stream.publish(json("m" + i));
        }

        assertThat(got).containsExactly("s.1=m0");
        assertThat(reader.done.getCount()).isZero();
    }

    @Test
    void producerIsAskedToWaitForAReaderThatIsHalfTheBoundBehind() {
        SlowReader reader = new SlowReader(new ArrayList<>());
        stream.read(0, null, EventStreamTest::show).subscribe(reader);
        for (int i = 0; i < 4; i++) {
            assertThat(stream.hasRoom()).isTrue();
            stream.publish(json("m"));
        }
        assertThat(stream.hasRoom()).isFalse();

        boolean[] told = new boolean[1];
        stream.onRoom(() -> told[0] = true);
        reader.request(4);
        assertThat(stream.hasRoom()).isTrue();
        assertThat(told[0]).isTrue();
    }

    @Test
    void pauseSendsTheRetryHintAndEndsOnlyTheConnection() {
        List<String> got = new ArrayList<>();
        SlowReader reader = new SlowReader(got);
        stream.read(0, null, EventStreamTest::show).subscribe(reader);
        reader.request(10);
        stream.publish(json("a"));

        stream.pause(500);

        assertThat(got).containsExactly("s.1=a", "retry 500");
        assertThat(reader.done.getCount()).isZero();
        stream.publish(json("b"));
        StepVerifier.create(stream.read(1, null, EventStreamTest::show))
                .expectNext("s.2=b")
                .thenCancel()
                .verify();
    }

    @Test
    void pauseBeforeTheFirstReaderAsksThatOneAndSparesOneWithSomethingToRead() {
        stream.pause(500);

        StepVerifier.create(stream.read(0, stream.priming(0), EventStreamTest::show))
                .expectNext("s.0=", "retry 500")
                .verifyComplete();

        EventStream other = EventStream.bounded("o", 8, 1000);
        other.pause(500);
        other.publish(json("a"));
        StepVerifier.create(other.read(0, null, EventStreamTest::show))
                .expectNext("o.1=a")
                .thenCancel()
                .verify();
    }

    @Test
    void newReaderEndsTheOneBefore() {
        SlowReader first = new SlowReader(new ArrayList<>());
        stream.read(0, null, EventStreamTest::show).subscribe(first);

        stream.read(0, null, EventStreamTest::show).subscribe(new SlowReader(new ArrayList<>()));

        assertThat(first.done.getCount()).isZero();
        assertThat(stream.hasReader()).isTrue();
    }

    @Test
    void heartbeatGoesOnlyToWhoReadsNow() {
        stream.heartbeat();

        StepVerifier.create(stream.read(0, null, EventStreamTest::show))
                .then(stream::heartbeat)
                .expectNext("comment")
                .thenCancel()
                .verify();
    }

    @Test
    void passingStreamForgetsWhatWasDelivered() {
        EventStream passing = EventStream.passing("p");
        StepVerifier.create(passing.read(0, null, EventStreamTest::show))
                .then(() -> passing.publish(json("a")))
                .expectNext("p.1=a")
                .thenCancel()
                .verify();

        assertThat(passing.canResumeAfter(1)).isTrue();
        assertThat(passing.canResumeAfter(0)).isFalse();
    }

    @Test
    void freshReaderContinuesWhereTheLastOneStopped() {
        stream.publish(json("a"));
        StepVerifier.create(stream.read(stream.freshStart(), null, EventStreamTest::show))
                .expectNext("s.1=a")
                .thenCancel()
                .verify();
        stream.publish(json("b"));

        assertThat(stream.freshStart()).isEqualTo(1);
    }

    /** Publishers and a reader with random demand race; whatever the interleaving, nothing is lost, doubled or out of order. */
    @Test
    void concurrentPublishersAndDemandLoseNothing() throws InterruptedException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int publishers = 3;
        int each = 2000;
        EventStream wide = EventStream.bounded("w", publishers * each, Integer.MAX_VALUE);
        List<String> got = new ArrayList<>();
        SlowReader reader = new SlowReader(got);
        wide.read(0, null, item -> String.valueOf(item.seq())).subscribe(reader);
        CountDownLatch published = new CountDownLatch(publishers);
        for (int p = 0; p < publishers; p++) {
            new Thread(() -> {
                        for (int i = 0; i < each; i++) {
                            wide.publish(json("m"));
                        }
                        published.countDown();
                    })
                    .start();
        }
        while (published.getCount() > 0) {
            reader.request(1 + random.nextInt(5));
        }
        published.await(10, TimeUnit.SECONDS);
        wide.complete();
        reader.request(Long.MAX_VALUE);

        assertThat(reader.done.await(10, TimeUnit.SECONDS)).as("seed %d", seed).isTrue();
        assertThat(got).as("seed %d", seed).hasSize(publishers * each);
        for (int i = 0; i < got.size(); i++) {
            assertThat(got.get(i)).isEqualTo(String.valueOf(i + 1));
        }
    }

    private static byte[] json(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String show(EventStream.Item item) {
        byte[] data = item.data();
        if (data == null) {
            return item.isComment() ? "comment" : "retry " + item.retryMillis();
        }
        return item.id() + "=" + new String(data, StandardCharsets.UTF_8);
    }

    /** Takes only what it asks for. */
    private static final class SlowReader extends BaseSubscriber<String> {
        private final List<String> got;
        private final CountDownLatch done = new CountDownLatch(1);

        SlowReader(List<String> got) {
            this.got = got;
        }

        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(String value) {
            got.add(value);
        }

        @Override
        protected void hookOnComplete() {
            done.countDown();
        }
    }
}
