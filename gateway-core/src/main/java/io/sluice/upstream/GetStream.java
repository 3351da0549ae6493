package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.protocol.McpHeaders;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The GET stream of a legacy session, kept open: taken up again with {@code Last-Event-ID} when it ends, after the
 * wait the backend asked for or a growing one, and on the new session when the backend forgot the old one. A backend
 * that has none (405 and its kin) is not asked again. State belongs to the one chain that reads, which a renewed
 * session replaces; closing comes from anywhere.
 */
final class GetStream {
    private static final Duration FIRST_WAIT = Duration.ofMillis(250);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(15);
    private static final int CONFLICTS = 10;

    private final LegacySession session;
    private final Listener listener;
    private final Backoff backoff;
    private final Disposable.Swap running = Disposables.swap();
    private final AtomicBoolean ended = new AtomicBoolean();
    private volatile @Nullable Established of;
    private volatile @Nullable String lastId;
    private volatile @Nullable Duration retry;
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicInteger conflicts = new AtomicInteger();
    private volatile boolean openedBefore;
    private volatile boolean none;

    /** Told what arrives, by one thread at a time. */
    interface Listener {
        /** A request or notification; never a ping. */
        void onMessage(Envelope message);

        /**
         * The stream is open, for the first time or anew; {@code gapless} when the backend was able to replay what was
         * missed.
         */
        default void onOpen(boolean first, boolean gapless) {}

        /** The connection ended; another will be tried. */
        default void onBroken() {}

        /** The session was opened anew: what the backend had been asked for on it is gone. */
        default void onRenewed() {}

        /** Nothing will arrive any more. */
        void onClosed();
    }

    /** @param after the event up to which another replica has read the stream, or null */
    GetStream(LegacySession session, Listener listener, @Nullable String after) {
        this.session = session;
        if (after != null) {
            this.of = session.now();
            this.lastId = after;
        }
        this.listener = listener;
        this.backoff =
                new Backoff(FIRST_WAIT, LONGEST_WAIT, session.http().settings().random());
    }

    /** The event up to which this stream was read. */
    Optional<String> lastEventId() {
        return Optional.ofNullable(lastId);
    }

    void start() {
        running.update(Mono.defer(this::connection)
                .repeat(() -> !none && !session.isClosed())
                .subscribe(ignored -> {}, ignored -> end(), this::end));
    }

    /** Goes over to the session that replaced the forgotten one, whose stream may seem open still. */
    void renewed() {
        if (!ended.get() && !session.isClosed()) {
            listener.onRenewed();
            start();
        }
    }

    void close() {
        running.dispose();
        end();
    }

    /** Reads no longer, and leaves the listener to be told by another stream. */
    void stop() {
        running.dispose();
        ended.set(true);
    }

    Listener listener() {
        return listener;
    }

    private void end() {
        if (ended.compareAndSet(false, true)) {
            listener.onClosed();
        }
    }

    /** One connection, and the wait before the next. Completes empty. */
    private Mono<Void> connection() {
        return open().flatMapMany(this::read)
                .then()
                .onErrorResume(error -> {
                    failures.incrementAndGet();
                    return error instanceof Rejection.UnknownSession ? Mono.error(error) : Mono.empty();
                })
                .then(Mono.defer(this::pause));
    }

    private Mono<Void> pause() {
        listener.onBroken();
        if (none) {
            return Mono.empty();
        }
        Duration asked = retry;
        Duration wait = failures.get() == 0 && asked != null && asked.compareTo(LONGEST_WAIT) <= 0
                ? asked
                : backoff.after(Math.max(1, failures.get()));
        return Mono.delay(wait, session.http().settings().timer()).then();
    }

    private Mono<Answer> open() {
        Established current = session.now();
        if (!current.equals(of)) {
            of = current;
            lastId = null;
        }
        String after = lastId;
        Ask ask = Ask.get(
                current.endpoint(),
                headers -> {
                    current.head(headers, MediaTypes.EVENT_STREAM);
                    if (after != null) {
                        headers.set(McpHeaders.LAST_EVENT_ID, after);
                    }
                },
                null,
                false);
        return session.http().send(ask).flatMap(answer -> {
            if (answer.isEventStream()) {
                listener.onOpen(!openedBefore, after != null);
                openedBefore = true;
                conflicts.set(0);
                return Mono.just(answer);
            }
            return answer.refused().flatMap(refused -> refused(refused, current));
        });
    }

    private Mono<Answer> refused(Reply.Refused refused, Established current) {
        if (current.isForgotten(refused)) {
            if (openedBefore) {
                return session.renew(current).then(Mono.empty());
            }
            none = true; // a backend without a GET stream may say 404 as well, and nothing is lost by believing it
            return Mono.empty();
        }
        boolean passing = Failures.concernsBackend(refused.status()) && refused.status() != 501;
        boolean conflict = refused.status() == 409 && conflicts.get() < CONFLICTS;
        if (conflict) {
            conflicts.incrementAndGet();
        }
        if (passing || conflict) {
            failures.incrementAndGet();
        } else {
            none = true;
        }
        return Mono.empty();
    }

    private Flux<Void> read(Answer answer) {
        SseReader reader = new SseReader(session.http().settings().maxEventBytes());
        return answer.items(reader, () -> false)
                .concatMap(
                        item -> {
                            take(item);
                            return Mono.<Void>empty();
                        },
                        1);
    }

    private void take(SseItem item) {
        failures.set(0);
        if (item instanceof SseItem.Retry wish) {
            retry = wish.after();
        }
        if (item instanceof SseItem.Dispatched event
                && event.id() != null
                && !event.id().isEmpty()) {
            lastId = event.id();
        }
        for (Envelope message : Messages.messagesOf(item)) {
            if (message.kind() != Kind.RESPONSE && !session.answersItself(message)) {
                listener.onMessage(message);
            }
        }
    }
}
