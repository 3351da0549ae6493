package io.sluice.overload;

import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How pressed the gateway is, for those who serve requests: each asks before it does what could be left undone. Costs a
 * look at one field while there is no pressure. Changed by a {@link Watch}; safe for use by many threads.
 */
@SuppressWarnings("EnumOrdinal") // an array beats an EnumMap: no look-up, no boxing
public final class Overload {
    private static final Logger log = LoggerFactory.getLogger(Overload.class);
    private static final int LEAST_WAIT_MILLIS = 1000;
    private static final int MOST_WAIT_MILLIS = 5000;

    /** What is refused: a closed set, fit for a tag. */
    public enum Kind {
        LISTS("answers no lists"),
        STREAMS("opens no further event streams"),
        BACKGROUND("takes no calls of background callers"),
        ALL("takes no requests");

        private final String words;

        Kind(String words) {
            this.words = words;
        }
    }

    private final IntSupplier streams;
    private final LongAdder[] refused = {new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder()};
    private final LongAdder cut = new LongAdder();
    private volatile Step step = Step.CALM;
    private volatile Reading reading = Reading.NONE;
    private volatile int mostStreams = Integer.MAX_VALUE;
    private volatile boolean streamsFull;

    /** @param streams event streams that are open towards clients */
    public Overload(IntSupplier streams) {
        this.streams = streams;
    }

    // ---- asked on the path of a request

    /** To be asked first of all. */
    public void check() {
        if (step == Step.REFUSE) {
            throw refusal(Kind.ALL);
        }
    }

    /** Whether {@link #check} would refuse. */
    public boolean refusesAll() {
        return step == Step.REFUSE;
    }

    /** For what only tells clients what there is. */
    public void checkList() {
        if (step.isAtLeast(Step.SHED)) {
            throw refusal(Kind.LISTS);
        }
    }

    /** For an event stream that belongs to no call. */
    public void checkStream() {
        if (step.isAtLeast(Step.SHED)) {
            throw refusal(Kind.STREAMS);
        }
        int open = streams.getAsInt();
        int most = mostStreams;
        if (open >= most) {
            if (!streamsFull) {
                streamsFull = true;
                log.warn("Limit of {} event streams reached, further ones are refused", most);
            }
            refused[Kind.STREAMS.ordinal()].increment();
            throw new Rejection.Overloaded("The gateway is at its limit of " + most + " event streams", pause());
        }
        if (streamsFull && open < most / 10 * 9) {
            streamsFull = false;
            log.info("There is room for event streams again");
        }
    }

    /** For a call of somebody whose calls may wait. */
    public void checkBackground() {
        if (step.isAtLeast(Step.SHED)) {
            throw refusal(Kind.BACKGROUND);
        }
    }

    private Rejection refusal(Kind kind) {
        refused[kind.ordinal()].increment();
        return new Rejection.Overloaded("The gateway is overloaded and " + kind.words + " at the moment", pause());
    }

    /** Not the same for all, or they would all be back at once. */
    private static Duration pause() {
        return Duration.ofMillis(ThreadLocalRandom.current().nextInt(LEAST_WAIT_MILLIS, MOST_WAIT_MILLIS + 1));
    }

    // ---- told by who watches

    /** From now on behaves as this step says. */
    public void change(Step next, Reading why) {
        reading = why;
        Step before = step;
        if (next == before) {
            return;
        }
        step = next;
        if (next.compareTo(before) > 0) {
            log.warn("Overload: step {} ({}): {}", next, Ladder.words(why), next.words());
        } else {
            log.info("Overload: back to step {} ({}): {}", next, Ladder.words(why), next.words());
        }
    }

    void limitStreams(int most) {
        mostStreams = most;
    }

    void cut(int streamsCut) {
        if (streamsCut > 0) {
            cut.add(streamsCut);
            log.warn("Overload: cut {} connections whose clients were furthest behind", streamsCut);
        }
    }

    // ---- what there is to see

    public Step step() {
        return step;
    }

    /** What was seen last. */
    public Reading reading() {
        return reading;
    }

    /** Requests refused since the start. */
    public long refused(Kind kind) {
        return refused[kind.ordinal()].sum();
    }

    /** Connections cut since the start because their clients were behind. */
    public long cutConnections() {
        return cut.sum();
    }
}
