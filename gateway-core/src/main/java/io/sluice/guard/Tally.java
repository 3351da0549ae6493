package io.sluice.guard;

import java.util.concurrent.atomic.LongAdder;

/**
 * What became of the calls of one backend since it was registered, and how long they took. Told by its {@link Gate} and
 * by whoever sends; adding allocates nothing and takes no lock. What the gateway asks on its own account is left out,
 * except for the bytes.
 */
@SuppressWarnings("EnumOrdinal") // arrays beat EnumMaps: no look-up, no boxing
public final class Tally {
    /** How a call ended: a closed set, fit for a tag. */
    public enum End {
        /** It was answered, whatever the answer says: an error about the request is an answer as well. */
        SUCCEEDED,
        /** No connection, no answer in time, a broken one, a status of 500 and above. */
        FAILED,
        /** Its client left, or the gateway gave it up, before the answer began. */
        CANCELLED,
        /** The backend itself said that it has too many (429). */
        LIMITED,
        /** Refused while the breaker is open. */
        NOT_PERMITTED,
        /** Refused for want of a place. */
        FULL
    }

    /** Whether a second attempt was made, and what came of it. */
    public enum Tries {
        SUCCESSFUL_WITHOUT_RETRY,
        SUCCESSFUL_WITH_RETRY,
        FAILED_WITHOUT_RETRY,
        FAILED_WITH_RETRY
    }

    private final LongAdder[] ends = adders(End.values().length);
    private final LongAdder[] nanos = adders(End.values().length);
    private final LongAdder[] tries = adders(Tries.values().length);
    private final Durations calls = new Durations();
    private final Durations waits = new Durations();
    private final LongAdder sentBytes = new LongAdder();
    private final LongAdder receivedBytes = new LongAdder();

    private static LongAdder[] adders(int count) {
        LongAdder[] adders = new LongAdder[count];
        for (int i = 0; i < count; i++) {
            adders[i] = new LongAdder();
        }
        return adders;
    }

    void refused(End why) {
        ends[why.ordinal()].increment();
    }

    void waited(long nanos) {
        waits.add(nanos);
    }

    /** @param answered whether the head of an answer came */
    void ended(Outcome outcome, boolean answered, boolean retried, long took) {
        calls.add(took);
        End end;
        switch (outcome) {
            case SUCCEEDED -> {
                end = End.SUCCEEDED;
                tries[(retried ? Tries.SUCCESSFUL_WITH_RETRY : Tries.SUCCESSFUL_WITHOUT_RETRY).ordinal()].increment();
            }
            case FAILED -> {
                end = End.FAILED;
                tries[(retried ? Tries.FAILED_WITH_RETRY : Tries.FAILED_WITHOUT_RETRY).ordinal()].increment();
            }
            default -> end = answered ? End.LIMITED : End.CANCELLED;
        }
        ends[end.ordinal()].increment();
        nanos[end.ordinal()].add(took);
    }

    /** Bytes of requests, heads included. */
    public void sent(long bytes) {
        sentBytes.add(bytes);
    }

    /** Bytes of the bodies of answers. */
    public void received(long bytes) {
        receivedBytes.add(bytes);
    }

    public long count(End end) {
        return ends[end.ordinal()].sum();
    }

    /** How long those that ended so took together; nothing of those that were refused. */
    public long nanos(End end) {
        return nanos[end.ordinal()].sum();
    }

    public long count(Tries how) {
        return tries[how.ordinal()].sum();
    }

    /** From when they got their place to the last byte of the answer. */
    public Durations calls() {
        return calls;
    }

    /** How long those waited that got no place at once but got one in the end. */
    public Durations waits() {
        return waits;
    }

    public long sentBytes() {
        return sentBytes.sum();
    }

    public long receivedBytes() {
        return receivedBytes.sum();
    }
}
