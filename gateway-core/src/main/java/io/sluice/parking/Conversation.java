package io.sluice.parking;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.sluice.bridge.NewToOld;
import io.sluice.bridge.Question;
import io.sluice.call.Call;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.guard.Resting;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Event;
import io.sluice.upstream.Exchange;
import io.sluice.upstream.Inbox;
import io.sluice.upstream.Lease;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Reply;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/**
 * One call of a modern client to a legacy backend that may ask back, over as many requests of the client as that takes.
 * It <em>speaks</em> while a request is open: what the backend says goes to it. When the backend asks something, the
 * request is answered with the question and the call is <em>parked</em>: the exchange with the backend stays open,
 * progress and log are dropped, and the backend's response, should it come, waits. A request with the answers lets it
 * speak again. A client that leaves a request that is open has cancelled; one that does not come back in time has, too.
 *
 * <p>The monitor guards the state, and nothing waits inside it; events reach the client in the order of the backend.
 */
public final class Conversation extends BaseSubscriber<Event> implements Inbox {
    /** A backend that asks several things at once sends them one after the other. */
    private static final Duration GATHERING = Duration.ofMillis(20);

    private static final Duration FAREWELL = Duration.ofSeconds(2);
    private static final int MAX_WHOLE_BYTES = 16 << 20;

    private enum Phase {
        OPENING,
        SPEAKING,
        PARKED,
        OVER
    }

    private final ParkedCalls calls;
    private final Call call;
    private final String backend;
    private final ClientFeatures features;
    private final String id;
    private final String caller;
    private final Map<String, Question> open = new LinkedHashMap<>();
    private final Disposable.Swap waiting = Disposables.swap();
    private Phase phase = Phase.OPENING;
    private final Set<String> keys = new HashSet<>();

    /** Answers that the first request brought along, to questions not asked yet. */
    private final Map<String, RawJson> given;

    private final Resting resting = new Resting();
    private int asked;
    private int round;
    private boolean requested;
    private Asker asker;
    private @Nullable String state;
    private @Nullable FluxSink<Event> speaking;
    private @Nullable Lease lease;
    private @Nullable RequestId upstreamId;
    private @Nullable String lacking;
    private @Nullable Envelope response;
    private @Nullable Throwable failure;

    Conversation(ParkedCalls calls, Call call, String backend, ClientFeatures features, String id) {
        this.calls = calls;
        this.call = call;
        this.backend = backend;
        this.features = features;
        this.id = id;
        this.caller = call.caller().fingerprint();
        this.asker = Asker.of(call.envelope());
        this.given = ParkedCalls.answers(call.envelope());
    }

    String id() {
        return id;
    }

    /** Of its place at the backend, which it needs only while it speaks. */
    public Resting resting() {
        return resting;
    }

    /**
     * The answer to the first request, whose exchange with the backend begins when this is subscribed to, once. Ends
     * with a response, which may be a question. The lease is the conversation's from then on.
     */
    public Flux<Event> begin(Lease leased, Exchange exchange) {
        return Flux.create(sink -> {
            synchronized (this) {
                if (phase != Phase.OPENING) {
                    sink.complete();
                    return;
                }
                lease = leased;
                upstreamId = exchange.upstreamId();
                speak(sink, asker);
            }
            exchange.reply()
                    .doOnDiscard(Reply.class, Reply::discard)
                    .flatMapMany(this::events)
                    .subscribe(this);
        });
    }

    /** Gives the lease back if {@link #begin} was not subscribed to, and never will be. */
    public synchronized void endUnlessBegun(Lease leased) {
        if (phase == Phase.OPENING) {
            phase = Phase.OVER;
            leased.giveBack();
        }
    }

    /** The answer to a request that brings answers; fails with {@link Rejection.InvalidParams} when it comes too late. */
    Flux<Event> resume(Asker next, Map<String, RawJson> answers, int ofRound) {
        return Flux.create(sink -> {
            Throwable refusal = tryResume(sink, next, answers, ofRound);
            if (refusal != null) {
                sink.error(refusal);
            }
        });
    }

