package io.sluice.gateway;

import io.sluice.bridge.LogLevel;
import io.sluice.bridge.NewToOld;
import io.sluice.bridge.Question;
import io.sluice.cache.Kept;
import io.sluice.cache.Place;
import io.sluice.cache.ResultCache;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.RequestId;
import io.sluice.listener.Lane;
import io.sluice.parking.Conversation;
import io.sluice.parking.ParkedCalls;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.upstream.Direct;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.Lease;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Carries one call of a modern client to a legacy backend, and gives the answer what the modern era requires. A client
 * that can be asked for nothing shares a session with all others; one that can gets a session leased for the call, and
 * the call becomes a {@link Conversation}. A client that leaves before the answer is complete has cancelled, and the
 * backend is told so in its own words, once.
 */
final class Translation {
    private final Call call;
    private final String backend;
    private final ParkedCalls parked;
    private final LegacySession session;
    private final Optional<LogLevel> logLevel;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile @Nullable RequestId upstreamId;
    private volatile @Nullable String lacking;

    /** Of a call on the lane. */
    private Direct.@Nullable SentOnSession sent;

    private Translation(
            Call call, String backend, ParkedCalls parked, LegacySession session, Optional<LogLevel> logLevel) {
        this.call = call;
        this.backend = backend;
        this.parked = parked;
        this.session = session;
        this.logLevel = logLevel;
    }

    static Mono<Answer> send(
            Call call, Target target, Upstream upstream, ParkedCalls parked, Terms terms, ResultCache cache) {
        Optional<LogLevel> logLevel = LogLevel.wantedBy(call.envelope());
        ClientFeatures features = features(call);
        return upstream.shared()
                .flatMap(shared -> features.interactive() && shared.stateful()
                        ? converse(call, target, upstream, parked, shared, features, terms, cache)
                        : alone(call, target, upstream, parked, shared, logLevel, terms, cache));
    }

    private static ClientFeatures features(Call call) {
        return call.method() == McpMethod.COMPLETION_COMPLETE
                ? ClientFeatures.NONE
                : NewToOld.features(call.envelope());
    }

    /** Whether the call can be sent on this session as it is, with nothing to arrange before. */
    static boolean isSimple(Call call, LegacySession shared) {
        return !(shared.stateful() && features(call).interactive())
                && LogLevel.wantedBy(call.envelope()).isEmpty();
    }

    /** As {@link #send}, of a simple call on the lane. */
    static Lane.Ride ride(
            Call call,
            Target target,
            Upstream upstream,
            ParkedCalls parked,
            LegacySession shared,
            Terms terms,
            ResultCache cache,
            Lane.Turn turn) {
        Translation translation = new Translation(call, upstream.backend().name(), parked, shared, Optional.empty());
        DirectRide ride = new DirectRide(
                call,
                upstream,
                turn,
                false,
                json -> translation.whole(json, target),
                reply -> translation.answered(reply, target));
        return ride.depart(
                () -> translation.sendNow(target, terms, turn, ride),
                () -> send(call, target, upstream, parked, terms, cache));
    }

    private Direct.@Nullable Sent sendNow(Target target, Terms terms, Lane.Turn turn, Direct ride) {
        Direct.SentOnSession onItsWay = session.requestNow(
                call.envelope(),
                NewToOld.request(call.envelope(), Targets.rename(call, target)),
                Hops.before(call.inbound()),
                terms,
                turn.eventLoop(),
                ride);
        if (onItsWay == null) {
            return null;
        }
        sent = onItsWay;
        upstreamId = onItsWay.upstreamId();
        return new Direct.Sent() {
            @Override
            public void abandon() {
                onItsWay.abandon();
                cancel();
            }

            @Override
            public Mono<Reply> handOver() {
                return onItsWay.handOver();
            }
        };
    }

    private byte[] whole(byte[] json, Target target) {
        finished();
        byte[] seen = Objects.requireNonNull(sent).downstream(json);
        return response(Replies.read(ExposedUris.in(seen, call, target), backend));
    }

    private Mono<Answer> answered(Mono<Reply> replied, Target target) {
        return replied.map(reply -> ExposedUris.in(reply, call, target))
                .flatMap(this::answer)
                .doOnCancel(this::cancel);
    }

    private static Mono<Answer> alone(
            Call call,
            Target target,
            Upstream upstream,
            ParkedCalls parked,
            LegacySession session,
            Optional<LogLevel> logLevel,
            Terms terms,
            ResultCache cache) {
        Place place = cache.place(call, target, upstream, Era.LEGACY, null);
        return session.logging(logLevel.map(LogLevel::wire)).then(Mono.defer(() -> {
            Translation translation = new Translation(call, upstream.backend().name(), parked, session, logLevel);
            Supplier<Mono<Reply>> own = () -> translation.sent(exchange(call, target, session, terms));
            Mono<Reply> replied = place == null
                    ? own.get()
                    : place.reply(
                            Replies.goesAlone(call),
                            () -> QuietExchange.reply(session, exchange(call, target, session, terms)),
                            own);
            return translation.answered(replied, target);
        }));
    }

