package io.sluice.gateway;

import io.sluice.catalog.Mount;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.RequestId;
import io.sluice.rejection.Rejection;
import io.sluice.replica.Messages;
import io.sluice.session.LiveSession;
import io.sluice.session.LiveSessions;
import io.sluice.session.SessionLink;
import io.sluice.session.SessionNews;
import io.sluice.session.SessionNote;
import io.sluice.session.SessionRecord;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.HandleAgreement;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.SessionHandle;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * The other replicas, as far as legacy sessions go: what they must know of what happens here, and what is done here when
 * they speak. Start reading at {@link #hear}. Calls never wait for any of it; what is lost on the way is found out by the
 * next use, or by the round that looks after replicas that have gone.
 */
final class Elsewhere implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(Elsewhere.class);
    private static final Duration ROUND = Duration.ofSeconds(5);
    private static final int AT_ONCE = 16;

    private final SessionStore store;
    private final LiveSessions live;
    private final Supplier<View> views;
    private final SessionLink link;
    private final StandingStreams standing;
    private final FarStreams far;
    private final Set<String> known = ConcurrentHashMap.newKeySet();
    private final Disposable.Composite resources = Disposables.composite();
    private final LegacySessions sessions;
    private final LegacyInterests interests;

    Elsewhere(
            LegacySessions sessions,
            LegacyInterests interests,
            SessionStore store,
            Messages messages,
            LiveSessions live,
            Supplier<View> views,
            Scheduler timer) {
        this.sessions = sessions;
        this.interests = interests;
        this.store = store;
        this.live = live;
        this.views = views;
        this.link = new SessionLink(messages);
        this.standing = new StandingStreams(store, link, live, interests, views);
        this.far = new FarStreams(store, link, live);
        resources.add(link.listen(this::hear));
        resources.add(store.endedElsewhere().subscribe(this::over));
        resources.add(
                timer.schedulePeriodically(this::look, ROUND.toMillis(), ROUND.toMillis(), TimeUnit.MILLISECONDS));
    }

    StandingStreams standing() {
        return standing;
    }

    FarStreams far() {
        return far;
    }

    HandleAgreement agreement(String session, String backend) {
        return new AgreementOfReplicas(store, link, session, backend);
    }

    /** The sessions opened at backends for this client, as far as can be found out. */
    Mono<Map<String, SessionHandle>> handles(SessionTicket ticket) {
        return store.load(ticket.id()).map(SessionRecord::handles).onErrorReturn(Map.of());
    }

    Optional<Upstream> way(String backend) {
        return Optional.ofNullable(views.get().upstreams().get(backend));
    }

    // What happens here

    /** Ends a session on all replicas and at the backends. */
    Mono<Void> end(SessionTicket ticket) {
        String id = ticket.id();
        link.mention(new SessionNews.Ended(id, ticket.expiresAt().toEpochMilli()));
        return handles(ticket)
                .flatMapMany(handles -> Flux.fromIterable(handles.entrySet()))
                .filterWhen(handle -> abandoned(handle.getValue()))
                .flatMap(handle -> Mono.justOrEmpty(way(handle.getKey()))
                        .flatMap(upstream -> upstream.endSession(handle.getValue())))
                .then(live.close(id))
                .then(store.forget(id));
    }

    private Mono<Boolean> abandoned(SessionHandle handle) {
        if (handle.keeper().equals(link.self())) {
            return Mono.just(false);
        }
        return handle.keeper().isEmpty()
                ? Mono.just(true)
                : link.reaches(handle.keeper()).map(there -> !there).onErrorReturn(false);
    }

    void cancelled(SessionTicket ticket, RequestId id, @Nullable String reasonJson) {
        link.mention(new SessionNews.Cancelled(ticket.id(), id.rawJson(), Optional.ofNullable(reasonJson)));
    }

    void levelSet(SessionTicket ticket, String level) {
        store.note(ticket.id(), new SessionNote.LogLevel(level));
        link.mention(new SessionNews.LevelSet(ticket.id(), level));
    }

    void wants(LiveSession session, String uri, boolean wanted) {
        String id = session.ticket().id();
        store.note(id, new SessionNote.Subscribed(uri));
        session.heldElsewhere().ifPresent(holder -> link.mention(holder, new SessionNews.Wants(id, uri, wanted)));
    }

    void wantsNoMore(SessionTicket ticket, String uri) {
        store.note(ticket.id(), new SessionNote.Unsubscribed(uri));
        link.mention(new SessionNews.Wants(ticket.id(), uri, false));
    }

    /** The client answered here what another replica had asked it. */
    void answered(String replica, SessionTicket ticket, RequestId id, byte[] response) {
        link.mention(replica, new SessionNews.Answered(ticket.id(), id.rawJson(), response));
    }

    /** This replica goes: the others do from now on what it did for sessions. To be said when they have all they need. */
    Mono<Void> leave() {
        return link.tellAll(new SessionNews.Leaving()).onErrorReturn(0L).then();
    }

    // What the others say

    private void hear(String from, SessionNews news) {
        known.add(from);
        if (news instanceof SessionNews.Ended ended) {
            store.end(ended.session(), Instant.ofEpochMilli(ended.expiresAtMillis()));
            over(ended.session());
        } else if (news instanceof SessionNews.Cancelled cancelled) {
            live.peek(cancelled.session())
                    .flatMap(session -> RequestId.parse(cancelled.requestId()).flatMap(session::takeInFlight))
                    .ifPresent(call -> call.cancel(cancelled.reason().orElse(null)));
        } else if (news instanceof SessionNews.LevelSet set) {
            live.peek(set.session()).ifPresent(session -> session.logLevel(set.level()));
        } else if (news instanceof SessionNews.Wants wants) {
            live.peek(wants.session()).ifPresent(session -> wants(session, wants));
        } else if (news instanceof SessionNews.Holding holding) {
            standing.hear(from, holding);
        } else if (news instanceof SessionNews.HandedOver handed) {
            standing.hear(handed);
        } else if (news instanceof SessionNews.Said said) {
            standing.hear(said);
        } else if (news instanceof SessionNews.Answered answered) {
            answered(answered);
        } else if (news instanceof SessionNews.Resume resume) {
            far.hear(from, resume);
        } else if (news instanceof SessionNews.Took took) {
            far.hear(from, took);
        } else if (news instanceof SessionNews.Left left) {
            far.hear(from, left);
        } else if (news instanceof SessionNews.Next next) {
            far.hear(next);
        } else if (news instanceof SessionNews.Over over) {
            far.hear(over);
        } else if (news instanceof SessionNews.Leaving) {
            gone(from);
        }
    }

    private void over(String session) {
        live.close(session)
                .subscribe(done -> {}, error -> log.debug("A session did not end cleanly: {}", error.getMessage()));
    }

    private void wants(LiveSession session, SessionNews.Wants wants) {
        if (wants.wanted()) {
            interests.take(session, Set.of(wants.uri()), views.get());
        } else {
            interests.drop(session, wants.uri());
        }
    }

    private void answered(SessionNews.Answered answered) {
        try {
            live.peek(answered.session())
                    .ifPresent(session -> RequestId.parse(answered.id())
                            .ifPresent(id -> session.answered(id, EnvelopeReader.read(answered.json()))));
        } catch (Rejection malformed) {
            log.debug("Another replica passed on an answer that cannot be read: {}", malformed.reason());
        }
    }

    // Replicas that have gone

    private void look() {
        Flux.fromIterable(Set.copyOf(known))
                .filterWhen(
                        replica -> link.reaches(replica).map(there -> !there).onErrorReturn(false))
                .subscribe(this::gone, error -> log.debug("Replicas were not looked after: {}", error.getMessage()));
    }

    private void gone(String replica) {
        known.remove(replica);
        Flux.fromIterable(live.all())
                .doOnNext(session -> {
                    if (session.heldElsewhere().filter(replica::equals).isPresent()) {
                        session.heldBy(null);
                    }
                })
                .flatMap(session -> takeOver(session, replica).onErrorComplete(), AT_ONCE)
                .subscribe(done -> {}, error -> log.debug("Sessions were not taken over: {}", error.getMessage()));
    }

    /** The replica that holds a session's standing stream listens in the place of one that has gone; so does any that has its sessions open. */
    private Mono<Void> takeOver(LiveSession session, String replica) {
        Mono<Void> opened = Flux.fromIterable(session.openedBackends().values())
                .flatMap(each -> each.flatMap(LegacySession::keep).onErrorComplete())
                .then();
        if (!session.isHeldHere()) {
            return opened;
        }
        return opened.then(handles(session.ticket()))
                .flatMapIterable(Map::entrySet)
                .filter(handle -> handle.getValue().keeper().isEmpty()
                        || handle.getValue().keeper().equals(replica))
                .flatMap(handle -> Mono.justOrEmpty(way(handle.getKey()))
                        .flatMap(upstream -> Mono.justOrEmpty(mount(session))
                                .flatMap(mount -> sessions.upstream(session, upstream, mount)))
                        .onErrorComplete())
                .then();
    }

    private Optional<Mount> mount(LiveSession session) {
        return views.get().catalog().mount(session.ticket().mount());
    }

    @Override
    public void dispose() {
        resources.dispose();
    }
}
