package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The GET stream of a session, as far as this replica reads it: of a session that several replicas use, one does, and
 * the others have a listener that waits for its turn. At any time the listener is either heard by an open {@link
 * GetStream} or waits here. Safe for use by many threads.
 */
final class SessionStream {
    /**
     * How long a first call waits for the GET stream, on which many backends ask. Some open it and say so only with
     * the first event.
     */
    private static final Duration FIRST_CALL_WAITS = Duration.ofMillis(100);

    private final LegacySession session;
    private final AgreedHandle agreed;
    private final Sinks.Empty<Void> listening = Sinks.empty();
    private volatile @Nullable GetStream stream;
    private volatile GetStream.@Nullable Listener waiting;

    SessionStream(LegacySession session, AgreedHandle agreed) {
        this.session = session;
        this.agreed = agreed;
    }

    /** Opens it, once. */
    void open(GetStream.Listener listener) {
        open(listener, null);
    }

    private void open(GetStream.Listener listener, @Nullable String after) {
        GetStream opened = new GetStream(session, listener, after);
        stream = opened;
        opened.start();
        if (session.isClosed()) {
            opened.close();
        }
    }

    /** Reads it into an inbox, if no other replica does. Completes when that is decided. */
    Mono<Void> keep(Inbox inbox) {
        return Mono.defer(() -> {
            GetStream.Listener listener = new Delivery(inbox);
            if (agreed.isRead()) {
                open(listener);
                return Mono.empty();
            }
            waiting = listener;
            return agreed.takeOver().doOnNext(this::openWaiting).then();
        });
    }

    /** Reads it from now on, if the replica that did has gone. Completes when that is decided. */
    Mono<Void> keep() {
        return Mono.defer(() -> waiting == null || session.isClosed()
                ? Mono.empty()
                : agreed.takeOverLater().doOnNext(this::openWaiting).then());
    }

    private void openWaiting(AgreedHandle.From from) {
        GetStream.Listener listener = waiting;
        if (listener != null) {
            waiting = null;
            open(listener, from.after());
        }
    }

    /** Another session stands for this one: goes over to it, or leaves it to the replica that opened it. */
    void renewed() {
        GetStream open = stream;
        if (open == null) {
            return;
        }
        if (agreed.isRead()) {
            open.renewed();
        } else {
            waiting = open.listener();
            stream = null;
            open.stop();
        }
    }

    /**
     * Completes once the stream is open for the first time, or it is known that there is none, or after a moment in
     * which nothing was heard of it. Many servers send what belongs to a call on that stream, and lose what they send
     * while nobody reads it; so calls come after it.
     */
    Mono<Void> listening() {
        return Mono.defer(() -> stream == null
                ? Mono.empty() // another replica reads it
                : listening
                        .asMono()
                        .timeout(FIRST_CALL_WAITS, session.http().settings().timer())
                        .onErrorComplete());
    }

    /** The event up to which it was read. */
    Optional<String> readUpTo() {
        return Optional.ofNullable(stream).flatMap(GetStream::lastEventId);
    }

    void close() {
        GetStream open = stream;
        if (open != null) {
            open.close();
        }
    }

    /** Puts what comes into the inbox of the session's client. */
    private final class Delivery implements GetStream.Listener {
        private final Inbox inbox;

        private Delivery(Inbox inbox) {
            this.inbox = inbox;
        }

        @Override
        public void onMessage(Envelope message) {
            agreed.tell();
            inbox.onMessage(message.body(), message);
        }

        @Override
        public void onOpen(boolean first, boolean gapless) {
            listening.tryEmitEmpty();
        }

        @Override
        public void onClosed() {
            listening.tryEmitEmpty();
            inbox.onClosed();
        }
    }
}
