package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpResponse;
import io.sluice.wire.Exchange;
import java.util.ArrayDeque;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * An exchange whose answer is read through a publisher, at its reader's pace. State is owned by the event loop of the
 * connection: what a reader does elsewhere is done there in its turn.
 */
final class Received extends Exchange {
    private static final long GRACE_MILLIS = 1000;

    /** Told on the event loop. */
    interface Listener {
        void head(HttpResponse head);

        /** Instead of {@link #head}. */
        void unanswered(Throwable error);

        /** Once, after everything else, but not after {@link #unanswered}. */
        void over();
    }

    private final EventLoop eventLoop;
    private final Listener listener;
    private final ArrayDeque<ByteBuf> waiting = new ArrayDeque<>(2);
    private long bytes;
    private boolean headSeen;
    private boolean told;
    private boolean ended;
    private @Nullable Throwable error;
    private @Nullable Reading reader;

    /** Whether what comes is thrown away. */
    private boolean deaf;

    /** Whether what comes is kept although nobody reads it. */
    private boolean gathering;

    /** To whom what comes is given as it comes, when there is more than is held. */
    private Direct.@Nullable Flow flow;

    private int heldAtMost;
    private boolean flowing;

    Received(EventLoop eventLoop, Listener listener) {
        this.eventLoop = eventLoop;
        this.listener = listener;
    }

    /** On the event loop, now if this is it. */
    void run(Runnable task) {
        if (eventLoop.inEventLoop()) {
            task.run();
            return;
        }
        try {
            eventLoop.execute(task);
        } catch (RejectedExecutionException closing) {
            task.run(); // the loop ends, and its connections with it
        }
    }

    @Override
    protected void head(HttpResponse head) {
        headSeen = true;
        listener.head(head);
    }

    @Override
    protected void part(ByteBuf part) {
        bytes += part.readableBytes();
        if (deaf) {
            part.release();
            return;
        }
        if (flow != null) {
            pass(part, flow);
            return;
        }
        waiting.add(reader == null ? onHeap(part) : part);
        deliver();
    }

    private void pass(ByteBuf part, Direct.Flow to) {
        if (flowing) {
            to.part(part);
            return;
        }
        waiting.add(part);
        if (bytes <= heldAtMost) {
            return;
        }
        flowing = true;
        to.begin(waiting);
        // whoever gives up meanwhile empties the queue
        for (ByteBuf held = waiting.poll(); held != null; held = waiting.poll()) {
            to.part(held);
        }
    }

    @Override
    protected void pauseInArrival() {
        Direct.Flow to = flow;
        if (flowing && to != null && !deaf) {
            to.pauseInArrival();
        }
    }

    /** So that nothing is left to release if nobody ever comes to read it. */
    private static ByteBuf onHeap(ByteBuf part) {
        if (isArray(part)) {
            return part;
        }
        try {
            return Unpooled.wrappedBuffer(ByteBufUtil.getBytes(part));
        } finally {
            part.release();
        }
    }

    @Override
    protected void end() {
        ended = true;
        over();
        Direct.Flow to = flow;
        if (flowing && to != null) {
            to.end();
        } else {
            deliver();
        }
    }

    @Override
    protected void failed(Throwable cause) {
        if (!headSeen) {
            told = true;
            listener.unanswered(cause);
            return;
        }
        error = cause;
        ended = true;
        over();
        Direct.Flow to = flow;
        if (flowing && to != null) {
            to.failed();
        } else {
            deliver();
        }
    }

    private void over() {
        Reading reading = reader;
        if (reading != null) {
            reading.calm();
        }
        if (!told) {
            told = true;
            listener.over();
        }
    }

    private void deliver() {
        Reading reading = reader;
        if (reading != null) {
            reading.drain();
        } else if (!waiting.isEmpty() && !gathering) {
            pause();
        }
    }

    /** Has a body of which it is known that it is small arrive without a reader. On the event loop, as the next two. */
    void gather() {
        gathering = true;
    }

    /** Has a large body given to somebody as soon as more than so much of it is there. */
    void flow(Direct.Flow to, int held) {
        flow = to;
        heldAtMost = held;
    }

    boolean isFlowing() {
        return flowing;
    }

