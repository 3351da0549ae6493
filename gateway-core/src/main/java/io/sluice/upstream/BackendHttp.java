package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.adapter.Adapter;
import io.sluice.balance.Endpoints;
import io.sluice.guard.Gate;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.Resting;
import io.sluice.guard.RetryBudget;
import io.sluice.protocol.McpHeaders;
import io.sluice.registry.Backend;
import io.sluice.registry.Transport;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The way of a request to one backend: it gets the credentials of the moment and a place, in its turn when there is
 * none, and goes out over HTTP ({@link HttpAttempts}) or to the backend's adapter ({@link AdapterExchanges}). What comes
 * back is the head of the {@link Answer}, with its connection. Safe for use by many threads.
 */
final class BackendHttp {
    private final Backend backend;
    private final UpstreamSettings settings;
    private final Reachability reachability;
    private final Failures failures;
    private final BackendPolicy policy;
    private final Gate gate;
    private final Endpoints endpoints;
    private final HttpExchanges exchanges;
    private final HttpAttempts attempts;
    private final @Nullable AdapterExchanges adapted;
    private final Credentials.@Nullable Keeper keeper;

    BackendHttp(Backend backend, UpstreamSettings settings, Reachability reachability) {
        this.backend = backend;
        this.settings = settings;
        this.reachability = reachability;
        this.failures = new Failures(backend);
        this.policy = settings.policies().of(backend.name());
        this.endpoints = new Endpoints(backend, policy.balance(), BackendHttp::random, System::nanoTime);
        this.gate = new Gate(
                backend.name(),
                policy.gate()
                        .withQueue(
                                Math.min(settings.maxPending(), policy.gate().queue()),
                                policy.gate().patience()),
                settings.maxConnections(),
                System::nanoTime);
        this.keeper = keeper();
        this.adapted = backend.transport().isStreamableHttp()
                ? null
                : new AdapterExchanges(adapter(), failures, reachability, backend, settings.timer());
        this.exchanges = new HttpExchanges(backend, settings, reachability, failures, gate);
        this.attempts = new HttpAttempts(exchanges, endpoints, policy, reachability, failures, settings.timer());
    }

    /** Only over HTTP; what an adapter needs, it knows itself. */
    private Credentials.@Nullable Keeper keeper() {
        if (!backend.transport().isStreamableHttp()) {
            return null;
        }
        try {
            return settings.credentials().of(backend).orElse(null);
        } catch (IllegalArgumentException e) {
            return Credentials.failing(failures.unavailable(String.valueOf(e.getMessage())));
        }
    }

    private Adapter adapter() {
        if (backend.transport().kind().equals(Transport.SSE.kind())) {
            return new LegacySse(new BackendHttp(
                    backend.via(new Transport(
                            Transport.HTTP.kind(), backend.transport().settings())),
                    settings,
                    reachability));
        }
        try {
            return settings.adapters().open(backend);
        } catch (IllegalArgumentException e) {
            return AdapterExchanges.failing(failures.unavailable(String.valueOf(e.getMessage())));
        }
    }

    /** The thread's own, which nobody has to wait for. */
    private static long random() {
        return ThreadLocalRandom.current().nextLong();
    }

    /**
     * Sends, and answers when the head of the answer is there. Fails with a {@link io.sluice.rejection.Rejection}.
     * Repeats once, within a budget, and only what certainly or harmlessly did not arrive: bytes that never left, a
     * refused connection when there is another endpoint, and a connection closed without an answer or a 502, 503 or 504
     * when the request is repeatable.
     */
    Mono<Answer> send(Ask ask) {
        Credentials.Keeper keys = keeper;
        return (keys == null ? dispatch(ask) : authorized(ask, keys, true)).doOnDiscard(Answer.class, Answer::close);
    }

    /** With the credentials of the moment; once more with others when they are refused and there are any. */
    private Mono<Answer> authorized(Ask ask, Credentials.Keeper keys, boolean first) {
        return keys.authorization()
                .defaultIfEmpty("")
                .flatMap(header -> dispatch(header.isEmpty() ? ask : ask.also(HttpHeaderNames.AUTHORIZATION, header))
                        .flatMap(answer -> {
                            boolean refused = answer.status() == 401 || answer.status() == 403;
                            String challenge = answer.header(HttpHeaderNames.WWW_AUTHENTICATE);
                            if (!refused || !first) {
                                return Mono.just(answer);
                            }
                            return answer.refused()
                                    .flatMap(said -> keys.refused(
                                                    header, said.status(), challenge == null ? "" : challenge)
                                            .flatMap(again -> again
                                                    ? authorized(ask, keys, false)
                                                    : Mono.<Answer>error(failures.answered(
                                                            said,
                                                            answer.endpoint().url()))));
                        }));
    }

