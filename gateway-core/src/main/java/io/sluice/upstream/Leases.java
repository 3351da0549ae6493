package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Sessions with one legacy backend that declare what a client can be asked for, each lent to one call at a time. A few
 * that are idle wait a moment for the next call of the same caller with the same features; another caller never gets
 * one. The monitor guards the idle ones, and nothing waits inside it.
 */
final class Leases {
    private static final int MOST_IDLE = 16;
    private static final Duration IDLE_LIFE = Duration.ofSeconds(30);

    private final BackendHttp http;
    private final Runnable onForgotten;
    private final AtomicInteger open = new AtomicInteger();
    private final Map<Key, Deque<Lent>> idle = new HashMap<>();
    private int idleCount;
    private boolean disposed;

    Leases(BackendHttp http, Runnable onForgotten) {
        this.http = http;
        this.onForgotten = onForgotten;
    }

    record Key(String owner, ClientFeatures features) {}

    /** A session and where its GET stream's messages go at the moment. */
    static final class Lent implements Inbox {
        private volatile @Nullable LegacySession session;
        private volatile @Nullable Inbox reader;
        private long idleSince;

        LegacySession session() {
            LegacySession opened = session;
            if (opened == null) {
                throw new IllegalStateException("the handshake has not ended");
            }
            return opened;
        }

        @Override
        public void onMessage(byte[] json, Envelope envelope) {
            Inbox current = reader;
            LegacySession opened = session;
            if (current != null) {
                current.onMessage(json, envelope);
            } else if (envelope.kind() == Kind.REQUEST && opened != null) {
                opened.decline(envelope);
            }
        }

        @Override
        public void onClosed() {
            Inbox current = reader;
            if (current != null) {
                current.onClosed();
            }
        }
    }

    Mono<Lease> take(String owner, ClientFeatures features, Inbox inbox) {
        return Mono.defer(() -> {
            Key key = new Key(owner, features);
            Lent waiting = idle(key);
            if (waiting != null) {
                waiting.session().beginCall();
                waiting.reader = inbox;
                return Mono.just(new Lease(this, key, waiting));
            }
            Lent lent = new Lent();
            lent.reader = inbox;
            return LegacySession.openDedicated(
                            http, features, ProtocolVersion.LATEST_LEGACY, lent, HandleAgreement.alone(), onForgotten)
                    .doOnNext(session -> {
                        lent.session = session;
                        open.incrementAndGet();
                    })
                    .flatMap(session -> session.listening().thenReturn(new Lease(this, key, lent)));
        });
    }

    private synchronized @Nullable Lent idle(Key key) {
        Deque<Lent> waiting = idle.get(key);
        while (waiting != null && !waiting.isEmpty()) {
            Lent next = waiting.pop();
            idleCount--;
            if (waiting.isEmpty()) {
                idle.remove(key);
            }
            if (!next.session().isClosed()) {
                return next;
            }
            open.decrementAndGet();
        }
        return null;
    }

    void takeBack(Key key, Lent lent) {
        lent.reader = null;
        boolean kept = false;
        synchronized (this) {
            if (!disposed && !lent.session().isClosed() && idleCount < MOST_IDLE) {
                lent.idleSince = System.nanoTime();
                idle.computeIfAbsent(key, ignored -> new ArrayDeque<>()).push(lent);
                idleCount++;
                kept = true;
            }
        }
        if (kept) {
            http.settings().timer().schedule(this::sweep, IDLE_LIFE.toMillis() + 100, TimeUnit.MILLISECONDS);
        } else {
            end(lent);
        }
    }

    void end(Lent lent) {
        lent.reader = null;
        open.decrementAndGet();
        lent.session().close().subscribe(ignored -> {}, ignored -> {});
    }

    private void sweep() {
        close(System.nanoTime() - IDLE_LIFE.toNanos());
    }

    private void close(long idleSince) {
        List<Lent> left = new ArrayList<>();
        synchronized (this) {
            idle.values().removeIf(waiting -> {
                waiting.removeIf(lent -> {
                    boolean old = lent.idleSince - idleSince <= 0;
                    if (old) {
                        left.add(lent);
                        idleCount--;
                    }
                    return old;
                });
                return waiting.isEmpty();
            });
        }
        left.forEach(this::end);
    }

    /** Sessions that exist, lent or idle. */
    int open() {
        return open.get();
    }

    /** Ends the idle sessions; those that are lent end when they come back. */
    void dispose() {
        synchronized (this) {
            disposed = true;
        }
        close(System.nanoTime());
    }
}