    /** What is held of a body that does not flow yet is for a reader, who may come later or never. */
    void keep() {
        if (flow == null || flowing) {
            return;
        }
        flow = null;
        for (int i = waiting.size(); i > 0; i--) {
            waiting.add(onHeap(waiting.remove()));
        }
        if (!ended) {
            deliver();
        }
    }

    /** How much of the body has come. */
    long bytes() {
        return bytes;
    }

    /** Whether all of the answer is there. */
    boolean isWhole() {
        return ended && error == null;
    }

    /** Whether it broke off after its head. */
    boolean isBroken() {
        return error != null;
    }

    /** Whether it is nothing but an array, which need not be released. */
    private static boolean isArray(ByteBuf part) {
        return part.hasArray()
                && part.readerIndex() == 0
                && part.arrayOffset() == 0
                && part.array().length == part.readableBytes();
    }

    /** What has been gathered. */
    byte[] gathered() {
        ByteBuf only = waiting.size() == 1 ? waiting.peek() : null;
        if (only != null && isArray(only)) {
            waiting.clear();
            return only.array();
        }
        int size = 0;
        for (ByteBuf part : waiting) {
            size += part.readableBytes();
        }
        byte[] whole = new byte[size];
        int at = 0;
        for (ByteBuf part = waiting.poll(); part != null; part = waiting.poll()) {
            int length = part.readableBytes();
            part.readBytes(whole, at, length).release();
            at += length;
        }
        return whole;
    }

    /** Gives the answer up, from any thread; what was not read is thrown away. */
    void giveUp() {
        run(this::giveUpNow);
    }

    private void giveUpNow() {
        deaf = true;
        for (ByteBuf part = waiting.poll(); part != null; part = waiting.poll()) {
            part.release();
        }
        abandon();
        over();
    }

    /**
     * The body; each part is the subscriber's to release. Cancelling closes the connection unless the answer was
     * complete by then.
     *
     * @param answered whether at most a terminator is missing: then that is waited for a moment, since the connection
     *     could serve the next call
     */
    Flux<ByteBuf> body(BooleanSupplier answered) {
        return new Flux<>() {
            @Override
            public void subscribe(CoreSubscriber<? super ByteBuf> actual) {
                actual.onSubscribe(new Reading(actual, answered));
            }
        };
    }

    private final class Reading implements Subscription {
        private final CoreSubscriber<? super ByteBuf> actual;
        private final BooleanSupplier answered;
        private long demand;
        private boolean draining;
        private volatile boolean cancelled;
        private boolean done;
        private @Nullable Future<?> patience;

        private Reading(CoreSubscriber<? super ByteBuf> actual, BooleanSupplier answered) {
            this.actual = actual;
            this.answered = answered;
        }

        @Override
        public void request(long n) {
            run(() -> {
                reader = this;
                demand = Operators.addCap(demand, n);
                drain();
            });
        }

        /** Never in the middle of itself, so that parts stay in order. */
        private void drain() {
            if (draining || cancelled || done) {
                return;
            }
            draining = true;
            while (demand > 0 && !cancelled && !waiting.isEmpty()) {
                demand--;
                actual.onNext(waiting.remove());
            }
            draining = false;
            if (cancelled) {
                return;
            }
            if (waiting.isEmpty() && ended) {
                done = true;
                if (error != null) {
                    actual.onError(error);
                } else {
                    actual.onComplete();
                }
            } else if (demand > 0) {
                resume();
            } else if (!waiting.isEmpty()) {
                pause();
            }
        }

        @Override
        public void cancel() {
            cancelled = true;
            run(this::settle);
        }

        private void settle() {
            if (done || deaf) {
                return;
            }
            deaf = true;
            for (ByteBuf part = waiting.poll(); part != null; part = waiting.poll()) {
                part.release();
            }
            if (!ended && answered.getAsBoolean()) {
                resume();
                patience = eventLoop.schedule(Received.this::giveUpNow, GRACE_MILLIS, TimeUnit.MILLISECONDS);
                reader = this;
            } else {
                giveUpNow();
            }
        }

        private void calm() {
            Future<?> waitingFor = patience;
            if (waitingFor != null) {
                waitingFor.cancel(false);
            }
        }
    }
}