    private Mono<Answer> dispatch(Ask ask) {
        AdapterExchanges inside = adapted;
        return Mono.defer(() -> {
            if (ask.longLived() || exchanges.isClosed()) {
                return inside != null ? inside.send(ask) : attempts.send(ask, false, null);
            }
            long now = System.nanoTime();
            Permit permit = ask.terms().own()
                    ? gate.tryAdmitOwn(now)
                    : gate.tryAdmit(ask.terms().priority(), now);
            return permit != null ? send(ask, permit) : inTurn(ask).flatMap(granted -> send(ask, granted));
        });
    }

    private Mono<Permit> inTurn(Ask ask) {
        Duration longest = gate.longestWait();
        Duration timeout = ask.timeout();
        return InTurn.of(
                gate,
                ask.terms().priority(),
                ask.terms().own(),
                timeout != null && timeout.compareTo(longest) < 0 ? timeout : longest,
                settings.timer());
    }

    private Mono<Answer> send(Ask ask, Permit permit) {
        Resting resting = ask.terms().resting();
        if (resting != null) {
            resting.holds(permit);
        }
        AdapterExchanges inside = adapted;
        if (inside == null) {
            return attempts.send(ask, true, permit);
        }
        return inside.send(ask)
                .doOnSuccess(answer -> permit.end(Outcome.SUCCEEDED, System.nanoTime()))
                .doOnError(error -> permit.end(Outcome.FAILED, System.nanoTime()))
                .doOnCancel(() -> permit.end(Outcome.IGNORED, System.nanoTime()));
    }

    /**
     * Sends without waiting for a place, or returns null and has done nothing.
     *
     * @param eventLoop the one of this thread
     */
    @Nullable
    Prompted sendNow(Ask ask, EventLoop eventLoop, Prompt prompt) {
        if (adapted != null
                || keeper != null // its tokens may have to be fetched
                || exchanges.isClosed()
                || ask.longLived()
                || ask.terms().own()
                || ask.terms().hedged()
                || ask.terms().limit() != null) { // needs a timer
            return null;
        }
        Permit permit = gate.tryAdmit(ask.terms().priority(), System.nanoTime());
        return permit == null ? null : attempts.sendNow(ask, permit, eventLoop, prompt);
    }

    /** The events of a call, as long as it neither falls silent nor takes too long. */
    Flux<Event> inTime(Flux<Event> events, Terms terms) {
        if (terms.own()) {
            return events;
        }
        // A quiet stream is a tool at work, unless somebody has said how long it may be.
        Duration silence = terms.timeout() == null ? policy.longest() : terms.timeout();
        Duration most = terms.limit() == null ? policy.longest() : terms.limit().longest(policy.longest());
        return Deadline.on(events, silence, most, settings.timer(), millis -> {
            BackendFailure late = failures.stalled(Duration.ofMillis(millis));
            return terms.safe() ? late : late.outcomeUnknown();
        });
    }

    /** What the adapter of a backend that is not reached by HTTP has to say to an operator. */
    Optional<String> remarks() {
        AdapterExchanges inside = adapted;
        return inside == null ? Optional.empty() : inside.remarks();
    }

    Backend backend() {
        return backend;
    }

    /** Says on a request by which gateways it came, this one the last. */
    void via(HttpHeaders headers, @Nullable String before) {
        if (before != null) {
            headers.set(McpHeaders.VIA, settings.gatewayId().isEmpty() ? before : before + ", " + settings.gatewayId());
        }
    }

    UpstreamSettings settings() {
        return settings;
    }

    Failures failures() {
        return failures;
    }

    Reachability reachability() {
        return reachability;
    }

    /** The shorter of the backend's timeout and the one for probes and handshakes. */
    Duration probeTimeout() {
        return backend.timeout().compareTo(settings.probeTimeout()) < 0 ? backend.timeout() : settings.probeTimeout();
    }

    Endpoints endpoints() {
        return endpoints;
    }

    BackendPolicy policy() {
        return policy;
    }

    Gate gate() {
        return gate;
    }

    RetryBudget budget() {
        return attempts.budget();
    }

    /** As {@link HttpExchanges#close}, after the adapter if there is one. */
    Mono<Void> close() {
        AdapterExchanges inside = adapted;
        Mono<Void> adapter = inside == null ? Mono.empty() : inside.close();
        return adapter.then(Mono.fromRunnable(exchanges::close));
    }
}