    // ---- towards the client

    private void speak(FluxSink<Event> sink, Asker next) {
        phase = Phase.SPEAKING;
        asker = next;
        speaking = sink;
        sink.onCancel(() -> left(sink));
        sink.onRequest(n -> goOn());
    }

    private synchronized @Nullable Throwable tryResume(
            FluxSink<Event> sink, Asker next, Map<String, RawJson> answers, int ofRound) {
        String sealed = state;
        if (phase == Phase.OVER) {
            return ParkedCalls.expired();
        }
        if (phase != Phase.PARKED || ofRound != round || sealed == null) {
            return ParkedCalls.used();
        }
        List<Question> answered = open.values().stream()
                .filter(question -> answers.containsKey(question.key()))
                .toList();
        boolean settled = response != null || failure != null || open.isEmpty();
        if (answered.isEmpty() && !settled) {
            sink.next(new Event.Message(Question.inputRequired(next.id(), open.values(), sealed)));
            sink.complete();
            return null;
        }
        waiting.update(Disposables.disposed());
        calls.leave(caller);
        speak(sink, next);
        deliver(answered, answers);
        if (failure != null) {
            fail(failure);
        } else if (response != null) {
            finish(response);
        } else {
            gatherIfAsked();
            goOn();
        }
        return null;
    }

    private void deliver(List<Question> answered, Map<String, RawJson> answers) {
        LegacySession session = session();
        if (response != null || session == null) {
            return;
        }
        // The answers need a place themselves: only then does the call take its own again.
        List<byte[]> messages = new ArrayList<>();
        for (Question question : answered) {
            open.remove(question.key());
            RawJson answer = answers.get(question.key());
            if (answer != null) {
                messages.add(question.answer(answer, session.version()));
            }
        }
        Flux.fromIterable(messages).concatMap(session::send).subscribe(done -> {}, this::failed, this::rested);
    }

    private synchronized void rested() {
        if (phase == Phase.SPEAKING) {
            resting.end();
        }
    }

    /** The client closed a request that was open: it has cancelled the call. */
    @SuppressWarnings("ReferenceEquality") // an earlier round's may end late
    private synchronized void left(FluxSink<Event> sink) {
        if (phase == Phase.SPEAKING && sink == speaking) {
            abandon();
        }
    }

    /** Asks the backend for more, as long as somebody takes it. */
    private synchronized void goOn() {
        FluxSink<Event> sink = speaking;
        boolean wanted = phase == Phase.PARKED
                || (phase == Phase.SPEAKING && sink != null && sink.requestedFromDownstream() > 0);
        if (wanted && !requested && upstream() != null) {
            requested = true;
            request(1);
        }
    }

    // ---- from the backend

    private Flux<Event> events(Reply reply) {
        if (reply instanceof Reply.Events events) {
            return events.events();
        }
        if (reply instanceof Reply.Json json) {
            return json.body()
                    .collect(ByteArrayOutputStream::new, this::take)
                    .doOnDiscard(ByteBuf.class, ByteBuf::release) // what arrives while nobody waits any more
                    .flatMapMany(whole -> Flux.just(new Event.Message(whole.toByteArray())));
        }
        if (reply instanceof Reply.Refused refused && refused.json()) {
            return Flux.just(new Event.Message(refused.body()));
        }
        return Flux.error(unavailable(
                reply instanceof Reply.Refused refused
                        ? "refused this gateway's request with HTTP " + refused.status()
                        : "accepted the request but gave no answer to it"));
    }

    private void take(ByteArrayOutputStream whole, ByteBuf part) {
        try {
            if (whole.size() + part.readableBytes() > MAX_WHOLE_BYTES) {
                throw unavailable("sent an answer of more than " + MAX_WHOLE_BYTES
                        + " bytes, which cannot be translated for this client");
            }
            whole.writeBytes(ByteBufUtil.getBytes(part));
        } finally {
            part.release();
        }
    }

