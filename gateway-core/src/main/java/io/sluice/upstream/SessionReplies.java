package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.ResponseFilter;
import io.sluice.rejection.Rejection.BackendFailure;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Reads what a backend answers to requests on a session, and gives it back the names that the client knows. Bytes other
 * than names are left as they are; each buffer goes to whoever reads the reply, or is released here. Keeps nothing.
 */
final class SessionReplies {
    private final SessionHttp session;

    SessionReplies(SessionHttp session) {
        this.session = session;
    }

    /** The backend forgot the session that a request named, and cannot have executed it. */
    static final class Forgotten extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Forgotten() {
            super("the backend forgot the session", null, false, false);
        }
    }

    /** The reply in an answer. Fails with {@link Forgotten} when that is what it says. */
    Mono<Reply> read(Mono<Answer> outcome, Established at, Way way, Relabel relabel) {
        return outcome.flatMap(answer -> {
            if (answer.isEventStream()) {
                Flux<Event> events = new CallStream(session, at, relabel, answer).events();
                return Mono.<Reply>just(new Reply.Events(session.http().inTime(events, way.terms())));
            }
            if (answer.isSuccess() && answer.isEmpty()) {
                answer.drop();
                return Mono.error(unavailable("it accepted a request and did not answer it"));
            }
            if (answer.isSuccess() && answer.isJson()) {
                return Mono.just(new Reply.Json(answer.status(), relabelled(answer, relabel), answer.isSmall()));
            }
            return answer.refused().flatMap(refused -> refused(refused, at, relabel));
        });
    }

    private Flux<ByteBuf> relabelled(Answer answer, Relabel relabel) {
        return Flux.defer(() -> {
            ResponseFilter filter = new ResponseFilter(relabel.downstream());
            if (answer.isSmall()) {
                return answer.body().handle((part, sink) -> {
                    ByteBuf rewritten = filter.push(part);
                    if (filter.isResponse()) {
                        sink.next(rewritten);
                    } else {
                        rewritten.release();
                        sink.error(unavailable("it answered with something that is no JSON-RPC response"));
                    }
                });
            }
            return answer.body()
                    .map(filter::push)
                    .concatWith(Flux.defer(() -> filter.isResponse()
                            ? Flux.empty()
                            : Flux.error(unavailable("its answer was no complete JSON-RPC response"))));
        });
    }

    /**
     * A whole small body, under the client's id.
     *
     * @throws io.sluice.rejection.Rejection.BackendFailure when it is no response
     */
    byte[] relabelled(byte[] json, Relabel relabel) {
        ResponseFilter filter = new ResponseFilter(relabel.downstream());
        byte[] rewritten = filter.whole(json);
        if (!filter.isResponse()) {
            throw unavailable("it answered with something that is no JSON-RPC response");
        }
        return rewritten;
    }

    private Mono<Reply> refused(Reply.Refused refused, Established at, Relabel relabel) {
        if (at.isForgotten(refused)) {
            return Mono.error(new Forgotten());
        }
        if (Failures.concernsBackend(refused.status()) || refused.status() < 300) {
            return Mono.error(
                    session.http().failures().answered(refused, at.endpoint().url()));
        }
        return Mono.just(MessageReader.read(refused.body())
                .filter(relabel::isAnswer)
                .map(message ->
                        new Reply.Refused(refused.status(), relabel.downstream(message), true, refused.headers()))
                .orElse(refused));
    }

    private BackendFailure unavailable(String what) {
        return session.http().failures().unavailable(what);
    }
}
