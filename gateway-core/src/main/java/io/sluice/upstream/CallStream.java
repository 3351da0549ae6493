package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.protocol.McpHeaders;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The event stream of one legacy call, over as many connections as the backend makes of it: one that ends before the
 * response, but gave an event id, is taken up again with {@code Last-Event-ID} after the wait the backend asked for
 * (2025-11-25, Streamable HTTP, <em>Resumability and Redelivery</em>; SEP-1699). Gives up after a few connections in a
 * row that brought nothing new.
 *
 * <p>Subscribed to once; its state belongs to whichever thread delivers at the moment.
 */
final class CallStream {
    private static final int FRUITLESS_TRIES = 5;
    private static final Duration FIRST_WAIT = Duration.ofMillis(250);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

    private final SessionHttp session;
    private final Established established;
    private final Relabel relabel;
    private @Nullable Answer first;
    private @Nullable String lastId;
    private @Nullable Duration retry;
    private int fruitless;
    private @Nullable Event response;
    private volatile boolean answered;

    CallStream(SessionHttp session, Established established, Relabel relabel, Answer first) {
        this.session = session;
        this.established = established;
        this.relabel = relabel;
        this.first = first;
    }

    Flux<Event> events() {
        return Flux.defer(this::leg).repeat(() -> !answered);
    }

    /** One connection: completes when the stream is to be taken up again, fails when that is no use. */
    private Flux<Event> leg() {
        Answer opened = first;
        if (opened != null) {
            first = null;
            return read(opened);
        }
        Duration wait = wait(fruitless);
        return Flux.<Event>just(new Event.Paused(wait))
                .concatWith(Mono.delay(wait, session.http().settings().timer())
                        .then(Mono.defer(this::reopen))
                        .flatMapMany(this::read)
                        .onErrorResume(this::tryAgain));
    }

    private Duration wait(int tries) {
        Duration asked = retry;
        if (asked != null && tries == 0) {
            return asked.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : asked;
        }
        return FIRST_WAIT.multipliedBy(1L << Math.min(tries, 6));
    }

    private Flux<Event> read(Answer answer) {
        fruitless++;
        SseReader reader = new SseReader(session.http().settings().maxEventBytes());
        return answer.items(reader, () -> answered)
                .concatMapIterable(this::eventsOf, 1)
                .takeUntil(event -> event.equals(response))
                .onErrorResume(this::tryAgain)
                .concatWith(Flux.defer(() -> answered || mayResume() ? Flux.empty() : Flux.error(gaveUp())));
    }

    private boolean mayResume() {
        return lastId != null && fruitless <= FRUITLESS_TRIES;
    }

    private Flux<Event> tryAgain(Throwable error) {
        if (error instanceof NotResumable) {
            return Flux.error(gaveUp());
        }
        return mayResume() ? Flux.empty() : Flux.error(error);
    }

    private RuntimeException gaveUp() {
        String what = "it ended the stream of a call before it answered";
        return session.http()
                .failures()
                .unavailable(lastId == null ? what : what + ", and the stream could not be resumed");
    }

    private List<Event> eventsOf(SseItem item) {
        if (item instanceof SseItem.Comment) {
            return List.of(Event.Comment.INSTANCE);
        }
        if (item instanceof SseItem.Retry wish) {
            retry = wish.after();
            return List.of();
        }
        SseItem.Dispatched event = (SseItem.Dispatched) item;
        if (event.id() != null && !event.id().isEmpty() && !event.id().equals(lastId)) {
            lastId = event.id();
            fruitless = 0;
        }
        List<Event> found = new ArrayList<>(1);
        for (Envelope message : Messages.messagesOf(item)) {
            if (answered || session.answersItself(message, established)) {
                continue;
            }
            if (message.kind() == io.sluice.envelope.Kind.RESPONSE) {
                if (!relabel.isAnswer(message)) {
                    continue; // replayed from another stream, or a late answer to a cancelled call
                }
                response = relabelled(message);
                answered = true;
                found.add(response);
                continue;
            }
            found.add(relabelled(message));
        }
        return found;
    }

    @SuppressWarnings("ReferenceEquality") // the same bytes mean the same message
    private Event relabelled(Envelope message) {
        byte[] seen = relabel.downstream(message);
        return seen == message.body() ? new Event.Message(message) : new Event.Message(seen);
    }

    private Mono<Answer> reopen() {
        fruitless++;
        String after = String.valueOf(lastId);
        Ask ask = Ask.get(
                established.endpoint(),
                headers -> {
                    established.head(headers, MediaTypes.EVENT_STREAM);
                    headers.set(McpHeaders.LAST_EVENT_ID, after);
                },
                session.http().backend().timeout(),
                true);
        return session.http().send(ask).flatMap(answer -> {
            fruitless--;
            if (answer.isEventStream()) {
                return Mono.just(answer);
            }
            int status = answer.status();
            answer.close();
            return status >= 500 || status == 429 || status == 409
                    ? Mono.error(session.http().failures().unavailable("it did not resume a stream (" + status + ")"))
                    : Mono.error(new NotResumable());
        });
    }

    /** The backend knows no resumption, or no longer this stream. */
    private static final class NotResumable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotResumable() {
            super("not resumable", null, false, false);
        }
    }
}
