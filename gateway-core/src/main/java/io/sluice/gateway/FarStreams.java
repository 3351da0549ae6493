package io.sluice.gateway;

import io.sluice.call.JsonRpc;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.ErrorCodes;
import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.session.FarStreamId;
import io.sluice.session.LiveSessions;
import io.sluice.session.SessionLink;
import io.sluice.session.SessionNews;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionTicket;
import io.sluice.session.StoredEvents;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.concurrent.Queues;

/**
 * The rest of a call's stream that is on another replica: read from there while it lives, from the store when it has gone.
 * A reader takes no more than it has room for. A call whose replica was lost ends with an error that says that nobody
 * knows what became of it.
 */
final class FarStreams {
    private static final int WINDOW = 32;
    private static final Duration FIRST_WORD = Duration.ofSeconds(2);
    private static final Duration LAST_WORDS = Duration.ofMillis(500);

    /** Longer than any heartbeat is away. */
    private static final Duration SILENCE = Duration.ofSeconds(60);

    private final SessionStore store;
    private final SessionLink link;
    private final LiveSessions sessions;

    /** What is read here from elsewhere, by number. */
    private final Map<Long, Reading> reading = new ConcurrentHashMap<>();

    /** What is read elsewhere from here. */
    private final Map<Reader, Serving> serving = new ConcurrentHashMap<>();

    private record Reader(String replica, long number) {}

    FarStreams(SessionStore store, SessionLink link, LiveSessions sessions) {
        this.store = store;
        this.link = link;
        this.sessions = sessions;
    }

    // The replica that the client has come to

    /** What follows an event on a stream of another replica. Fails with a {@link Rejection} when that cannot be had. */
    Mono<Flux<EventStream.Item>> resume(SessionTicket ticket, FarStreamId stream, String after) {
        return Mono.defer(() -> new Reading(ticket.id(), stream).begin(after))
                .switchIfEmpty(Mono.defer(() -> fromStore(ticket.id(), stream, after)));
    }

    /** A stream being read from another replica. What arrives waits here, no more than there was room for. */
    private final class Reading {
        private final String session;
        private final FarStreamId stream;
        private final long number = ThreadLocalRandom.current().nextLong();
        private final Sinks.One<Boolean> known = Sinks.one();
        private final Sinks.Many<EventStream.Item> items = Sinks.many()
                .unicast()
                .onBackpressureBuffer(Queues.<EventStream.Item>get(4 * WINDOW).get());
        private final AtomicInteger taken = new AtomicInteger();

        Reading(String session, FarStreamId stream) {
            this.session = session;
            this.stream = stream;
        }

        /** Its items, or empty when that replica has gone or knows nothing of it. */
        Mono<Flux<EventStream.Item>> begin(String after) {
            reading.put(number, this);
            return link.tell(stream.replica(), new SessionNews.Resume(session, stream.name(), after, number))
                    .flatMap(there -> there ? known.asMono().timeout(FIRST_WORD) : Mono.just(false))
                    .onErrorReturn(false)
                    .flatMap(found -> {
                        if (!found) {
                            end();
                            return Mono.empty();
                        }
                        return Mono.just(items.asFlux()
                                .timeout(SILENCE)
                                .doOnNext(this::took)
                                .onErrorComplete() // the client comes back and finds what there is by then
                                .doFinally(signal -> end()));
                    });
        }

        private void took(EventStream.Item item) {
            if (taken.incrementAndGet() == WINDOW / 2) {
                taken.set(0);
                link.mention(stream.replica(), new SessionNews.Took(session, stream.name(), number, WINDOW / 2));
            }
        }

        void next(SessionNews.Next next) {
            known.tryEmitValue(true);
            if (items.tryEmitNext(new EventStream.Item(
                            next.eventId().orElse(null), 0, next.json().orElse(null), next.retryMillis()))
                    .isFailure()) {
                items.tryEmitComplete();
            }
        }

        void over(boolean wasKnown) {
            known.tryEmitValue(wasKnown);
            items.tryEmitComplete();
        }

        private void end() {
            if (reading.remove(number, this)) {
                link.mention(stream.replica(), new SessionNews.Left(session, stream.name(), number));
            }
        }
    }

    private Mono<Flux<EventStream.Item>> fromStore(String session, FarStreamId stream, String after) {
        Mono<StoredEvents> stored = store.events(session, stream.name());
        return stored.flatMap(kept -> kept.request().isEmpty() || kept.completed()
                        ? Mono.just(kept)
                        : Mono.delay(LAST_WORDS).then(stored)) // a replica that has just left may still be writing
                .onErrorMap(away -> new Rejection.NotFound(
                        "Events cannot be replayed at the moment, because what the replicas share cannot be reached"))
                .map(kept -> rest(kept, stream, after)
                        .<Flux<EventStream.Item>>map(Flux::fromIterable)
                        .orElseThrow(() -> unknown(after)));
    }

