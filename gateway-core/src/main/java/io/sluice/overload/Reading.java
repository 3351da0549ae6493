package io.sluice.overload;

/**
 * What there was to see at one moment.
 *
 * @param heap share of the heap that was in use after garbage was collected, 0 to 1
 * @param direct share of the memory for buffers that is in use, 0 to 1
 * @param lagNanos how late the latest of the event loops is
 */
public record Reading(double heap, double direct, long lagNanos) {
    static final Reading NONE = new Reading(0, 0, 0);

    double percent() {
        return Math.max(heap, direct) * 100;
    }
}
