package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.bridge.NewToOld;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Upstream;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Carries one call of a modern client to a legacy backend, on the session that all such calls share, and gives the
 * answer what the modern era requires. A client that leaves before the answer is
 * complete has cancelled, and the backend is told so in its own words, once.
 */
final class Translation {
    /** From the least to the most severe (2025-11-25, <em>Logging</em>; RFC 5424). */
    private static final List<String> LEVELS =
            List.of("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency");

    private static final int NO_LOG = LEVELS.size();

    private final Call call;
    private final String backend;
    private final LegacySession session;
    private final Exchange exchange;
    private final int logLevel;
    private final AtomicBoolean over = new AtomicBoolean();

    private Translation(Call call, String backend, LegacySession session, Exchange exchange, int logLevel) {
        this.call = call;
        this.backend = backend;
        this.session = session;
        this.exchange = exchange;
        this.logLevel = logLevel;
    }

    static Mono<Answer> send(Call call, Target target, Upstream upstream) {
        Envelope envelope = call.envelope();
        int logLevel = logLevel(envelope);
        if (envelope.requestState().isPresent()) {
            throw new Rejection.InvalidParams("params.requestState is of a call that has ended; call again without it");
        }
        return upstream.shared().flatMap(session -> {
            Exchange exchange = session.request(
                    envelope, NewToOld.request(envelope, Targets.rename(call, target)), Hops.before(call.inbound()));
            Translation translation = new Translation(call, upstream.backend().name(), session, exchange, logLevel);
            return exchange.reply().map(translation::answer).doOnCancel(translation::cancel);
        });
    }

    private static int logLevel(Envelope envelope) {
        Span wanted = envelope.metaLogLevel();
        if (!wanted.isPresent()) {
            return NO_LOG;
        }
        int level = envelope.isString(wanted) ? LEVELS.indexOf(envelope.text(wanted)) : -1;
        if (level < 0) {
            throw new Rejection.InvalidParams("The log level in params._meta is none of " + String.join(", ", LEVELS));
        }
        return level;
    }

    private void cancel() {
        if (over.compareAndSet(false, true)) {
            session.cancel(exchange.upstreamId(), null).onErrorComplete().subscribe();
        }
    }

    private void finished() {
        over.set(true);
    }

    private Answer answer(Reply reply) {
        if (reply instanceof Reply.Json json) {
            Mono<ByteBuf> body = Replies.changed(json, backend, this::response)
                    .doOnTerminate(this::finished)
                    .doOnCancel(this::cancel)
                    .onErrorResume(Rejection.class, failure -> Mono.just(Replies.bytes(Replies.inBand(call, failure))));
            return new Answer.Relayed(200, body);
        }
        if (reply instanceof Reply.Events events) {
            Flux<Event> seen = Replies.untilResponse(events.events().concatMap(this::seen, 1), call, backend)
                    .doOnTerminate(this::finished)
                    .doOnCancel(this::cancel);
            return call.inbound().accept().events()
                    ? new Answer.Events(seen.map(Relay::frame))
                    : new Answer.Relayed(200, Replies.last(seen));
        }
        finished();
        if (reply instanceof Reply.Refused refused) {
            return answer(refused);
        }
        throw Replies.unanswered(backend);
    }

    private Answer answer(Reply.Refused refused) {
        if (refused.json()) {
            Envelope message = Replies.read(refused.body(), backend);
            if (message.error().isPresent() && call.id().equals(message.id())) {
                return Answer.Message.of(response(message));
            }
        }
        throw Replies.refusedFailure(backend, refused);
    }

    private byte[] response(Envelope message) {
        return NewToOld.response(message, call.envelope(), call.method(), backend);
    }

    /**
     * What of a legacy backend's stream a modern client may see: what belongs to its call. It can be asked for nothing
     * here.
     */
    private Mono<Event> seen(Event event) {
        if (!(event instanceof Event.Message message)) {
            return event instanceof Event.Comment ? Mono.just(event) : Mono.empty();
        }
        Envelope envelope = Replies.read(message.json(), backend);
        return switch (envelope.kind()) {
            case RESPONSE -> Mono.just(new Event.Message(response(envelope)));
            case NOTIFICATION -> isWanted(envelope) ? Mono.just(event) : Mono.empty();
            case REQUEST -> decline(envelope);
        };
    }

    private boolean isWanted(Envelope notification) {
        if (notification.method().equals(McpMethod.NOTIFICATION_PROGRESS.wire())) {
            return call.envelope().metaProgressToken().isPresent();
        }
        if (!notification.method().equals(McpMethod.NOTIFICATION_MESSAGE.wire()) || logLevel == NO_LOG) {
            return false;
        }
        Span level = notification.level();
        return !notification.isString(level) || LEVELS.indexOf(notification.text(level)) >= logLevel;
    }

    private Mono<Event> decline(Envelope request) {
        return session.send(JsonRpc.error(
                        request.id(),
                        ErrorCodes.METHOD_NOT_FOUND,
                        "The client of this call cannot be asked for " + request.method(),
                        null))
                .onErrorComplete()
                .then(Mono.empty());
    }
}
