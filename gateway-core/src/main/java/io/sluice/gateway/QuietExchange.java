package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.cache.Place;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Reply;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;

/**
 * A request on a legacy session whose answer several may be waiting for: nobody of them can be asked anything, and only
 * when all of them have left it is given up, which the backend is told once.
 */
final class QuietExchange {
    private final LegacySession session;
    private final Exchange exchange;
    private final AtomicBoolean over = new AtomicBoolean();

    private QuietExchange(LegacySession session, Exchange exchange) {
        this.session = session;
        this.exchange = exchange;
    }

    /** The reply; fails with {@link Place.Asked} when the backend has a question. */
    static Mono<Reply> reply(LegacySession session, Exchange exchange) {
        QuietExchange quiet = new QuietExchange(session, exchange);
        return exchange.reply().map(quiet::watched).doOnCancel(quiet::giveUp);
    }

    private Reply watched(Reply reply) {
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(events.events()
                    .doOnTerminate(this::answered)
                    .doOnCancel(this::giveUp)
                    .handle(this::take));
        }
        if (reply instanceof Reply.Json json) {
            Flux<ByteBuf> body = json.body().doOnTerminate(this::answered).doOnCancel(this::giveUp);
            return new Reply.Json(json.status(), body, json.small());
        }
        answered();
        return reply;
    }

    private void take(Event event, SynchronousSink<Event> sink) {
        Kind kind = event instanceof Event.Message message
                ? MessageReader.read(message.json()).map(Envelope::kind).orElse(Kind.NOTIFICATION)
                : Kind.NOTIFICATION;
        if (kind == Kind.REQUEST) {
            sink.error(new Place.Asked());
            return;
        }
        if (kind == Kind.RESPONSE) {
            answered();
        }
        sink.next(event);
    }

    private void answered() {
        over.set(true);
    }

    private void giveUp() {
        if (over.compareAndSet(false, true)) {
            session.cancel(exchange.upstreamId(), null).onErrorComplete().subscribe();
        }
    }
}
