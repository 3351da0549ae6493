package io.sluice.discovery;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;

/**
 * Bounds how many backends are asked at once, so that a thousand of them do not open a thousand connections in one
 * moment. A backend that does not answer loses its turn after a while, though it is still being asked: those that hang
 * keep nobody waiting for long. Confined to the thread of its scheduler.
 */
final class Turns {
    private final Scheduler thread;
    private final int most;
    private final Duration longest;
    private final Queue<Turn> waiting = new ArrayDeque<>();
    private int taken;

    /**
     * @param most turns at once
     * @param longest after which another has its turn, whether or not this one is over
     */
    Turns(Scheduler thread, int most, Duration longest) {
        this.thread = thread;
        this.most = most;
        this.longest = longest;
    }

    /** Begins, at once or when there is room. To be disposed of when what has begun is over, or need not begin. */
    Disposable take(Runnable begin) {
        Turn turn = new Turn(begin);
        if (taken < most) {
            turn.begin();
        } else {
            waiting.add(turn);
        }
        return turn;
    }

    private void over() {
        taken--;
        for (Turn next = waiting.poll(); next != null; next = waiting.poll()) {
            if (!next.isDisposed()) {
                next.begin();
                return;
            }
        }
    }

    private final class Turn implements Disposable {
        private final Runnable begin;
        private Disposable end = Disposables.disposed();
        private boolean begun;
        private boolean disposed;

        Turn(Runnable begin) {
            this.begin = begin;
        }

        void begin() {
            taken++;
            begun = true;
            end = thread.schedule(this::dispose, longest.toMillis(), TimeUnit.MILLISECONDS);
            begin.run();
        }

        @Override
        public void dispose() {
            if (!disposed) {
                disposed = true;
                end.dispose();
                if (begun) {
                    over();
                }
            }
        }

        @Override
        public boolean isDisposed() {
            return disposed;
        }
    }
}
