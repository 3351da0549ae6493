package io.sluice.session;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * The messages of one legacy SSE stream, kept apart from the connection that carries them, so that a client may lose the connection and resume
 * (2025-11-25, Streamable HTTP, <em>Resumability and Redelivery</em>). State is owned by this object's monitor, held only for a few field accesses; messages are handed to the client
 * by whichever thread finds demand, one at a time.
 *
 * <p>At most {@code maxEvents} and {@code maxBytes} are kept. While a client reads, {@link #hasRoom()} lets the producer hold back instead of losing anything; while none does, the oldest
 * messages go first. A reader that has been overtaken is ended, and so is a resumption from before what is kept.
 */
public final class EventStream {
    /** Enough for the bursts seen in practice; the bound is what matters, not the figure. */
    public static final int MAX_EVENTS = 256;

    public static final int MAX_BYTES = 1 << 20;

    private static final int MOST_BEGINNINGS = 4;

    private final String id;
    private final int maxEvents;
    private final int maxBytes;
    private final boolean resumable;
    private final ArrayDeque<Item> kept = new ArrayDeque<>(4);
    private int keptBytes;
    private long lastSeq;
    private long delivered;
    private long pauseFirst = -1;
    private boolean everRead;
    private boolean completed;
    private @Nullable Reader reader;
    private Runnable onRoom = () -> {};
    private Runnable onNews = () -> {};
    private long stored;
    private Map<String, Long> beginnings = Map.of();

    /** A stream that can be resumed: what was delivered is kept too, within the bounds. */
    public EventStream(String id) {
        this(id, MAX_EVENTS, MAX_BYTES, true);
    }

    /** A stream that cannot be resumed: what was delivered is forgotten, so that an open stream without news costs next to nothing. */
    public static EventStream passing(String id) {
        return new EventStream(id, MAX_EVENTS, MAX_BYTES, false);
    }

    /** A resumable stream with bounds of its own. */
    public static EventStream bounded(String id, int maxEvents, int maxBytes) {
        return new EventStream(id, maxEvents, maxBytes, true);
    }

    private EventStream(String id, int maxEvents, int maxBytes, boolean resumable) {
        this.resumable = resumable;
        this.id = id;
        this.maxEvents = maxEvents;
        this.maxBytes = maxBytes;
    }

    /**
     * What a reader is given.
     *
     * @param id the event id to resume after, or null for what is not to be remembered (comments, retry hints)
     * @param data one JSON-RPC message; empty for a priming event; null when only {@code retryMillis} or a comment is meant
     */
    public record Item(@Nullable String id, long seq, byte @Nullable [] data, long retryMillis) {
        /** A comment, to keep a connection alive. */
        public static Item comment() {
            return new Item(null, 0, null, -1);
        }

        static Item retry(long millis) {
            return new Item(null, 0, null, millis);
        }

        public boolean isComment() {
            return data == null && retryMillis < 0;
        }
    }

    public String id() {
        return id;
    }

    /** An event without data that says from where to resume (2025-11-25, SEP-1699). */
    public Item priming(long seq) {
        return new Item(id + "." + seq, seq, new byte[0], -1);
    }

    /** Adds a message, to be delivered once. Ignored after {@link #complete()}. */
    public void publish(byte[] json) {
        add(null, json, () -> true);
    }

    /**
     * Adds a message as {@link #publish(byte[])} does, unless the stream has been given to another replica meanwhile.
     *
     * @param here whether it is still this one's; asked while {@link #handOver} cannot happen, must not block
     * @return false when it was not, and the message was not added
     */
    public boolean publishIf(BooleanSupplier here, byte[] json) {
        return add(null, json, here);
    }

    /** Adds a message that another replica has given an id to, unless it is here already. */
    public void publish(String eventId, byte[] json) {
        add(eventId, json, () -> true);
    }

    private boolean add(@Nullable String eventId, byte[] json, BooleanSupplier here) {
        Reader overtaken = null;
        Reader awake;
        synchronized (this) {
            if (!here.getAsBoolean()) {
                return false;
            }
            if (completed || (eventId != null && position(eventId).isPresent())) {
                return true;
            }
            pauseFirst = -1;
            lastSeq++;
            kept.addLast(new Item(eventId == null ? id + "." + lastSeq : eventId, lastSeq, json, -1));
            keptBytes += json.length;
            while (kept.size() > maxEvents || (keptBytes > maxBytes && kept.size() > 1)) {
                Item gone = kept.removeFirst();
                keptBytes -= dataLength(gone);
                if (reader != null && reader.cursor < gone.seq()) {
                    overtaken = reader;
                    reader = null;
                }
            }
            awake = reader;
        }
        if (overtaken != null) {
            overtaken.end();
        } else if (awake != null) {
            awake.drain();
        }
        onNews.run();
        return true;
    }

    /** Sends a comment to whoever reads now, to keep the connection alive; nothing when nobody does. */
    public void heartbeat() {
        Reader now;
        synchronized (this) {
            now = reader;
        }
        if (now != null) {
            now.offerTransient(Item.comment());
        }
    }

    /**
     * Asks the reader to come back after {@code retryMillis} and ends its connection, once it was given what there is; the stream itself goes on (SEP-1699). A first reader that is only about to come
     * is asked as soon as it is there, unless there is something to read by then.
     */
    public void pause(long retryMillis) {
        Reader now;
        synchronized (this) {
            now = reader;
            pauseFirst = now == null && !everRead ? retryMillis : -1;
        }
        if (now != null) {
            now.part(Item.retry(retryMillis));
        }
    }

    /** No more messages will come; readers end after the last one. */
    public void complete() {
        Reader now;
        synchronized (this) {
            completed = true;
            now = reader;
        }
        if (now != null) {
            now.drain();
        }
        onNews.run();
    }

    public synchronized boolean isCompleted() {
        return completed;
    }

    public synchronized boolean hasReader() {
        return reader != null;
    }

    /** Whether a producer that can wait should go on: true unless a reader exists and is half the bound behind. */
    public synchronized boolean hasRoom() {
        Reader now = reader;
        return now == null || (lastSeq - now.cursor < maxEvents / 2 && keptBytes < maxBytes / 2);
    }

    /** Called, on any thread, each time a reader took something. One listener. */
    public synchronized void onRoom(Runnable listener) {
        onRoom = listener;
    }

    /** Called, on any thread, each time a message is added and when the stream is completed. One listener. */
    void onNews(Runnable listener) {
        onNews = listener;
    }

    /** Where to read on after an event, if nothing of what followed it is missing. */
    public synchronized OptionalLong position(String eventId) {
        int dot = eventId.lastIndexOf('.');
        if (dot == id.length() && eventId.startsWith(id) && eventId.length() - dot <= 18) {
            String number = eventId.substring(dot + 1);
            if (!number.isEmpty() && number.chars().allMatch(c -> c >= '0' && c <= '9')) {
                long seq = Long.parseLong(number);
                return canResumeAfter(seq) ? OptionalLong.of(seq) : OptionalLong.empty();
            }
            return OptionalLong.empty();
        }
        for (Item item : kept) {
            if (eventId.equals(item.id())) {
                return OptionalLong.of(item.seq());
            }
        }
        Long beginning = beginnings.get(eventId);
        return beginning != null && canResumeAfter(beginning) ? OptionalLong.of(beginning) : OptionalLong.empty();
    }

    /** Says that what is added from now on follows an event of which another replica has sent the rest. */
    public synchronized void continues(String eventId) {
        if (position(eventId).isEmpty()) {
            beginnings = beginnings.isEmpty() ? new LinkedHashMap<>(4) : beginnings;
            beginnings.put(eventId, lastSeq);
            if (beginnings.size() > MOST_BEGINNINGS) {
                beginnings.remove(beginnings.keySet().iterator().next());
            }
        }
    }

    /** What is kept after a position. */
    private synchronized List<Item> keptAfter(long seq) {
        return kept.stream().filter(item -> item.seq() > seq).toList();
    }

    /**
     * Gives the stream to another replica: whoever reads here is ended, and what is handed over counts as delivered.
     *
     * @param after where the client reads on; empty for what no reader was given yet
     * @param away makes known that the stream is elsewhere now; run before a message can be added again, must not block
     * @return what the other replica has to send
     */
    public List<Item> handOver(OptionalLong after, Runnable away) {
        List<Item> rest;
        synchronized (this) {
            away.run();
            rest = keptAfter(after.orElse(freshStart()));
            delivered(lastSeq);
        }
        endReader();
        return rest;
    }

    /** Ends whoever reads now; the stream itself goes on. */
    private void endReader() {
        Reader now;
        synchronized (this) {
            now = reader;
            reader = null;
        }
        if (now != null) {
            now.end();
        }
    }

    /**
     * What a journal has not been given yet.
     *
     * @param upTo what to tell {@link #stored}
     * @param delivered whether a reader has been given everything, and nothing more will come
     */
    record Unstored(List<Item> items, long upTo, boolean completed, boolean delivered) {}

    synchronized Unstored unstored() {
        return new Unstored(keptAfter(stored), lastSeq, completed, completed && delivered >= lastSeq);
    }

    synchronized void stored(long upTo) {
        stored = Math.max(stored, upTo);
    }

    /**
     * Whether reading after {@code seq} would miss nothing.
     */
    public synchronized boolean canResumeAfter(long seq) {
        return seq <= lastSeq && seq >= lastSeq - kept.size();
    }

    /** Where a reader that brings no event id begins: after what an earlier reader was given, or at the oldest message kept. */
    public synchronized long freshStart() {
        return Math.max(delivered, lastSeq - kept.size());
    }

    private synchronized void delivered(long seq) {
        delivered = Math.max(delivered, seq);
        while (!resumable && !kept.isEmpty() && kept.getFirst().seq() <= delivered) {
            keptBytes -= dataLength(kept.removeFirst());
        }
    }

    /**
     * The messages after {@code seq}, then later ones as they come. A new reader takes the place of an earlier one, which ends. Cancelling only detaches the reader.
     *
     * @param first sent before all others and not remembered: {@link #priming} so that the client can resume even if nothing else arrives, a comment so that the head of the answer goes out at
     *     once, or null
     * @param encode turns an item into what is sent, called once for each delivery
     */
    public <T> Flux<T> read(long seq, @Nullable Item first, Function<Item, T> encode) {
        return new Flux<Item>() {
            @Override
            public void subscribe(CoreSubscriber<? super Item> actual) {
                Reader next = new Reader(actual, seq, first);
                Reader before;
                long pause;
                synchronized (EventStream.this) {
                    before = reader;
                    pause = pauseFirst;
                    pauseFirst = -1;
                    everRead = true;
                    reader = pause >= 0 ? null : next;
                }
                if (before != null) {
                    before.end();
                }
                actual.onSubscribe(next);
                if (pause >= 0) {
                    next.part(Item.retry(pause));
                } else {
                    next.drain();
                }
            }
        }.map(encode);
    }

    private static int dataLength(Item item) {
        byte[] data = item.data();
        return data == null ? 0 : data.length;
    }

    private synchronized @Nullable Item after(long seq) {
        if (seq >= lastSeq) {
            return null;
        }
        long oldest = lastSeq - kept.size() + 1;
        if (oldest == seq + 1) {
            return kept.peekFirst();
        }
        if (lastSeq == seq + 1) {
            return kept.peekLast();
        }
        Iterator<Item> items = kept.iterator();
        while (items.hasNext()) {
            Item item = items.next();
            if (item.seq() > seq) {
                return item;
            }
        }
        return null;
    }

    /** One connection's view: a cursor into the kept messages, a demand, and a few transient items. Drained by one thread at a time. */
    private final class Reader implements Subscription {
        private final CoreSubscriber<? super Item> actual;
        private final ArrayDeque<Item> transients = new ArrayDeque<>(2);
        private volatile long cursor;
        private long demand;
        private boolean draining;
        private boolean again;
        private boolean ending;
        private @Nullable Item parting;
        private boolean finished;

        Reader(CoreSubscriber<? super Item> actual, long cursor, @Nullable Item first) {
            this.actual = actual;
            this.cursor = cursor;
            if (first != null) {
                transients.add(first);
            }
        }

        @Override
        public void request(long n) {
            synchronized (this) {
                demand = Operators.addCap(demand, n);
            }
            drain();
        }

        @Override
        public void cancel() {
            synchronized (this) {
                finished = true;
            }
            detach();
        }

        void offerTransient(Item item) {
            synchronized (this) {
                if (finished || transients.size() > 4) {
                    return;
                }
                transients.add(item);
            }
            drain();
        }

        /** Ends after everything that is there now, with this as the last item. */
        void part(Item last) {
            synchronized (this) {
                parting = last;
            }
            drain();
        }

        void end() {
            synchronized (this) {
                transients.clear();
                ending = true;
            }
            drain();
        }

        private void detach() {
            synchronized (EventStream.this) {
                if (reader == this) {
                    reader = null;
                }
            }
            onRoom.run();
        }

        void drain() {
            synchronized (this) {
                if (draining) {
                    again = true;
                    return;
                }
                draining = true;
            }
            boolean took = false;
            while (true) {
                Item item;
                boolean end = false;
                synchronized (this) {
                    if (finished) {
                        draining = false;
                        break;
                    }
                    item = demand > 0 ? transients.poll() : null;
                    if (item == null && transients.isEmpty() && ending) {
                        end = true;
                    } else if (item == null && demand > 0 && transients.isEmpty()) {
                        item = after(cursor);
                        if (item == null && isCompleted() && after(cursor) == null) {
                            end = true;
                        } else if (item == null && parting != null) {
                            item = parting;
                            parting = null;
                            ending = true;
                        }
                    }
                    if (item != null) {
                        demand--;
                    } else if (end) {
                        finished = true;
                        draining = false;
                    } else if (again) {
                        again = false;
                        continue;
                    } else {
                        draining = false;
                        break;
                    }
                }
                if (end) {
                    detach();
                    actual.onComplete();
                    return;
                }
                if (item != null) {
                    if (item.seq() > cursor) {
                        cursor = item.seq();
                        delivered(item.seq());
                    }
                    took = true;
                    actual.onNext(item);
                }
            }
            if (took) {
                onRoom.run();
            }
        }
    }
}
