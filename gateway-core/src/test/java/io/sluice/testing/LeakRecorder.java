package io.sluice.testing;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/**
 * Makes the leak detectors of this JVM and keeps what they find, so that a run of tests can fail on it. Its queues are
 * concurrent: Netty makes detectors and reports leaks on any thread.
 */
final class LeakRecorder extends ResourceLeakDetectorFactory {

    private final Queue<Recording<?>> detectors = new ConcurrentLinkedQueue<>();
    private final Queue<String> leaks = new ConcurrentLinkedQueue<>();

    /** Every leak found so far, each with the places that touched the resource, the last one first. */
    List<String> leaks() {
        detectors.forEach(Recording::look);
        return List.copyOf(leaks);
    }

    @Override
    @SuppressWarnings("deprecation") // deprecated in Netty, and abstract there
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
            Class<T> resource, int samplingInterval, long maxActive) {
        return newResourceLeakDetector(resource, samplingInterval);
    }

    @Override
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int samplingInterval) {
        Recording<T> detector = new Recording<>(resource, samplingInterval);
        detectors.add(detector);
        return detector;
    }

    private final class Recording<T> extends ResourceLeakDetector<T> {

        Recording(Class<T> resource, int samplingInterval) {
            super(resource, samplingInterval);
        }

        /** A detector reports what the collector found only when it is next asked to track something. */
        @SuppressWarnings("unchecked") // only the identity of what is tracked counts
        void look() {
            T nothing = (T) new Object();
            ResourceLeakTracker<T> tracker = track(nothing);
            if (tracker != null) {
                tracker.close(nothing);
            }
        }

        @Override
        protected boolean needReport() {
            return true;
        }

        @Override
        protected void reportTracedLeak(String resourceType, String records) {
            leaks.add(resourceType + " was garbage-collected before it was released." + withoutRunner(records));
        }

        @Override
        protected void reportUntracedLeak(String resourceType) {
            leaks.add(resourceType + " was garbage-collected before it was released (no records kept).");
        }

        private String withoutRunner(String records) {
            return records.lines()
                    .filter(line -> !line.matches("\\s*(org\\.junit|org\\.apache\\.maven|java\\.base/).*"))
                    .collect(Collectors.joining("\n"));
        }
    }
}
