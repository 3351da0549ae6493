package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import java.util.ArrayList;
import java.util.List;
import reactor.core.publisher.Mono;

/** Reads the reply to a request of the gateway's own, as a whole. */
final class Replies {
    private Replies() {}

    /**
     * The response, whichever way it came. Fails with a rejection when there is none, or when it is larger than
     * allowed.
     */
    static Mono<Envelope> response(Reply reply, BackendHttp http) {
        Failures failures = http.failures();
        int limit = http.settings().maxReplyBytes();
        Mono<Envelope> found;
        if (reply instanceof Reply.Json json) {
            found = json.body()
                    .map(HttpAnswer::taken)
                    .collect(() -> new Whole(limit, failures), Whole::add)
                    .flatMap(whole -> Mono.justOrEmpty(MessageReader.read(whole.bytes())));
        } else if (reply instanceof Reply.Events events) {
            found = events.events()
                    .ofType(Event.Message.class)
                    .flatMapIterable(message ->
                            MessageReader.read(message.json()).map(List::of).orElse(List.of()))
                    .filter(message -> message.kind() == Kind.RESPONSE)
                    .next();
        } else if (reply instanceof Reply.Refused refused) {
            found = Mono.justOrEmpty(MessageReader.read(refused.body()))
                    .switchIfEmpty(Mono.error(() -> failures.answered(
                            refused, http.backend().endpoints().get(0).url())));
        } else {
            found = Mono.empty();
        }
        return found.filter(message -> message.kind() == Kind.RESPONSE)
                .switchIfEmpty(Mono.error(
                        () -> failures.unavailable("it answered with something that is no JSON-RPC response")));
    }

    private static final class Whole {
        private final int limit;
        private final Failures failures;
        private final List<byte[]> parts = new ArrayList<>();
        private long size;

        private Whole(int limit, Failures failures) {
            this.limit = limit;
            this.failures = failures;
        }

        void add(byte[] part) {
            size += part.length;
            if (size > limit) {
                throw failures.unavailable("it sent an answer of more than " + limit + " bytes");
            }
            parts.add(part);
        }

        byte[] bytes() {
            return HttpAnswer.joined(parts);
        }
    }
}
