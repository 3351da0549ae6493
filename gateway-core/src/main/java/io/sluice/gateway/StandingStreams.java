package io.sluice.gateway;

import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.session.LiveSession;
import io.sluice.session.LiveSessions;
import io.sluice.session.SessionLink;
import io.sluice.session.SessionNews;
import io.sluice.session.SessionNote;
import io.sluice.session.SessionStore;
import io.sluice.session.StoredEvents;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The standing stream of a session, the one of messages that belong to no call, when there are several replicas. One of
 * them holds it at a time: the one that the client's GET came to last. Who takes it asks the others to hand over what they
 * have; from then on they pass on to the holder what they would tell the client. So each message goes to the client once,
 * and a client that resumes anywhere misses nothing that any living replica or the store still has.
 */
final class StandingStreams {
    private static final Duration PATIENCE = Duration.ofMillis(500);

    private final SessionStore store;
    private final SessionLink link;
    private final LiveSessions sessions;
    private final LegacyInterests interests;
    private final Supplier<View> views;
    private final AtomicLong questions = new AtomicLong();
    private final Map<Long, Sinks.Many<SessionNews.HandedOver>> asked = new ConcurrentHashMap<>();

    StandingStreams(
            SessionStore store,
            SessionLink link,
            LiveSessions sessions,
            LegacyInterests interests,
            Supplier<View> views) {
        this.store = store;
        this.link = link;
        this.sessions = sessions;
        this.interests = interests;
        this.views = views;
    }

    /** Puts a message on the client's standing stream, wherever that is. */
    void say(LiveSession session, byte[] json) {
        if (session.standalone().publishIf(() -> session.heldElsewhere().isEmpty(), json)) {
            return;
        }
        Optional<String> holder = session.heldElsewhere();
        if (holder.isEmpty()) {
            session.standalone().publish(json); // it has just come back
            return;
        }
        link.tell(holder.get(), new SessionNews.Said(session.ticket().id(), json))
                .onErrorReturn(false)
                .subscribe(there -> {
                    if (!there) {
                        session.heldBy(null);
                        session.standalone().publish(json);
                    }
                });
    }

    /** The client has come here without an event to resume after. Nobody waits for the others. */
    void take(LiveSession session) {
        ask(session, Optional.empty())
                .doOnNext(handed -> adopt(session, handed))
                .then(Mono.defer(() -> interestsOf(session)))
                .subscribe(done -> {}, lost -> {});
    }

    /**
     * The client has come here to read on after an event.
     *
     * @return where to read on; fails with a {@link Rejection} when what followed is not to be had
     */
    Mono<Long> resume(LiveSession session, String after) {
        EventStream stream = session.standalone();
        boolean here =
                stream.position(after).isPresent() && session.heldElsewhere().isEmpty();
        if (here) {
            take(session);
            return Mono.just(stream.position(after).getAsLong());
        }
        return ask(session, Optional.of(after))
                .collectList()
                .flatMap(answers -> merged(session, after, answers))
                .doOnSuccess(position -> interestsOf(session).subscribe(done -> {}, lost -> {}));
    }

    @SuppressWarnings("ReferenceEquality") // two replicas may say the same; one of them is chosen
    private Mono<Long> merged(LiveSession session, String after, List<SessionNews.HandedOver> answers) {
        SessionNews.HandedOver best = null;
        for (SessionNews.HandedOver answer : answers) {
            if (answer.found() && (best == null || answer.held())) {
                best = answer;
            }
        }
        Mono<List<StoredEvents.Event>> rest = best != null && best.held()
                ? Mono.just(best.events())
                : fromStore(session, after, best == null ? List.of() : best.events());
        SessionNews.HandedOver chosen = best;
        return rest.map(events -> {
            session.standalone().continues(after);
            events.forEach(event -> session.standalone().publish(event.id(), event.json()));
            answers.forEach(answer -> {
                if (answer == chosen) {
                    adoptState(session, answer);
                } else {
                    adopt(session, answer);
                }
            });
            return session.standalone().position(after).orElseThrow(() -> FarStreams.unknown(after));
        });
    }

