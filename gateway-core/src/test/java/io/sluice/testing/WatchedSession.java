package io.sluice.testing;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.List;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestPlan;
import reactor.blockhound.BlockHound;

/**
 * Watches a whole run of tests, in every module that has the test-jar of gateway-core on its class path: a call that
 * blocks an event loop fails where it happens, and a buffer that nobody released fails the run at its end.
 *
 * <p>It begins before the first test, and so before Netty makes its first leak detector; a session that only looks which
 * tests there are, as the build's own JVM does, is not watched.
 */
public final class WatchedSession implements LauncherSessionListener {

    /** One per JVM, however many sessions it sees: a detector lives as long as the class it watches. */
    private static final LeakRecorder RECORDER = new LeakRecorder();

    /** What holds a lost buffer may itself have to be collected first. */
    private static final int COLLECTIONS = 3;

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        session.getLauncher().registerTestExecutionListeners(new TestExecutionListener() {
            @Override
            public void testPlanExecutionStarted(TestPlan plan) {
                watch();
            }
        });
    }

    private static void watch() {
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(RECORDER);
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
        BlockHound.install(WatchedSession::allowed);
    }

    /**
     * Ending a timer takes the lock of its thread's queue for an instant. Reactor's own integration allows that for tasks
     * that run once, and forgets those that run again and again.
     */
    private static void allowed(BlockHound.Builder builder) {
        builder.allowBlockingCallsInside("reactor.core.scheduler.PeriodicSchedulerTask", "dispose")
                .allowBlockingCallsInside("reactor.core.scheduler.PeriodicWorkerTask", "dispose");
    }

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        collectGarbage();
        List<String> leaks = RECORDER.leaks();
        if (!leaks.isEmpty()) {
            AssertionError error = new AssertionError(
                    "LEAK: " + leaks.size() + " resources were not released\n" + String.join("\n", leaks));
            error.setStackTrace(new StackTraceElement[0]);
            throw error;
        }
    }

    /** Returns when what nobody refers to has been collected and the weak references to it are queued. */
    static void collectGarbage() {
        for (int collection = 0; collection < COLLECTIONS; collection++) {
            ReferenceQueue<Object> collected = new ReferenceQueue<>();
            WeakReference<Object> canary = new WeakReference<>(new Object(), collected);
            System.gc();
            try {
                collected.remove(1000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                Reference.reachabilityFence(canary);
            }
        }
    }
}
