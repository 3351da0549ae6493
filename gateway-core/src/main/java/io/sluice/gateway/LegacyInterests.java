package io.sluice.gateway;

import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.session.LiveSession;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.LegacySession;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** What a legacy session wants to be told outside its calls: log messages from a level on, and updates of resources. */
final class LegacyInterests {
    private static final Logger log = LoggerFactory.getLogger(LegacyInterests.class);
    private static final Set<String> LOG_LEVELS =
            Set.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

    private final LegacySessions sessions;
    private final ResourceUpdates updates;

    LegacyInterests(LegacySessions sessions, ResourceUpdates updates) {
        this.sessions = sessions;
        this.updates = updates;
    }

    Mono<Answer> setLevel(Call call, Optional<SessionTicket> ticket) {
        Envelope envelope = call.envelope();
        Span span = envelope.level();
        String level = span.isPresent() && envelope.isString(span) ? envelope.text(span) : "";
        if (!LOG_LEVELS.contains(level)) {
            throw new Rejection.InvalidParams("params.level must be one of "
                    + String.join(", ", LOG_LEVELS.stream().sorted().toList()));
        }
        Answer answer = Answers.empty(call);
        if (ticket.isEmpty()) {
            return Mono.just(answer);
        }
        return sessions.obtain(ticket.get()).flatMap(session -> {
            session.logLevel(level);
            sessions.elsewhere().ifPresent(others -> others.levelSet(session.ticket(), level));
            return sessions.allOpened(session.ticket(), call.mount())
                    .flatMap(opened -> level(opened, level))
                    .then(Mono.just(answer));
        });
    }

    /** Sets the level of a session at a backend; one that has no levels is left as it is. */
    static Mono<LegacySession> level(LegacySession session, String level) {
        return session.call(McpMethod.LOGGING_SET_LEVEL.wire(), RawJson.of("{\"level\":\"" + level + "\"}"))
                .flatMap(Replies::read)
                .onErrorComplete()
                .thenReturn(session);
    }

    Mono<Answer> subscribe(Call call, Optional<SessionTicket> ticket, View view) {
        Target target = Targets.of(call);
        Answer answer = Answers.empty(call);
        if (ticket.isEmpty()) {
            return Mono.error(new Rejection.InvalidParams("A subscription needs a session; start with initialize"));
        }
        return sessions.obtain(ticket.get())
                .flatMap(session -> add(session, target, view)
                        .doOnSuccess(done -> sessions.elsewhere().ifPresent(others -> {
                            others.wants(session, target.exposedName(), true);
                            if (session.heldElsewhere().isPresent()) {
                                giveUp(session, target.exposedName()).subscribe(); // it is for the holder now
                            }
                        }))
                        .thenReturn(answer));
    }

    Mono<Answer> unsubscribe(Call call, Optional<SessionTicket> ticket) {
        Span uri = call.envelope().uri();
        String exposed = uri.isPresent() && call.envelope().isString(uri)
                ? call.envelope().text(uri)
                : "";
        Answer answer = Answers.empty(call);
        return Mono.justOrEmpty(ticket)
                .flatMap(known -> {
                    sessions.elsewhere().ifPresent(others -> others.wantsNoMore(known, exposed));
                    return Mono.justOrEmpty(sessions.find(known)).flatMap(session -> giveUp(session, exposed));
                })
                .thenReturn(answer);
    }

    private Mono<Void> add(LiveSession session, Target target, View view) {
        return updates.add(
                        view.upstream(target.backend()),
                        target.originalName(),
                        new SessionListener(sessions, session, target.exposedName()))
                .doOnSuccess(done -> session.subscriptions().put(target.exposedName(), target));
    }

    private Mono<Void> giveUp(LiveSession session, String exposed) {
        return Mono.justOrEmpty(session.subscriptions().remove(exposed))
                .flatMap(target -> updates.remove(
                                target.backend(),
                                target.originalName(),
                                new SessionListener(sessions, session, exposed))
                        .onErrorComplete());
    }

    /** Another replica's client wants to hear of this, and this one holds its standing stream. */
    void take(LiveSession session, Set<String> uris, View view) {
        for (String uri : uris) {
            if (!session.subscriptions().containsKey(uri)) {
                view.catalog()
                        .mount(session.ticket().mount())
                        .flatMap(mount -> Targets.resource(mount, uri))
                        .filter(target -> view.upstreams().containsKey(target.backend()))
                        .ifPresent(target -> add(session, target, view)
                                .subscribe(
                                        done -> {},
                                        error -> log.info(
                                                "A session does not hear of updates at '{}': {}",
                                                target.backend(),
                                                error.getMessage())));
            }
        }
    }

    /** The client does not want to hear of this any more, as another replica was told. */
    void drop(LiveSession session, String uri) {
        giveUp(session, uri).subscribe();
    }

    /** Gives up what a session was subscribed to here, because another replica looks after it. */
    List<String> giveUp(LiveSession session) {
        List<String> uris = List.copyOf(session.subscriptions().keySet());
        unsubscribeAll(session);
        return uris;
    }

    /** Gives up what a session that ends was subscribed to. */
    void unsubscribeAll(LiveSession session) {
        session.subscriptions()
                .forEach((exposed, target) -> updates.remove(
                                target.backend(),
                                target.originalName(),
                                new SessionListener(sessions, session, exposed))
                        .onErrorComplete()
                        .subscribe());
        session.subscriptions().clear();
    }

    /** Puts updates of one resource on a session's stream. Equal when session and URI are, so that subscribing twice is subscribing once. */
    private record SessionListener(LegacySessions sessions, LiveSession session, String exposedUri)
            implements ResourceUpdates.Listener {
        @Override
        public void updated() {
            sessions.say(
                    session,
                    JsonRpc.notification(
                            McpMethod.NOTIFICATION_RESOURCES_UPDATED.wire(),
                            "{\"uri\":" + io.sluice.envelope.Json.quote(exposedUri) + "}"));
        }
    }
}
