package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.bridge.InputRequired;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.session.LiveSession;
import io.sluice.upstream.Event;
import io.sluice.upstream.Reply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Plays the rounds of a modern backend with a legacy client. The backend answers a call with questions and forgets it (2026-07-28, <em>Multi round-trip requests</em>); a legacy client expects the
 * questions as requests on the stream of its call. So each question goes out as a request of the gateway's own, the client's answers are collected, and the call is sent again with them and with
 * exactly the state the backend gave.
 */
final class InputRounds {
    /** As the official TypeScript SDK bounds the same translation. */
    static final int MAX_ROUNDS = 8;

    private static final Duration PATIENCE = Duration.ofSeconds(600);
    private static final Duration PAUSE = Duration.ofMillis(250);

    private final Call call;
    private final String backend;
    private final LiveSession session;
    private final Function<Patch, Mono<Reply>> send;

    /** @param send sends the client's request, changed by the patch, to the backend; its reply bears the id the patch gave it */
    InputRounds(Call call, String backend, LiveSession session, Function<Patch, Mono<Reply>> send) {
        this.call = call;
        this.backend = backend;
        this.session = session;
        this.send = send;
    }

    /** The reply of the whole conversation. An event stream as soon as there is anything to ask. */
    Mono<Reply> play(Mono<Reply> first) {
        return first.flatMap(reply -> play(reply, 1));
    }

    private Mono<Reply> play(Reply reply, int round) {
        if (reply instanceof Reply.Json json) {
            return Replies.whole(json.body(), backend).map(bytes -> {
                Envelope response = Replies.read(bytes, backend);
                return InputRequired.of(response)
                        .<Reply>map(required -> new Reply.Events(ask(required, round)))
                        .orElseGet(() -> whole(json.status(), named(response)));
            });
        }
        if (reply instanceof Reply.Events events) {
            return Mono.just(new Reply.Events(events.events().concatMap(event -> play(event, round), 1)));
        }
        return Mono.just(reply);
    }

    private static Reply whole(int status, byte[] json) {
        return new Reply.Json(status, Flux.<ByteBuf>defer(() -> Flux.just(Replies.bytes(json))));
    }

    private Flux<Event> play(Event event, int round) {
        if (!(event instanceof Event.Message message)) {
            return Flux.just(event);
        }
        Envelope envelope = Replies.read(message.json(), backend);
        if (envelope.kind() != Kind.RESPONSE) {
            return envelope.kind() == Kind.REQUEST ? Flux.empty() : Flux.just(event); // 2026-07-28 has no such requests
        }
        return InputRequired.of(envelope)
                .map(required -> ask(required, round))
                .orElseGet(() -> Flux.just(new Event.Message(named(envelope))));
    }

    /** Later rounds travel under ids of their own; the client must see the one it chose. */
    private byte[] named(Envelope response) {
        RequestId id = response.id();
        return id == null || id.equals(call.id())
                ? response.body()
                : new Patch(response)
                        .replace(response.idSpan(), call.id().rawJsonBytes())
                        .toBytes();
    }

    private Flux<Event> ask(InputRequired required, int round) {
        if (round > MAX_ROUNDS) {
            return Flux.just(failure("asked for input in more than " + MAX_ROUNDS + " rounds"));
        }
        if (required.requests().isEmpty()) {
            return Mono.delay(PAUSE).thenMany(Flux.defer(() -> again(required, Map.of(), round)));
        }
        List<Event> questions = new ArrayList<>(required.requests().size());
        Map<String, Mono<Envelope>> answers = new LinkedHashMap<>();
        for (Map.Entry<String, InputRequired.Request> entry :
                required.requests().entrySet()) {
            InputRequired.Request request = entry.getValue();
            RequestId id = session.nextAskId();
            answers.put(entry.getKey(), session.answerTo(id).timeout(PATIENCE).cache());
            questions.add(
                    new Event.Message(JsonRpc.request(id, request.method(), request.paramsFor(call.version(), id))));
        }
        // subscribed to before the questions go out, so that no answer can come too early
        Mono<Map<String, String>> all = collect(required, answers).cache();
        all.subscribe(ignored -> {}, ignored -> {});
        return Flux.fromIterable(questions)
                .concatWith(all.flatMapMany(responses -> again(required, responses, round))
                        .onErrorResume(error -> Flux.just(failure(reason(error)))));
    }

    private static Mono<Map<String, String>> collect(InputRequired required, Map<String, Mono<Envelope>> answers) {
        return Flux.fromIterable(answers.entrySet())
                .flatMap(answer -> answer.getValue()
                        .map(envelope -> Map.entry(
                                answer.getKey(),
                                result(
                                        java.util.Objects.requireNonNull(
                                                required.requests().get(answer.getKey())),
                                        envelope))))
                .collectMap(Map.Entry::getKey, Map.Entry::getValue);
    }

    /** What goes into {@code inputResponses}. There is no form for an error: a person who will not answer has cancelled, anything else ends the call. */
    private static String result(InputRequired.Request request, Envelope answer) {
        if (answer.result().isPresent()) {
            return answer.raw(answer.result()).toString();
        }
        if (request.method().equals(McpMethod.ELICITATION_CREATE.wire())) {
            return "{\"action\":\"cancel\"}";
        }
        throw new Declined(request.method());
    }

    private static final class Declined extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Declined(String method) {
            super("asked for " + method + ", which the client declined", null, false, false);
        }
    }

    private static String reason(Throwable error) {
        return error instanceof Declined
                ? String.valueOf(error.getMessage())
                : "asked for input that the client did not give";
    }

    private Flux<Event> again(InputRequired required, Map<String, String> responses, int round) {
        Patch patch = new Patch(call.envelope());
        RequestId id = session.nextAskId();
        patch.replace(call.envelope().idSpan(), id.rawJsonBytes());
        required.addTo(patch, responses);
        return send.apply(patch)
                .flatMap(reply -> play(reply, round + 1))
                .flatMapMany(this::events)
                .onErrorResume(Rejection.class, refused -> Flux.just(new Event.Message(Replies.inBand(call, refused))));
    }

    private Flux<Event> events(Reply reply) {
        if (reply instanceof Reply.Events events) {
            return events.events();
        }
        if (reply instanceof Reply.Json json) {
            return Replies.whole(json.body(), backend).flatMapMany(bytes -> Flux.just(new Event.Message(bytes)));
        }
        if (reply instanceof Reply.Refused refused && refused.json()) {
            return Flux.just(new Event.Message(named(Replies.read(refused.body(), backend))));
        }
        return Flux.error(
                reply instanceof Reply.Refused refused
                        ? Replies.refusedFailure(backend, refused)
                        : Replies.unanswered(backend));
    }

    private Event failure(String what) {
        String sentence = "Backend '" + backend + "' " + what;
        @Nullable String data = null;
        byte[] json = call.method() == McpMethod.TOOLS_CALL
                ? JsonRpc.toolFailure(call.id(), call.version().era(), sentence, data)
                : JsonRpc.error(call.id(), ErrorCodes.INTERNAL_ERROR, sentence, data);
        return new Event.Message(json);
    }
}
