package io.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import reactor.blockhound.BlockingOperationError;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

final class WatchedSessionTest {

    @Test
    void everyBufferOfThisRunIsWatched() {
        assertThat(ResourceLeakDetectorFactory.instance()).isInstanceOf(LeakRecorder.class);
        assertThat(ResourceLeakDetector.getLevel()).isEqualTo(ResourceLeakDetector.Level.PARANOID);
    }

    @Test
    void blockingWhereNothingMayBlockIsAnError() {
        CountDownLatch never = new CountDownLatch(1);

        Mono<Boolean> waiting = Mono.fromCallable(() -> {
                    never.await();
                    return true;
                })
                .subscribeOn(Schedulers.parallel());

        StepVerifier.create(waiting).verifyError(BlockingOperationError.class);
    }

    @Test
    void resourceNobodyClosedIsALeak() {
        LeakRecorder recorder = new LeakRecorder();
        ResourceLeakDetector<Object> detector = recorder.newResourceLeakDetector(Object.class, 1);
        ResourceLeakTracker<Object> tracker = detector.track(new Object());

        WatchedSession.collectGarbage();

        assertThat(tracker).isNotNull();
        assertThat(recorder.leaks()).singleElement().asString().contains("Object was garbage-collected");
    }

    @Test
    void closedResourceIsNoLeak() {
        LeakRecorder recorder = new LeakRecorder();
        ResourceLeakDetector<Object> detector = recorder.newResourceLeakDetector(Object.class, 1);
        Object resource = new Object();
        detector.track(resource).close(resource);

        WatchedSession.collectGarbage();

        assertThat(recorder.leaks()).isEmpty();
    }
}
