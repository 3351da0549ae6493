package io.sluice.gateway;

import io.sluice.testing.FakeBackend;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A backend that takes its time, does no more than so much at once, and counts. */
final class Trouble {
    private static final CountDownLatch NEVER = new CountDownLatch(1);

    private final FakeBackend backend = FakeBackend.modern().forgetful();
    private final AtomicInteger calls = new AtomicInteger();
    private final Semaphore workers;
    private volatile long millis;

    Trouble(int atOnce, long millis) {
        this.workers = new Semaphore(atOnce, true);
        this.millis = millis;
        backend.on("tools/call", (request, answer) -> {
            calls.incrementAndGet();
            workers.acquire();
            try {
                NEVER.await(this.millis, TimeUnit.MILLISECONDS);
            } finally {
                workers.release();
            }
            answer.json("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"resultType\":\"complete\",\"content\":[]}}");
        });
    }

    FakeBackend backend() {
        return backend;
    }

    void takes(long other) {
        millis = other;
    }

    /** Calls since the last time this was asked. */
    int calls() {
        return calls.getAndSet(0);
    }
}