    private Rejection unavailable(String what) {
        return Rejection.BackendFailure.unavailable(backend, "Backend '" + backend + "' " + what, Duration.ZERO);
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        goOn();
    }

    @Override
    protected synchronized void hookOnNext(Event event) {
        requested = false;
        if (event instanceof Event.Message message) {
            MessageReader.read(message.json())
                    .ifPresentOrElse(
                            this::read, () -> failed(unavailable("sent something that is not a JSON-RPC message")));
        } else if (event instanceof Event.Comment) {
            say(event);
        }
        goOn();
    }

    private void read(Envelope message) {
        switch (message.kind()) {
            case RESPONSE -> answered(message);
            case NOTIFICATION -> notified(message);
            case REQUEST -> ask(message);
        }
    }

    /** What arrives on the session's own stream can only be about this call: nobody else uses the session. */
    @Override
    public synchronized void onMessage(byte[] json, Envelope envelope) {
        if (envelope.kind() == Kind.REQUEST) {
            ask(envelope);
        } else if (envelope.kind() == Kind.NOTIFICATION) {
            notified(envelope);
        }
    }

    @Override
    public void onClosed() {}

    @Override
    protected synchronized void hookOnError(Throwable error) {
        failed(error);
    }

    @Override
    protected synchronized void hookOnComplete() {
        if (response == null) {
            failed(unavailable("ended the stream before it answered; whether it acted is unknown"));
        }
    }

    private void notified(Envelope message) {
        String method = message.method();
        if (method.equals(McpMethod.NOTIFICATION_CANCELLED.wire())) {
            message.requestIdAt(message.requestId()).ifPresent(this::withdrawn);
        } else if (method.equals(McpMethod.NOTIFICATION_PROGRESS.wire())) {
            asker.progressToken()
                    .filter(token -> message.progressToken().isPresent())
                    .ifPresent(token -> say(new Event.Message(new Patch(message)
                            .replace(message.progressToken(), token)
                            .toBytes())));
        } else if (asker.logLevel().filter(level -> level.admits(message)).isPresent()) {
            say(new Event.Message(message.body()));
        }
    }

    private void say(Event event) {
        FluxSink<Event> sink = speaking;
        if (phase == Phase.SPEAKING && sink != null) {
            sink.next(event);
        }
    }

    /** The backend no longer wants to know. A call that waits for nothing else goes on when its client comes back. */
    private void withdrawn(RequestId question) {
        open.values().removeIf(asked -> asked.id().filter(question::equals).isPresent());
    }

    private void ask(Envelope request) {
        Question question = phase == Phase.OVER || response != null
                ? null
                : Question.of(request, asked + 1, features).orElse(null);
        if (question == null) {
            lacking = Question.lacking(request, features).orElse(lacking);
            send(io.sluice.call.JsonRpc.error(
                    request.id(),
                    io.sluice.protocol.ErrorCodes.METHOD_NOT_FOUND,
                    "The client of this call cannot be asked for " + request.method(),
                    null));
            return;
        }
        asked++;
        RawJson early = given.remove(question.key());
        LegacySession session = session();
        if (early != null && session != null) {
            send(question.answer(early, session.version()));
            return;
        }
        Question unlike = keys.add(question.key()) ? question : question.named(question.key() + "-" + asked);
        open.put(unlike.key(), unlike);
        if (open.size() == 1) {
            gatherIfAsked();
        }
    }

    private void gatherIfAsked() {
        if (phase == Phase.SPEAKING && !open.isEmpty()) {
            waiting.update(calls.timer().schedule(this::park, GATHERING.toMillis(), TimeUnit.MILLISECONDS));
        }
    }

