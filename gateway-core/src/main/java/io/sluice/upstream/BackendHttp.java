package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.adapter.Adapter;
import io.sluice.balance.Attempt;
import io.sluice.balance.Endpoints;
import io.sluice.egress.EgressClient;
import io.sluice.guard.Gate;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.Quantile;
import io.sluice.guard.RetryBudget;
import io.sluice.protocol.McpHeaders;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.nio.channels.NotYetConnectedException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoOperator;
import reactor.netty.Connection;
import reactor.netty.NettyPipeline;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.http.client.PrematureCloseException;
import reactor.netty.resources.ConnectionProvider;
import reactor.util.context.Context;

/**
 * Speaks HTTP to one backend: builds each request's headers anew, picks an endpoint, sends, and hands over the answer
 * with its connection. The only class here that knows Reactor Netty.
 */
final class BackendHttp {
    static final String JSON = "application/json";
    static final String EVENT_STREAM = "text/event-stream";
    static final String BOTH = JSON + ", " + EVENT_STREAM;
    private static final int REFUSAL_BYTES = 64 * 1024;
    private static final int SMALL_BYTES = 64 * 1024;
    private static final int CHUNKS_AHEAD = 8;
    private static final long GRACE_MILLIS = 1000;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);
    private static final int RETRY_PERCENT = 20;
    private static final int RETRIES_AT_LEAST = 3;
    private static final String RETRY_ATTEMPT = "X-Retry-Attempt";
    private static final List<String> TELLING =
            List.of("content-type", "retry-after", "www-authenticate", "allow", "location");

    private final Backend backend;
    private final UpstreamSettings settings;
    private final Reachability reachability;
    private final Failures failures;
    private final BackendPolicy policy;
    private final Gate gate;
    private final RetryBudget budget = new RetryBudget(RETRY_PERCENT, RETRIES_AT_LEAST);
    private final Quantile slow = new Quantile(0.95);
    private final ConnectionProvider pool;
    private final HttpClient pooled;
    private final HttpClient unpooled;
    private final Endpoints endpoints;
    private final @Nullable AdapterExchanges adapted;
    private volatile boolean closed;

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
        this.adapted = backend.transport().isStreamableHttp()
                ? null
                : new AdapterExchanges(adapter(), failures, reachability, backend, settings.timer());
        // A few more connections than places: one that is being closed still counts.
        this.pool = ConnectionProvider.builder("sluice-" + backend.name())
                .maxConnections(settings.maxConnections() + settings.maxConnections() / 10 + 8)
                .pendingAcquireMaxCount(-1)
                .pendingAcquireTimeout(LONGEST_WAIT)
                .evictionPredicate(KeepAlive::isOver)
                .evictInBackground(Duration.ofSeconds(15))
                .lifo()
                .build();
        this.pooled = EgressClient.create(
                pool, settings.loops(), settings.egress(), backend.source(), settings.tls(), Duration.ofSeconds(10));
        this.unpooled = watched(EgressClient.create(
                ConnectionProvider.newConnection(),
                settings.loops(),
                settings.egress(),
                backend.source(),
                settings.tls(),
                Duration.ofSeconds(10)));
    }

    private Adapter adapter() {
        if (backend.transport().equals(Transport.SSE)) {
            return new LegacySse(new BackendHttp(backend.via(Transport.HTTP), settings, reachability));
        }
        try {
            return settings.adapters().open(backend);
        } catch (IllegalArgumentException e) {
            BackendFailure why = failures.unavailable(String.valueOf(e.getMessage()));
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
    }

    /** The thread's own, which nobody has to wait for. */
    private static long random() {
        return ThreadLocalRandom.current().nextLong();
    }

    /** A stream may be silent for hours; only TCP itself can tell that nobody is left at the other end. */
    private static HttpClient watched(HttpClient client) {
        HttpClient watched = client.option(ChannelOption.SO_KEEPALIVE, true);
        return Epoll.isAvailable()
                ? watched.option(EpollChannelOption.TCP_KEEPIDLE, 30)
                        .option(EpollChannelOption.TCP_KEEPINTVL, 10)
                        .option(EpollChannelOption.TCP_KEEPCNT, 3)
                : watched;
    }

    /**
     * A request to send.
     *
     * @param endpoint where to, or null to pick one
     * @param movable whether failing to connect to {@code endpoint} is told as {@link Unreached}
     * @param headers adds what is particular to this request; the backend's own headers come after it
     * @param timeout longest wait for the head and between parts of a body that is no event stream; null for none
     * @param longLived whether it takes a connection of its own instead of one of the pool's
     * @param repeatable whether it may be sent again when nobody can tell if it arrived
     * @param terms the gateway's own, or a client's
     * @param to another address of the same origin than the endpoint's own, or null
     */
    record Ask(
            HttpMethod method,
            @Nullable Endpoint endpoint,
            boolean movable,
            Consumer<HttpHeaders> headers,
            byte @Nullable [] body,
            @Nullable Duration timeout,
            boolean longLived,
            boolean repeatable,
            Terms terms,
            @Nullable URI to) {
        Ask(
                HttpMethod method,
                @Nullable Endpoint endpoint,
                boolean movable,
                Consumer<HttpHeaders> headers,
                byte @Nullable [] body,
                @Nullable Duration timeout,
                boolean longLived,
                boolean repeatable,
                Terms terms) {
            this(method, endpoint, movable, headers, body, timeout, longLived, repeatable, terms, null);
        }

        static Ask post(byte[] body, Consumer<HttpHeaders> headers, Duration timeout, boolean repeatable) {
            return new Ask(HttpMethod.POST, null, false, headers, body, timeout, false, repeatable, Terms.OWN);
        }

        static Ask get(Endpoint endpoint, Consumer<HttpHeaders> headers, @Nullable Duration timeout, boolean again) {
            return new Ask(HttpMethod.GET, endpoint, false, headers, null, timeout, true, again, Terms.OWN);
        }

        Ask at(@Nullable Endpoint place) {
            return new Ask(method, place, movable, headers, body, timeout, longLived, repeatable, terms, to);
        }

        Ask mayMove() {
            return new Ask(method, endpoint, true, headers, body, timeout, longLived, repeatable, terms, to);
        }

        Ask to(URI address) {
            return new Ask(method, endpoint, movable, headers, body, timeout, longLived, repeatable, terms, address);
        }

        Ask on(Terms other) {
            Duration longest = other.timeout() == null ? timeout : other.timeout();
            return new Ask(
                    method,
                    endpoint,
                    movable,
                    headers,
                    body,
                    longest,
                    longLived,
                    repeatable || other.safe(),
                    other,
                    to);
        }

        /** Whether nobody knows, when no answer comes, if it did something. */
        boolean mayHaveActed() {
            return !terms.own() && !repeatable;
        }
    }

    /** The one endpoint that a request was for cannot be connected to, and the backend has others. */
    static final class Unreached extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final Rejection refusal;

        Unreached(Rejection refusal) {
            super("unreached", null, false, false);
            this.refusal = refusal;
        }

        Rejection refusal() {
            return refusal;
        }
    }

    /** The head of an answer, with what its body comes on: exactly one of the methods that read or discard it must be used. */
    abstract static class Answer {
        abstract int status();

        abstract Endpoint endpoint();

        abstract @Nullable String header(CharSequence name);

        /** The media type in lower case without parameters, or empty. */
        String mediaType() {
            String type = header(HttpHeaderNames.CONTENT_TYPE);
            if (type == null) {
                return "";
            }
            int semicolon = type.indexOf(';');
            return (semicolon < 0 ? type : type.substring(0, semicolon)).trim().toLowerCase(Locale.ROOT);
        }

        boolean isSuccess() {
            return status() >= 200 && status() < 300;
        }

        boolean isEventStream() {
            return isSuccess() && mediaType().equals(EVENT_STREAM);
        }

        boolean isEmpty() {
            return status() == 202 || status() == 204 || "0".equals(header(HttpHeaderNames.CONTENT_LENGTH));
        }

        /** A missing type is taken for JSON, whose reader will say what it thinks of the bytes. */
        boolean isJson() {
            String type = mediaType();
            return type.equals(JSON) || type.endsWith("+json") || type.isEmpty();
        }

        /**
         * The body as it arrives; the subscriber releases the buffers, and cancelling closes the connection. A small one
         * is gathered on the heap, so that nothing is left to release when its subscriber or its sender breaks off.
         */
        abstract Flux<ByteBuf> body();

        /** Whether the body comes as one buffer. */
        abstract boolean isSmall();

        /** The whole body, refused when it is larger than {@code maxBytes}. */
        abstract Mono<byte[]> bytes(int maxBytes);

        /**
         * The body as an event stream. An idle one may stay so for as long as it likes: its time limit is lifted.
         *
         * @param answered whether the exchange has served its purpose, so that cancelling may let it end by itself and
         *     keep the connection
         */
        abstract Flux<SseItem> items(SseReader reader, BooleanSupplier answered);

        abstract Mono<Reply.Refused> refused();

        /** Reads and drops a body that is expected to be empty, without anybody waiting for it. */
        abstract void drop();

        abstract void close();
    }

    /** An answer over HTTP. */
    private final class HttpAnswer extends Answer {
        private final HttpClientResponse head;
        private final Connection connection;
        private final Attempt attempt;
        private final @Nullable Permit permit;
        private final @Nullable Duration timeout;

        /** Noted while the connection is ours: afterwards it has none. */
        private final EventLoop eventLoop;

        private HttpAnswer(
                HttpClientResponse head,
                Connection connection,
                Attempt attempt,
                @Nullable Permit permit,
                @Nullable Duration timeout) {
            this.head = head;
            this.connection = connection;
            this.attempt = attempt;
            this.permit = permit;
            this.timeout = timeout;
            this.eventLoop = connection.channel().eventLoop();
        }

        @Override
        int status() {
            return head.status().code();
        }

        @Override
        Endpoint endpoint() {
            return attempt.endpoint();
        }

        @Override
        @Nullable
        String header(CharSequence name) {
            return head.responseHeaders().get(name);
        }

        @Override
        Flux<ByteBuf> body() {
            return isSmall()
                    ? collect(SMALL_BYTES)
                            .map(whole -> Unpooled.wrappedBuffer(whole))
                            .flux()
                    : received(() -> false).map(ByteBuf::retain).onErrorMap(this::failure);
        }

        private Flux<ByteBuf> received(BooleanSupplier answered) {
            return new Ending(eventLoop, connection.inbound().receive(), answered);
        }

        @Override
        boolean isSmall() {
            String length = header(HttpHeaderNames.CONTENT_LENGTH);
            return length != null && length.length() < 9 && Integer.parseInt(length) <= SMALL_BYTES;
        }

        @Override
        Mono<byte[]> bytes(int maxBytes) {
            return collect(maxBytes).handle((whole, sink) -> {
                if (whole.length > maxBytes) {
                    sink.error(failures.unavailable("it sent an answer of more than " + maxBytes + " bytes"));
                } else {
                    sink.next(whole);
                }
            });
        }

        /** At most {@code maxBytes} and one part more; what comes after is not read. */
        private Mono<byte[]> collect(int maxBytes) {
            return received(() -> false)
                    .map(ByteBufUtil::getBytes)
                    .onErrorMap(this::failure)
                    .takeUntil(new Past(maxBytes)::reached)
                    .collectList()
                    .map(BackendHttp::joined);
        }

        @Override
        Flux<SseItem> items(SseReader reader, BooleanSupplier answered) {
            connection.removeHandler(NettyPipeline.ResponseTimeoutHandler);
            return received(answered)
                    .map(reader::read)
                    .flatMapIterable(found -> found, CHUNKS_AHEAD)
                    .onErrorMap(this::failure);
        }

        @Override
        Mono<Reply.Refused> refused() {
            Map<String, String> telling = new HashMap<>();
            for (String name : TELLING) {
                String value = header(name);
                if (value != null) {
                    telling.put(name, value);
                }
            }
            boolean json = !mediaType().isEmpty() && isJson();
            return collect(REFUSAL_BYTES)
                    .map(whole -> whole.length > REFUSAL_BYTES ? Arrays.copyOf(whole, REFUSAL_BYTES) : whole)
                    .onErrorResume(brokenOff -> Mono.just(new byte[0]))
                    .map(body -> new Reply.Refused(status(), body, json, Map.copyOf(telling)));
        }

        @Override
        void drop() {
            received(() -> false).take(16).subscribe(ignored -> {}, ignored -> {});
        }

        @Override
        void close() {
            received(() -> false).subscribe(ignored -> {}, ignored -> {}).dispose();
        }

        private Throwable failure(Throwable error) {
            long now = System.nanoTime();
            attempt.end(Outcome.FAILED, now);
            if (permit != null) {
                permit.end(Outcome.FAILED, attempt.nanosToHead(), now);
            }
            return failures.duringAnswer(error, timeout == null ? Duration.ZERO : timeout);
        }
    }

    private static final class Past {
        private final int limit;
        private long seen;

        private Past(int limit) {
            this.limit = limit;
        }

        boolean reached(byte[] part) {
            seen += part.length;
            return seen > limit;
        }
    }

    static byte[] joined(List<byte[]> parts) {
        if (parts.size() == 1) {
            return parts.get(0);
        }
        byte[] whole = new byte[parts.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, whole, at, part.length);
            at += part.length;
        }
        return whole;
    }

    /** What the adapter of a backend that is not reached by HTTP has to say to an operator. */
    java.util.Optional<String> remarks() {
        AdapterExchanges inside = adapted;
        return inside == null ? java.util.Optional.empty() : inside.remarks();
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
        return budget;
    }

    /**
     * Sends, and answers when the head of the answer is there. Fails with a {@link io.sluice.rejection.Rejection}.
     * Repeats once, within a budget, and only what certainly or harmlessly did not arrive: bytes that never left, a
     * refused connection when there is another endpoint, and a connection closed without an answer or a 502, 503 or 504
     * when the request is repeatable.
     */
    Mono<Answer> send(Ask ask) {
        AdapterExchanges inside = adapted;
        return Mono.defer(() -> {
            if (ask.longLived() || closed) {
                return inside != null ? inside.send(ask) : send(ask, unpooled, null);
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
        AdapterExchanges inside = adapted;
        if (inside == null) {
            return send(ask, pooled, permit);
        }
        return inside.send(ask)
                .doOnSuccess(answer -> permit.end(Outcome.SUCCEEDED, System.nanoTime()))
                .doOnError(error -> permit.end(Outcome.FAILED, System.nanoTime()))
                .doOnCancel(() -> permit.end(Outcome.IGNORED, System.nanoTime()));
    }

    /** @param permit held until the last byte of the answer; null for what lives long and is not counted */
    private Mono<Answer> send(Ask ask, HttpClient client, @Nullable Permit permit) {
        budget.earn();
        Attempt first = first(ask);
        return once(ask, client, first, permit)
                .onErrorResume(
                        error -> mayRepeat(ask, error),
                        error -> attempt(repeated(ask), client, second(ask, first, error), permit))
                .flatMap(answer -> answer.status() >= 502
                                && answer.status() <= 504
                                && ask.endpoint() == null
                                && mayHelp(ask)
                                && budget.trySpend()
                        ? elsewhere(ask, client, first, answer, permit)
                        : Mono.just(answer))
                .onErrorMap(error -> refusal(ask, first.endpoint(), error))
                .doOnError(error -> end(permit, Outcome.FAILED))
                .doOnCancel(() -> end(permit, Outcome.IGNORED))
                .flatMap(this::readable);
    }

    /** The events of a call, as long as it neither falls silent nor takes too long. */
    Flux<Event> inTime(Flux<Event> events, Terms terms) {
        if (terms.own()) {
            return events;
        }
        // A quiet stream is a tool at work, unless somebody has said how long it may be.
        Duration silence = terms.timeout() == null ? policy.longest() : terms.timeout();
        return Deadline.on(events, silence, policy.longest(), settings.timer(), millis -> {
            BackendFailure late = failures.stalled(Duration.ofMillis(millis));
            return terms.safe() ? late : late.outcomeUnknown();
        });
    }

    private static void end(@Nullable Permit permit, Outcome outcome) {
        if (permit != null) {
            permit.end(outcome, System.nanoTime());
        }
    }

    private boolean mayHelp(Ask ask) {
        return policy.retry() && ask.repeatable() && endpoints.size() > 1;
    }

    private Mono<Answer> elsewhere(Ask ask, HttpClient client, Attempt first, Answer answer, @Nullable Permit permit) {
        return answer.refused()
                .then(Mono.defer(() ->
                        attempt(repeated(ask), client, endpoints.pickOther(first.state(), System.nanoTime()), permit)));
    }

    private static Ask repeated(Ask ask) {
        return new Ask(
                ask.method(),
                ask.endpoint(),
                ask.movable(),
                headers -> {
                    ask.headers().accept(headers);
                    headers.set(RETRY_ATTEMPT, "1");
                },
                ask.body(),
                ask.timeout(),
                ask.longLived(),
                ask.repeatable(),
                ask.terms(),
                ask.to());
    }

    /**
     * The first attempt, and a second one at another endpoint when it takes longer than nearly all others did: whichever
     * answers first is taken, the other is given up (J. Dean and L. Barroso, <em>The Tail at Scale</em>, 2013).
     */
    private Mono<Answer> once(Ask ask, HttpClient client, Attempt first, @Nullable Permit permit) {
        Mono<Answer> one = attempt(ask, client, first, permit);
        long patience = slow.value();
        if (!ask.terms().hedged() || ask.endpoint() != null || endpoints.size() < 2 || patience == Long.MAX_VALUE) {
            return one;
        }
        Mono<Answer> other = Mono.delay(Duration.ofNanos(Math.max(1_000_000, patience)), settings.timer())
                .filter(late -> budget.trySpend())
                .flatMap(late ->
                        attempt(repeated(ask), client, endpoints.pickOther(first.state(), System.nanoTime()), permit))
                .onErrorComplete();
        return Mono.firstWithValue(one, other)
                .onErrorMap(NoSuchElementException.class, none -> cause(none))
                .doOnDiscard(Answer.class, Answer::close);
    }

    /** What kept the first attempt from answering; the second is silent about itself. */
    private static Throwable cause(NoSuchElementException none) {
        Throwable all = none.getCause();
        if (all != null) {
            for (Throwable each : Exceptions.unwrapMultiple(all)) {
                if (!(each instanceof NoSuchElementException)) {
                    return each;
                }
            }
        }
        return none;
    }

    private Attempt first(Ask ask) {
        long now = System.nanoTime();
        return ask.endpoint() == null
                ? endpoints.pick(ask.terms().affinity(), now)
                : endpoints.pinned(ask.endpoint(), now);
    }

    private Attempt second(Ask ask, Attempt first, Throwable error) {
        long now = System.nanoTime();
        return ask.endpoint() != null
                ? endpoints.pinned(ask.endpoint(), now)
                : error instanceof ConnectException ? endpoints.pickOther(first.state(), now) : endpoints.pick(0, now);
    }

    private Throwable refusal(Ask ask, Endpoint at, Throwable error) {
        Duration waited = ask.timeout() == null ? Duration.ZERO : ask.timeout();
        Rejection refusal = failures.beforeAnswer(error, at.url(), waited);
        if (!Failures.preventsConnection(error)) {
            boolean left = !(error instanceof AbortedException || error instanceof NotYetConnectedException);
            return left && !(error instanceof Rejection) && ask.mayHaveActed() && refusal instanceof BackendFailure lost
                    ? lost.outcomeUnknown()
                    : refusal;
        }
        if (ask.movable() && ask.endpoint() != null && endpoints.size() > 1) {
            return new Unreached(refusal);
        }
        if (refusal instanceof BackendFailure failure) {
            reachability.lost(failure);
        }
        return refusal;
    }

    /** We ask for no compression, so nobody here undoes it. */
    private Mono<Answer> readable(Answer answer) {
        String coding = answer.header(HttpHeaderNames.CONTENT_ENCODING);
        if (coding == null || coding.isEmpty() || coding.equalsIgnoreCase("identity")) {
            return Mono.just(answer);
        }
        answer.close();
        return Mono.error(failures.unavailable("it compressed its answer (" + coding + ") without being asked to"));
    }

    private boolean mayRepeat(Ask ask, Throwable error) {
        if (error instanceof ConnectException) {
            return ask.endpoint() == null && endpoints.size() > 1;
        }
        // Netty's epoll transport reports some connections that fail to come about as the latter.
        boolean neverLeft = error instanceof AbortedException || error instanceof NotYetConnectedException;
        boolean vanished = error instanceof PrematureCloseException
                || (error instanceof IOException && AbortedException.isConnectionReset(error));
        // What never arrived makes nobody's load heavier; anything else is paid for.
        return neverLeft
                || (vanished
                        && ask.repeatable()
                        && (policy.retry() || ask.terms().own())
                        && budget.trySpend());
    }

    /** @param permit ended when the answer is over, but not when there is none */
    private Mono<Answer> attempt(Ask ask, HttpClient client, Attempt attempt, @Nullable Permit permit) {
        AtomicReference<@Nullable EventLoop> eventLoop = new AtomicReference<>();
        Mono<Answer> exchange = client.request(ask.method())
                .uri(ask.to() == null ? attempt.endpoint().url() : ask.to())
                .send((request, out) -> {
                    out.withConnection(
                            connection -> eventLoop.set(connection.channel().eventLoop()));
                    write(request.requestHeaders(), ask);
                    Duration timeout = ask.timeout();
                    if (timeout != null) {
                        request.responseTimeout(timeout);
                    }
                    byte[] body = ask.body();
                    return body == null ? out : out.send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)));
                })
                .responseConnection((head, connection) -> {
                    attempt.answered(System.nanoTime());
                    slow.add(attempt.nanosToHead());
                    Outcome outcome = outcome(head.status().code());
                    Runnable over = () -> {
                        long now = System.nanoTime();
                        attempt.end(outcome, now);
                        if (permit != null) {
                            permit.end(outcome, attempt.nanosToHead(), now);
                        }
                    };
                    connection.onTerminate().subscribe(ignored -> {}, ignored -> over.run(), over);
                    if (!Failures.concernsBackend(head.status().code())) {
                        reachability.answered();
                    }
                    KeepAlive.note(connection, head.responseHeaders().get("Keep-Alive"));
                    return Mono.<Answer>just(new HttpAnswer(head, connection, attempt, permit, ask.timeout()));
                })
                .next();
        return new MonoOperator<Answer, Answer>(exchange) {
            @Override
            public void subscribe(CoreSubscriber<? super Answer> actual) {
                source.subscribe(new Waiting(actual, eventLoop));
            }
        }.doOnDiscard(Answer.class, Answer::close)
                .doOnError(ignored -> attempt.end(Outcome.FAILED, System.nanoTime()))
                .doOnCancel(() -> attempt.end(Outcome.IGNORED, System.nanoTime()));
    }

    /** What a status says of the endpoint. A limit is no failing: it would be worse elsewhere. */
    private static Outcome outcome(int status) {
        return status == 429 || status == 425
                ? Outcome.IGNORED
                : Failures.concernsBackend(status) ? Outcome.FAILED : Outcome.SUCCEEDED;
    }

    private void write(HttpHeaders headers, Ask ask) {
        headers.set(HttpHeaderNames.USER_AGENT, settings.userAgent());
        if (ask.body() != null) {
            headers.set(HttpHeaderNames.CONTENT_TYPE, JSON);
            headers.set(HttpHeaderNames.CONTENT_LENGTH, ask.body().length);
        }
        if (!settings.gatewayId().isEmpty()) {
            headers.set(McpHeaders.VIA, settings.gatewayId());
        }
        ask.headers().accept(headers);
        backend.headers().forEach(headers::set);
    }

    /**
     * Closes idle connections, and the others with their last call. What is sent after this, by sessions that outlive
     * their upstream, takes a connection of its own.
     */
    Mono<Void> close() {
        closed = true;
        AdapterExchanges inside = adapted;
        return inside == null ? pool.disposeLater() : inside.close().then(pool.disposeLater());
    }

    /**
     * Passes parts on, and ends an exchange that is given up. That is decided on the connection's event loop, and after
     * whatever has arrived was taken: an exchange that is over by then has already given its connection to the next one,
     * and closing it would break that. One that is not over is closed, unless the answer was complete and at most a
     * terminator is missing; for that it waits a moment, since the connection could serve the next call.
     */
    private static final class Ending extends Flux<ByteBuf> {
        private final EventLoop eventLoop;
        private final Flux<ByteBuf> source;
        private final BooleanSupplier answered;

        private Ending(EventLoop eventLoop, Flux<ByteBuf> source, BooleanSupplier answered) {
            this.eventLoop = eventLoop;
            this.source = source;
            this.answered = answered;
        }

        @Override
        public void subscribe(CoreSubscriber<? super ByteBuf> actual) {
            source.subscribe(new Part(actual));
        }

        private final class Part implements CoreSubscriber<ByteBuf>, Subscription {
            private final CoreSubscriber<? super ByteBuf> actual;
            private final AtomicBoolean letting = new AtomicBoolean();
            private @Nullable Subscription upstream;
            private volatile boolean done;
            private volatile @Nullable Future<?> patience;

            private Part(CoreSubscriber<? super ByteBuf> actual) {
                this.actual = actual;
            }

            @Override
            public Context currentContext() {
                return actual.currentContext();
            }

            @Override
            public void onSubscribe(Subscription s) {
                upstream = s;
                actual.onSubscribe(this);
            }

            @Override
            public void onNext(ByteBuf part) {
                if (!letting.get()) {
                    actual.onNext(part);
                }
            }

            @Override
            public void onError(Throwable error) {
                end();
                if (!letting.get()) {
                    actual.onError(error);
                }
            }

            @Override
            public void onComplete() {
                end();
                if (!letting.get()) {
                    actual.onComplete();
                }
            }

            private void end() {
                done = true;
                Future<?> waiting = patience;
                if (waiting != null) {
                    waiting.cancel(false);
                }
            }

            @Override
            public void request(long n) {
                if (upstream != null) {
                    upstream.request(n);
                }
            }

            @Override
            public void cancel() {
                if (upstream != null && !done && letting.compareAndSet(false, true)) {
                    on(eventLoop, this::settle);
                }
            }

            /** Never in the middle of a part, so that a request is served before it returns. */
            private void settle() {
                if (done || upstream == null) {
                    return;
                }
                upstream.request(Long.MAX_VALUE);
                if (!done && answered.getAsBoolean()) {
                    patience = eventLoop.schedule(this::giveUp, GRACE_MILLIS, TimeUnit.MILLISECONDS);
                } else {
                    giveUp();
                }
            }

            private void giveUp() {
                if (!done && upstream != null) {
                    upstream.cancel();
                }
            }
        }
    }

    /** Gives an exchange up on the event loop of its connection, for the same reason, while its head is waited for. */
    private static final class Waiting implements CoreSubscriber<Answer>, Subscription {
        private final CoreSubscriber<? super Answer> actual;
        private final AtomicReference<@Nullable EventLoop> eventLoop;
        private @Nullable Subscription upstream;
        private volatile boolean cancelled;

        private Waiting(CoreSubscriber<? super Answer> actual, AtomicReference<@Nullable EventLoop> eventLoop) {
            this.actual = actual;
            this.eventLoop = eventLoop;
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        public void onSubscribe(Subscription s) {
            upstream = s;
            actual.onSubscribe(this);
        }

        @Override
        public void onNext(Answer answer) {
            if (cancelled) {
                answer.close();
            } else {
                actual.onNext(answer);
            }
        }

        @Override
        public void onError(Throwable error) {
            if (!cancelled) {
                actual.onError(error);
            }
        }

        @Override
        public void onComplete() {
            if (!cancelled) {
                actual.onComplete();
            }
        }

        @Override
        public void request(long n) {
            if (upstream != null) {
                upstream.request(n);
            }
        }

        @Override
        public void cancel() {
            cancelled = true;
            Subscription given = upstream;
            EventLoop there = eventLoop.get();
            if (given != null && (there == null || there.inEventLoop())) {
                given.cancel();
            } else if (given != null && there != null) {
                on(there, given::cancel);
            }
        }
    }

    private static void on(EventLoop eventLoop, Runnable task) {
        try {
            eventLoop.execute(task);
        } catch (RejectedExecutionException closing) {
            task.run(); // the loop ends, and its connections with it
        }
    }
}
