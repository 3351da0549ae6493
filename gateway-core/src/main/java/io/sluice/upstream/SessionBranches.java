package io.sluice.upstream;

import io.sluice.envelope.RequestId;
import io.sluice.protocol.McpMethod;
import io.sluice.registry.Endpoint;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A shared session's counterparts at the other endpoints of its backend, each opened when a call is first sent there,
 * so that what keeps no state for its callers may go wherever there is room. Concurrent maps are all its state.
 */
final class SessionBranches {
    private final SessionHttp session;
    private final Handshake handshake;
    private final SessionLogging logging;
    private final Map<Endpoint, Mono<Established>> branches = new ConcurrentHashMap<>();

    /** Those of them that are open. */
    private final Map<Endpoint, Established> open = new ConcurrentHashMap<>();

    /** Requests that travel on a branch, for as long as they may be cancelled. */
    private final Map<RequestId, Established> travelling = new ConcurrentHashMap<>();

    SessionBranches(SessionHttp session, Handshake handshake, SessionLogging logging) {
        this.session = session;
        this.handshake = handshake;
        this.logging = logging;
    }

    /** No session could be opened at an endpoint. */
    private static final class NoBranch extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NoBranch() {
            super("no session there", null, false, false);
        }
    }

    /** Whether a failure says no more than that a request has to go elsewhere. */
    static boolean cannotBeThere(Throwable error) {
        return error instanceof SessionReplies.Forgotten
                || error instanceof HttpAttempts.Unreached
                || error instanceof NoBranch;
    }

    /** Whether a method is about what the session itself holds, or hears on its GET stream, and so never branches off. */
    static boolean isAboutTheSession(String method) {
        return McpMethod.of(method)
                .map(known -> switch (known) {
                    case RESOURCES_SUBSCRIBE,
                            RESOURCES_UNSUBSCRIBE,
                            LOGGING_SET_LEVEL,
                            TASKS_GET,
                            TASKS_RESULT,
                            TASKS_CANCEL -> true;
                    default -> false;
                })
                .orElse(false);
    }

    /** The counterpart at an endpoint, which those who ask at the same time share. */
    Mono<Established> at(Endpoint endpoint) {
        return branches.computeIfAbsent(
                endpoint,
                there -> handshake
                        .open(there)
                        .flatMap(made -> logging.restore(made).thenReturn(made))
                        .doOnNext(made -> open.put(there, made))
                        .doOnError(ignored -> branches.remove(there))
                        .onErrorMap(failed -> new NoBranch())
                        .cache());
    }

    /** The counterpart at an endpoint if it is open, for whoever does not want to wait. */
    @Nullable
    Established openAt(Endpoint endpoint) {
        return open.get(endpoint);
    }

    /** A request goes there that may be cancelled; told by {@link #cancelled} when it cannot be any more. */
    void travels(RequestId id, Established there) {
        travelling.put(id, there);
    }

    /** Those that are open, or will be. */
    Flux<Established> all() {
        return Flux.fromIterable(branches.values()).flatMap(branch -> branch.onErrorComplete());
    }

    /** Keeps in mind where a request is while it may be cancelled, and leaves the branch if it fails there. */
    Mono<Reply> on(Established there, RequestId id, Mono<Reply> reply) {
        travelling.put(id, there);
        return reply.map(arrived -> watched(arrived, id)).doOnError(ignored -> leave(there, id));
    }

    /** Where a request that is to be cancelled is, if it is on a branch. */
    @Nullable
    Established cancelled(RequestId id) {
        return travelling.remove(id);
    }

    private void leave(Established there, RequestId id) {
        travelling.remove(id);
        open.remove(there.endpoint(), there);
        Mono<Established> left = branches.get(there.endpoint());
        if (left != null) {
            left.subscribe(
                    known -> {
                        if (known.equals(there)) {
                            branches.remove(there.endpoint(), left);
                        }
                    },
                    ignored -> {});
        }
    }

    private Reply watched(Reply reply, RequestId id) {
        if (reply instanceof Reply.Json json) {
            return new Reply.Json(json.status(), json.body().doFinally(end -> travelling.remove(id)), json.small());
        }
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(events.events().doOnTerminate(() -> travelling.remove(id)));
        }
        travelling.remove(id);
        return reply;
    }

    /**
     * Completes when this endpoint answers a ping, in the session that is kept there, which is opened if there is none:
     * a check leaves nothing behind that is not used again.
     *
     * @param primary the session itself
     */
    Mono<Void> check(Endpoint endpoint, Established primary) {
        Mono<Established> place = primary.endpoint().equals(endpoint) ? Mono.just(primary) : at(endpoint);
        return place.flatMap(there -> {
            byte[] ping = Messages.request(session.nextId(), McpMethod.PING.wire(), null);
            return session.http()
                    .send(session.asked(ping, there, Way.own(false), false)
                            .at(endpoint)
                            .aside())
                    .flatMap(answer -> answer.refused().flatMap(said -> pinged(said, there)));
        });
    }

    private Mono<Void> pinged(Reply.Refused said, Established there) {
        if (there.isForgotten(said)) {
            open.remove(there.endpoint(), there);
            branches.remove(there.endpoint()); // it was restarted, and is well
            return Mono.empty();
        }
        return said.status() >= 500
                ? Mono.error(session.http()
                        .failures()
                        .answered(said, there.endpoint().url()))
                : Mono.empty();
    }
}
