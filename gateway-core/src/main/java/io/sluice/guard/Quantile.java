package io.sluice.guard;

/**
 * Follows a quantile of a stream of numbers with one number: a sample above moves it up, one below moves it down, in
 * such a proportion that it rests where the wanted share lies below (the stochastic approximation that FAME and Frugal
 * Streaming build on). Steps are a part of the value itself, so that the scale does not matter. A reader may see one
 * sample more or less.
 */
public final class Quantile {
    private static final double STEP = 0.05;

    private final double share;
    private volatile double value;
    private volatile int samples;

    /** @param share such as 0.95 */
    public Quantile(double share) {
        this.share = share;
    }

    public void add(long sample) {
        double now = value;
        int count = samples;
        if (count < 32) {
            samples = count + 1;
            value = Math.max(now, (double) sample);
        } else if ((double) sample > now) {
            value = now + now * STEP * share;
        } else {
            value = now - now * STEP * (1 - share);
        }
    }

    /** The quantile so far; {@link Long#MAX_VALUE} as long as there is too little to go by. */
    public long value() {
        return samples < 32 ? Long.MAX_VALUE : (long) value;
    }
}