    /**
     * What the store has after an event. A holder that was lost may have told the client more than the store was given;
     * then there is nothing known to follow.
     */
    private Mono<List<StoredEvents.Event>> fromStore(
            LiveSession session, String after, List<StoredEvents.Event> otherwise) {
        return store.events(session.ticket().id(), LiveSessions.STANDING)
                .onErrorMap(away -> new Rejection.NotFound(
                        "Events cannot be replayed at the moment, because what the replicas share cannot be reached"))
                .map(kept -> {
                    List<StoredEvents.Event> events = kept.events();
                    for (int i = events.size() - 1; i >= 0; i--) { // who took it over may have kept it again
                        if (events.get(i).id().equals(after)) {
                            return events.subList(i + 1, events.size());
                        }
                    }
                    if (events.size() >= SessionStore.MOST_EVENTS) {
                        throw FarStreams.unknown(after);
                    }
                    return otherwise.isEmpty() ? sameStreamAfter(events, after) : otherwise;
                });
    }

    private static List<StoredEvents.Event> sameStreamAfter(List<StoredEvents.Event> events, String after) {
        String prefix = after.substring(0, after.lastIndexOf('.') + 1);
        long asked = number(after);
        List<StoredEvents.Event> later = new ArrayList<>();
        for (StoredEvents.Event event : events) {
            if (!later.isEmpty() || (event.id().startsWith(prefix) && number(event.id()) > asked)) {
                later.add(event);
            }
        }
        return later;
    }

    private static long number(String eventId) {
        String digits = eventId.substring(eventId.lastIndexOf('.') + 1);
        return digits.matches("\\d{1,18}") ? Long.parseLong(digits) : Long.MAX_VALUE;
    }

    /** Tells the others who holds the stream now. Completes when all have answered that could. */
    private Flux<SessionNews.HandedOver> ask(LiveSession session, Optional<String> after) {
        return Flux.defer(() -> {
            String id = session.ticket().id();
            long question = questions.incrementAndGet();
            Sinks.Many<SessionNews.HandedOver> answers = Sinks.many().unicast().onBackpressureBuffer();
            asked.put(question, answers);
            session.heldBy(link.self());
            store.note(id, new SessionNote.Holder(link.self()));
            return link.tellAll(new SessionNews.Holding(id, question, after))
                    .onErrorReturn(0L)
                    .flatMapMany(others -> answers.asFlux().take(others))
                    .takeUntilOther(Mono.delay(PATIENCE))
                    .doFinally(signal -> asked.remove(question));
        });
    }

    private Mono<Void> interestsOf(LiveSession session) {
        return store.load(session.ticket().id())
                .doOnNext(record -> interests.take(session, record.subscriptions(), views.get()))
                .then();
    }

    void hear(SessionNews.HandedOver handed) {
        Sinks.@Nullable Many<SessionNews.HandedOver> asking = asked.get(handed.question());
        if (asking == null || asking.tryEmitNext(handed).isFailure()) {
            sessions.peek(handed.session()).ifPresent(session -> adopt(session, handed)); // too late to be waited for
        }
    }

    private void adopt(LiveSession session, SessionNews.HandedOver handed) {
        handed.events().forEach(event -> session.standalone().publish(event.id(), event.json()));
        adoptState(session, handed);
    }

    private void adoptState(LiveSession session, SessionNews.HandedOver handed) {
        interests.take(session, Set.copyOf(handed.subscriptions()), views.get());
        session.changed(handed.changedLists());
        if (session.standalone().hasReader()) {
            ListChanges.publish(session.standalone(), session.takeChanged());
        }
    }

    void hear(String from, SessionNews.Holding holding) {
        LiveSession session = sessions.peek(holding.session()).orElse(null);
        if (session == null) {
            link.mention(
                    from,
                    new SessionNews.HandedOver(
                            holding.session(), holding.question(), false, false, List.of(), List.of(), 0));
            return;
        }
        boolean held = session.heldElsewhere().isEmpty();
        EventStream stream = session.standalone();
        OptionalLong position = holding.after().map(stream::position).orElse(OptionalLong.empty());
        List<StoredEvents.Event> events = new ArrayList<>();
        for (EventStream.Item item : stream.handOver(position, () -> session.heldBy(from))) {
            byte[] data = item.data();
            if (item.id() != null && data != null) {
                events.add(new StoredEvents.Event(item.id(), data));
            }
        }
        link.mention(
                from,
                new SessionNews.HandedOver(
                        holding.session(),
                        holding.question(),
                        held,
                        position.isPresent(),
                        events,
                        interests.giveUp(session),
                        session.takeChanged()));
    }

    void hear(SessionNews.Said said) {
        sessions.peek(said.session()).ifPresent(session -> session.standalone().publish(said.json()));
    }
}