    private static Mono<Answer> converse(
            Call call,
            Target target,
            Upstream upstream,
            ParkedCalls parked,
            LegacySession shared,
            ClientFeatures features,
            Terms terms,
            ResultCache cache) {
        Place place = cache.place(call, target, upstream, Era.LEGACY, features.toString());
        Kept kept = place == null ? null : place.find();
        if (place != null && kept != null) {
            return new Translation(call, upstream.backend().name(), parked, shared, Optional.empty())
                    .answer(place.reply(kept));
        }
        return begin(call, target, upstream, parked, features, terms, place);
    }

    private static Mono<Answer> begin(
            Call call,
            Target target,
            Upstream upstream,
            ParkedCalls parked,
            ClientFeatures features,
            Terms terms,
            @Nullable Place place) {
        String backend = upstream.backend().name();
        Conversation conversation = parked.conversation(call, backend, features);
        Mono<Lease> lease =
                Detached.from(upstream.lease(call.caller().fingerprint(), features, conversation), Lease::giveBack);
        return lease.flatMap(leased -> leased.session()
                .logging(LogLevel.wantedBy(call.envelope()).map(LogLevel::wire))
                .then(Mono.defer(() -> {
                    Flux<Event> events = conversation.begin(
                            leased, exchange(call, target, leased.session(), terms.with(conversation.resting())));
                    return FirstEvent.answer(call, place == null ? events : place.watched(events));
                }))
                .doFinally(signal -> conversation.endUnlessBegun(leased)));
    }

    private static Exchange exchange(Call call, Target target, LegacySession session, Terms terms) {
        return session.request(
                call.envelope(),
                NewToOld.request(call.envelope(), Targets.rename(call, target)),
                Hops.before(call.inbound()),
                terms);
    }

    private Mono<Reply> sent(Exchange now) {
        upstreamId = now.upstreamId();
        return now.reply();
    }

    private void cancel() {
        RequestId id = upstreamId;
        if (id != null && over.compareAndSet(false, true)) {
            session.cancel(id, null).onErrorComplete().subscribe();
        }
    }

    private void finished() {
        over.set(true);
    }

    private Mono<Answer> answer(Reply reply) {
        if (reply instanceof Reply.Json json) {
            return Replies.whole(json.body(), backend)
                    .<Answer>map(whole -> Answer.Message.of(response(Replies.read(whole, backend))))
                    .doOnTerminate(this::finished);
        }
        if (reply instanceof Reply.Events events) {
            return FirstEvent.answer(
                    call,
                    events.events()
                            .concatMap(this::seen, 1)
                            .doOnTerminate(this::finished)
                            .doOnCancel(this::cancel));
        }
        finished();
        if (reply instanceof Reply.Refused refused) {
            return Mono.just(answer(refused));
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
        ParkedCalls.checkLacking(lacking, message);
        return parked.pages(call, message)
                .orElseGet(() -> NewToOld.response(message, call.envelope(), call.method(), backend));
    }

    /**
     * What of a legacy backend's stream a modern client may see: what belongs to its call. It can be asked for nothing
     * here.
     */
    private Mono<Event> seen(Event event) {
        if (!(event instanceof Event.Message message)) {
            return event instanceof Event.Comment ? Mono.just(event) : Mono.empty();
        }
        Envelope envelope = Replies.read(message, backend);
        return switch (envelope.kind()) {
            case RESPONSE -> {
                finished();
                yield Mono.just(new Event.Message(response(envelope)));
            }
            case NOTIFICATION -> isWanted(envelope) ? Mono.just(event) : Mono.empty();
            case REQUEST -> decline(envelope);
        };
    }

    private boolean isWanted(Envelope notification) {
        if (notification.method().equals(McpMethod.NOTIFICATION_PROGRESS.wire())) {
            return call.envelope().metaProgressToken().isPresent();
        }
        return logLevel.filter(level -> level.admits(notification)).isPresent();
    }

    private Mono<Event> decline(Envelope request) {
        lacking = Question.lacking(request, ClientFeatures.NONE).orElse(lacking);
        return session.send(JsonRpc.error(
                        request.id(),
                        ErrorCodes.METHOD_NOT_FOUND,
                        "The client of this call cannot be asked for " + request.method(),
                        null))
                .onErrorComplete()
                .then(Mono.empty());
    }
}
