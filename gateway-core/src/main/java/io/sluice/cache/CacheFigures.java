package io.sluice.cache;

/**
 * How what is kept of one backend serves.
 *
 * @param hits calls answered from what was kept
 * @param misses calls whose answer was not there, those that joined another included
 * @param joined calls that were answered with the answer to another that was under way
 * @param entries answers that are kept
 * @param bytes that they take
 */
public record CacheFigures(long hits, long misses, long joined, int entries, long bytes) {
    public static final CacheFigures NONE = new CacheFigures(0, 0, 0, 0, 0);

    /** The share of calls that were answered from what was kept; 0 while there were none. */
    public double hitRatio() {
        long all = hits + misses;
        return all == 0 ? 0 : (double) hits / all;
    }
}
