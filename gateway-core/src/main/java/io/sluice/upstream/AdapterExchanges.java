package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.adapter.Adapter;
import io.sluice.adapter.Adapter.Outcome;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.MessageReader;
import io.sluice.protocol.McpHeaders;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Has an {@link Adapter} answer what would otherwise be an HTTP request, with the time limits and the book-keeping that such a request has. The messages stay what they are: nothing is written out
 * as HTTP or event stream in between.
 */
final class AdapterExchanges {
    private final Adapter adapter;
    private final Failures failures;
    private final Reachability reachability;
    private final Endpoint endpoint;
    private final Scheduler timer;

    AdapterExchanges(Adapter adapter, Failures failures, Reachability reachability, Backend backend, Scheduler timer) {
        this.adapter = adapter;
        this.failures = failures;
        this.reachability = reachability;
        this.endpoint = backend.endpoints().get(0);
        this.timer = timer;
    }

    /** In the place of an adapter that could not be made: says why. */
    static Adapter failing(BackendFailure why) {
        return new Adapter() {
            @Override
            public Mono<Outcome> post(Post post) {
                return Mono.error(why);
            }

            @Override
            public Mono<Void> close() {
                return Mono.empty();
            }
        };
    }

    /** As {@link BackendHttp#send}. */
    Mono<Answer> send(Ask ask) {
        return Mono.defer(() -> {
            HttpHeaders headers = new DefaultHttpHeaders();
            ask.headers().accept(headers);
            Mono<Outcome> outcome = outcome(ask, headers.get(McpHeaders.SESSION_ID), headers.get("traceparent"));
            Duration timeout = ask.timeout();
            Mono<Outcome> inTime = timeout == null || ask.longLived()
                    ? outcome
                    : outcome.timeout(timeout, timer)
                            .onErrorMap(TimeoutException.class, late -> failures.silent(timeout));
            return inTime.<Answer>map(Given::new)
                    .onErrorMap(error -> refusal(error))
                    .doOnNext(answer -> reachability.answered());
        });
    }

    private Mono<Outcome> outcome(Ask ask, @Nullable String session, @Nullable String traceparent) {
        byte[] body = ask.bytes();
        if (body != null) {
            Optional<Envelope> message = MessageReader.read(body);
            return message.isEmpty()
                    ? Mono.error(new IllegalArgumentException("not a message"))
                    : adapter.post(new Adapter.Post(message.get(), session, traceparent));
        }
        if (ask.method().equals(HttpMethod.DELETE) && session != null) {
            return adapter.end(session).thenReturn(Outcome.Accepted.INSTANCE);
        }
        return adapter.stream(session);
    }

    private Rejection refusal(Throwable error) {
        if (error instanceof BackendFailure failure && failure.kind().equals("unavailable")) {
            reachability.lost(failure);
        }
        return error instanceof Rejection known ? known : failures.duringAnswer(error, Duration.ZERO);
    }

    Optional<String> remarks() {
        return adapter.remarks();
    }

    Mono<Void> close() {
        return adapter.close();
    }

    /** An outcome as the answer it stands for. */
    private final class Given extends Answer {
        private final Outcome outcome;

        private Given(Outcome outcome) {
            this.outcome = outcome;
        }

        @Override
        int status() {
            if (outcome instanceof Outcome.Refused refused) {
                return refused.status();
            }
            return outcome instanceof Outcome.Accepted ? 202 : 200;
        }

        @Override
        Endpoint endpoint() {
            return endpoint;
        }

        @Override
        @Nullable
        String header(CharSequence name) {
            if (HttpHeaderNames.CONTENT_TYPE.contentEqualsIgnoreCase(name)) {
                return outcome instanceof Outcome.Messages ? MediaTypes.EVENT_STREAM : MediaTypes.JSON;
            }
            return outcome instanceof Outcome.Message message && McpHeaders.SESSION_ID.contentEqualsIgnoreCase(name)
                    ? message.session()
                    : null;
        }

        private byte[] json() {
            if (outcome instanceof Outcome.Message message) {
                return message.json();
            }
            return outcome instanceof Outcome.Refused refused ? refused.json() : new byte[0];
        }

        @Override
        Flux<ByteBuf> body() {
            return Flux.defer(() -> Flux.just(Unpooled.wrappedBuffer(json())));
        }

        @Override
        boolean isSmall() {
            return true;
        }

        @Override
        Mono<byte[]> bytes(int maxBytes) {
            byte[] whole = json();
            return whole.length > maxBytes
                    ? Mono.error(failures.unavailable("it sent an answer of more than " + maxBytes + " bytes"))
                    : Mono.just(whole);
        }

        @Override
        Flux<SseItem> items(SseReader reader, BooleanSupplier answered) {
            if (!(outcome instanceof Outcome.Messages messages)) {
                return Flux.empty();
            }
            return messages.json()
                    .<SseItem>map(json -> new SseItem.Dispatched(null, "", json))
                    .onErrorMap(error -> failures.duringAnswer(error, Duration.ZERO));
        }

        @Override
        Mono<Reply.Refused> refused() {
            return Mono.just(new Reply.Refused(status(), json(), true, Map.of("content-type", MediaTypes.JSON)));
        }

        @Override
        void drop() {
            close();
        }

        @Override
        void close() {
            if (outcome instanceof Outcome.Messages messages) {
                messages.json().subscribe(ignored -> {}, ignored -> {}).dispose();
            }
        }
    }
}