    /** Answers the open request with what the backend asks. */
    private synchronized void park() {
        FluxSink<Event> sink = speaking;
        if (phase != Phase.SPEAKING || open.isEmpty() || sink == null) {
            return;
        }
        if (!calls.enter(this, caller)) {
            String why = "Backend '" + backend + "' asked the client something, and " + calls.full(caller);
            speaking = null;
            giveUp();
            sink.error(Rejection.BackendFailure.limited(backend, why, Duration.ofSeconds(5)));
            return;
        }
        phase = Phase.PARKED;
        speaking = null;
        resting.begin();
        round++;
        String sealed = calls.seal(call, id, round);
        state = sealed;
        waiting.update(calls.timer().schedule(this::expire, calls.patience().toMillis(), TimeUnit.MILLISECONDS));
        sink.next(new Event.Message(Question.inputRequired(asker.id(), open.values(), sealed)));
        sink.complete();
        goOn();
    }

    // ---- the end

    private void answered(Envelope message) {
        response = message;
        release();
        if (phase == Phase.SPEAKING) {
            finish(message);
        }
    }

    /** A backend that still waits for an answer of its own is left with a session that nobody uses any more. */
    private void release() {
        Lease held = lease;
        lease = null;
        if (held == null) {
            return;
        }
        if (open.isEmpty()) {
            held.giveBack();
        } else {
            held.discard();
        }
    }

    private void finish(Envelope message) {
        FluxSink<Event> sink = speaking;
        over();
        if (sink == null) {
            return;
        }
        try {
            ParkedCalls.checkLacking(lacking, message);
            byte[] changed = calls.pages(call, message)
                    .orElseGet(() -> NewToOld.response(message, call.envelope(), call.method(), backend));
            sink.next(new Event.Message(underTheAskersId(changed)));
            sink.complete();
        } catch (Rejection refused) {
            sink.error(refused);
        }
    }

    private byte[] underTheAskersId(byte[] json) {
        Envelope message = MessageReader.read(json).orElseThrow();
        RequestId own = asker.id();
        return own.equals(message.id()) || !message.idSpan().isPresent()
                ? json
                : new Patch(message)
                        .replace(message.idSpan(), own.rawJsonBytes())
                        .toBytes();
    }

    private synchronized void failed(Throwable error) {
        if (phase == Phase.OVER || response != null) {
            return;
        }
        if (phase == Phase.PARKED) {
            failure = error;
            endLease();
        } else {
            fail(error);
        }
    }

    private void fail(Throwable error) {
        FluxSink<Event> sink = speaking;
        endLease();
        over();
        if (sink != null) {
            sink.error(error);
        }
    }

    private void endLease() {
        Lease held = lease;
        lease = null;
        if (held != null) {
            held.discard();
        }
    }

    /** Nobody came back in time. */
    synchronized void expire() {
        if (phase == Phase.PARKED) {
            calls.leave(caller);
            giveUp();
        }
    }

    /** Tells the backend that its questions have no answer, and then that nobody waits for its own. */
    private void giveUp() {
        LegacySession session = session();
        if (session == null) {
            over();
            return;
        }
        List<byte[]> messages = open.values().stream().map(Question::unanswered).toList();
        open.clear();
        abandon(Flux.fromIterable(messages)
                .concatMap(session::send)
                .onErrorComplete()
                .then());
    }

    private void abandon() {
        abandon(Mono.empty());
    }

    private void abandon(Mono<Void> before) {
        Lease held = lease;
        RequestId running = upstreamId;
        lease = null;
        over();
        cancel();
        if (held != null && running != null) {
            before.then(held.session().cancel(running, null))
                    .timeout(FAREWELL, calls.timer())
                    .onErrorComplete()
                    .subscribe(done -> {}, never -> {}, held::discard);
        }
    }

    private void over() {
        phase = Phase.OVER;
        speaking = null;
        waiting.dispose();
        calls.forget(this);
    }

    private @Nullable LegacySession session() {
        Lease held = lease;
        return held == null ? null : held.session();
    }

    private void send(byte[] json) {
        LegacySession session = session();
        if (session != null) {
            session.send(json).subscribe(done -> {}, alreadyGone -> {});
        }
    }
}