    private static Optional<List<EventStream.Item>> rest(StoredEvents kept, FarStreamId stream, String after) {
        OptionalLong asked = number(after);
        if (kept.equals(StoredEvents.NONE) || asked.isEmpty()) {
            return Optional.empty();
        }
        List<EventStream.Item> rest = new ArrayList<>();
        for (StoredEvents.Event event : kept.events()) {
            long seq = number(event.id()).orElse(0);
            if (rest.isEmpty() && seq > asked.getAsLong() + 1) {
                return Optional.empty(); // what came between is no longer kept
            }
            if (seq > asked.getAsLong()) {
                rest.add(new EventStream.Item(event.id(), seq, event.json(), -1));
            }
        }
        if (!kept.completed() && kept.request().isPresent()) {
            rest.add(new EventStream.Item(
                    stream.name() + "." + Long.MAX_VALUE, 0, lost(kept.request().get()), -1));
        }
        return Optional.of(rest);
    }

    private static byte[] lost(String requestId) {
        return JsonRpc.error(
                RequestId.parse(requestId).orElse(null),
                ErrorCodes.INTERNAL_ERROR,
                "The replica of the gateway that served this call was lost; whether the call took effect is unknown",
                "{\"outcome\":\"unknown\"}");
    }

    private static OptionalLong number(String eventId) {
        String digits = eventId.substring(eventId.lastIndexOf('.') + 1);
        return digits.matches("\\d{1,18}") ? OptionalLong.of(Long.parseLong(digits)) : OptionalLong.empty();
    }

    static Rejection unknown(String eventId) {
        return Rejection.BadHttp.badRequest(
                "Nothing can be resumed after event '" + eventId + "': it is unknown here or too old");
    }

    void hear(SessionNews.Next next) {
        Reading reader = reading.get(next.reader());
        if (reader != null) {
            reader.next(next);
        }
    }

    void hear(SessionNews.Over over) {
        Reading reader = reading.get(over.reader());
        if (reader != null) {
            reader.over(over.known());
        }
    }

    // The replica that has the stream

    void hear(String from, SessionNews.Resume resume) {
        Optional<EventStream> stream =
                sessions.peek(resume.session()).flatMap(live -> live.callStream(resume.stream()));
        OptionalLong position =
                stream.map(known -> known.position(resume.after())).orElse(OptionalLong.empty());
        if (position.isEmpty()) {
            link.mention(from, new SessionNews.Over(resume.session(), resume.reader(), false));
            return;
        }
        Reader reader = new Reader(from, resume.reader());
        Serving next = new Serving(resume.session(), reader);
        serving.put(reader, next);
        // the first word comes at once, whether or not there is anything to read
        stream.get()
                .read(position.getAsLong(), EventStream.Item.comment(), item -> item)
                .subscribe(next);
    }

    void hear(String from, SessionNews.Took took) {
        Serving reader = serving.get(new Reader(from, took.reader()));
        if (reader != null && took.count() > 0) {
            reader.request(took.count());
        }
    }

    void hear(String from, SessionNews.Left left) {
        Serving reader = serving.remove(new Reader(from, left.reader()));
        if (reader != null) {
            reader.cancel();
        }
    }

    /** Sends one thing after the other, so that they arrive in order. */
    private final class Serving extends BaseSubscriber<EventStream.Item> {
        private final String session;
        private final Reader reader;
        private final Sinks.Many<SessionNews> outgoing = Sinks.many().unicast().onBackpressureBuffer();

        Serving(String session, Reader reader) {
            this.session = session;
            this.reader = reader;
            outgoing.asFlux()
                    .concatMap(news -> link.tell(reader.replica(), news))
                    .takeUntil(there -> !there)
                    .then()
                    .onErrorComplete()
                    .doFinally(signal -> {
                        serving.remove(reader, this);
                        cancel();
                    })
                    .subscribe();
        }

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            request(WINDOW);
        }

        @Override
        protected void hookOnNext(EventStream.Item item) {
            outgoing.tryEmitNext(new SessionNews.Next(
                    session,
                    reader.number(),
                    Optional.ofNullable(item.id()),
                    Optional.ofNullable(item.data()),
                    item.retryMillis()));
        }

        @Override
        protected void hookOnComplete() {
            outgoing.tryEmitNext(new SessionNews.Over(session, reader.number(), true));
            outgoing.tryEmitComplete();
        }
    }
}
