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
import java.util.Optional;
import java.util.Set;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What a legacy session wants to be told outside its calls: log messages from a level on, and updates of resources. */
final class LegacyInterests {
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
        LiveSession session = sessions.obtain(ticket.get());
        session.logLevel(level);
        return Flux.fromIterable(session.openedUpstreams())
                .flatMap(opened ->
                        opened.flatMap(upstream -> level(upstream, level)).onErrorComplete())
                .then(Mono.just(answer));
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
        LiveSession session = sessions.obtain(ticket.get());
        return updates.add(
                        view.upstream(target.backend()),
                        target.originalName(),
                        new SessionListener(session, target.exposedName()))
                .doOnSuccess(done -> session.subscriptions().put(target.exposedName(), target))
                .thenReturn(answer);
    }

    Mono<Answer> unsubscribe(Call call, Optional<SessionTicket> ticket) {
        Span uri = call.envelope().uri();
        String exposed = uri.isPresent() && call.envelope().isString(uri)
                ? call.envelope().text(uri)
                : "";
        Answer answer = Answers.empty(call);
        return Mono.justOrEmpty(ticket.flatMap(sessions::find))
                .flatMap(session -> Mono.justOrEmpty(session.subscriptions().remove(exposed))
                        .flatMap(target -> updates.remove(
                                target.backend(), target.originalName(), new SessionListener(session, exposed))))
                .thenReturn(answer);
    }

    /** Gives up what a session that ends was subscribed to. */
    void unsubscribeAll(LiveSession session) {
        session.subscriptions()
                .forEach((exposed, target) -> updates.remove(
                                target.backend(), target.originalName(), new SessionListener(session, exposed))
                        .onErrorComplete()
                        .subscribe());
        session.subscriptions().clear();
    }

    /** Puts updates of one resource on a session's stream. Equal when session and URI are, so that subscribing twice is subscribing once. */
    private record SessionListener(LiveSession session, String exposedUri) implements ResourceUpdates.Listener {
        @Override
        public void updated() {
            session.standalone()
                    .publish(JsonRpc.notification(
                            McpMethod.NOTIFICATION_RESOURCES_UPDATED.wire(),
                            "{\"uri\":" + io.sluice.envelope.Json.quote(exposedUri) + "}"));
        }
    }
}
