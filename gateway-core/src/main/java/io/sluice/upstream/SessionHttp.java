package io.sluice.upstream;

import io.netty.handler.codec.http.HttpMethod;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Sends the messages of one session: gives each the session's headers, and each request an id of the session's own.
 * Which {@link Established} is meant is said with every message. Safe for use by many threads: all it keeps is the
 * last id.
 */
final class SessionHttp {
    private static final Logger log = LoggerFactory.getLogger(SessionHttp.class);

    private final BackendHttp http;
    private final boolean shared;
    private final AtomicLong ids;
    private final Runnable onForgotten;

    /**
     * @param shared whether callers share the session, whose progress tokens must not meet
     * @param firstId where ids of requests begin
     * @param onForgotten told when a message is refused because the backend forgot the session
     */
    SessionHttp(BackendHttp http, boolean shared, long firstId, Runnable onForgotten) {
        this.http = http;
        this.shared = shared;
        this.ids = new AtomicLong(firstId);
        this.onForgotten = onForgotten;
    }

    /** What carries the messages. */
    BackendHttp http() {
        return http;
    }

    RequestId nextId() {
        return RequestId.of(ids.incrementAndGet());
    }

    /** Gives a client's request the names that it has on this session. */
    Relabel relabel(Envelope request, Patch patch) {
        RequestId clientId = request.id();
        if (clientId == null) {
            throw new IllegalArgumentException("a request has an id");
        }
        RequestId own = nextId();
        patch.replace(request.idSpan(), own.rawJsonBytes());
        byte[] token = null;
        Span tokenSpan = request.metaProgressToken();
        if (shared && tokenSpan.isPresent()) {
            token = request.raw(tokenSpan).bytes();
            patch.replace(tokenSpan, own.rawJsonBytes());
        }
        return new Relabel(own, clientId, token);
    }

    /** @param movable whether failing to connect is told as {@link HttpAttempts.Unreached} */
    Ask asked(byte[] body, Established at, Way way, boolean movable) {
        return Ask.call(
                body,
                headers -> {
                    at.head(headers, MediaTypes.BOTH);
                    http.via(headers, way.via());
                },
                http.backend().timeout(),
                way.repeatable(),
                way.terms(),
                shared && at.id() == null ? null : at.endpoint(),
                movable);
    }

    /** A message of the gateway's own. */
    Mono<Answer> post(byte[] body, Established at, boolean repeatable) {
        return http.send(asked(body, at, Way.own(repeatable), false));
    }

    /** A notification or a response. Fails when the backend does not take it. */
    Mono<Void> send(byte[] json, Established at) {
        return post(json, at, false).flatMap(answer -> {
            if (answer.isSuccess()) {
                answer.drop();
                return Mono.empty();
            }
            return answer.refused().flatMap(refused -> {
                if (at.isForgotten(refused)) {
                    onForgotten.run();
                }
                return Mono.error(
                        http.failures().answered(refused, at.endpoint().url()));
            });
        });
    }

    /** Ends what the backend keeps. Never fails: one that does not support that, or has forgotten it, is left alone. */
    Mono<Void> delete(Established at) {
        if (at.id() == null) {
            return Mono.empty();
        }
        Ask delete = new Ask(
                HttpMethod.DELETE,
                at.endpoint(),
                false,
                headers -> at.head(headers, MediaTypes.BOTH),
                null,
                http.probeTimeout(),
                false,
                false,
                Terms.OWN);
        return http.send(delete).doOnNext(Answer::drop).onErrorComplete().then();
    }

    /** Answers what is between the backend and this hop; true when the message is dealt with. */
    boolean answersItself(Envelope message, Established at) {
        if (message.kind() != Kind.REQUEST) {
            return false;
        }
        RequestId id = message.id();
        if (id == null) {
            return false;
        }
        if (message.knownMethod().filter(McpMethod.PING::equals).isPresent()) {
            reply(Messages.emptyResult(id), at);
            return true;
        }
        return false;
    }

    /** Says no to a request that nobody behind this session could answer. */
    void decline(Envelope message, Established at) {
        RequestId id = message.id();
        if (id != null) {
            reply(Messages.error(id, ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + message.method()), at);
        }
    }

    private void reply(byte[] json, Established at) {
        send(json, at)
                .subscribe(
                        ignored -> {},
                        error -> log.debug(
                                "Backend '{}' did not take an answer: {}",
                                http.backend().name(),
                                error.getMessage()));
    }
}
