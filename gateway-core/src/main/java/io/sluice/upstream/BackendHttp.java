package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.ReferenceCountUtil;
import io.sluice.adapter.Adapter;
import io.sluice.balance.Attempt;
import io.sluice.balance.Endpoints;
import io.sluice.guard.Gate;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.Quantile;
import io.sluice.guard.Resting;
import io.sluice.guard.RetryBudget;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.wire.Connections;
import io.sluice.wire.HeaderLines;
import io.sluice.wire.Lost;
import io.sluice.wire.Origin;
import io.sluice.wire.RequestBytes;
import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Speaks HTTP to one backend: builds each request's headers anew, picks an endpoint, sends, and hands over the answer
 * with its connection.
 */
final class BackendHttp {
    static final String JSON = "application/json";
    private static final String JSON_UTF_8 = "application/json; charset=utf-8";
    static final String EVENT_STREAM = "text/event-stream";
    static final String BOTH = JSON + ", " + EVENT_STREAM;
    private static final int REFUSAL_BYTES = 64 * 1024;
    private static final int SMALL_BYTES = 64 * 1024;
    private static final int CHUNKS_AHEAD = 8;
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
    private final Connections connections;
    private final Map<URI, Origin> origins;
    private final Endpoints endpoints;
    private final @Nullable AdapterExchanges adapted;
    private final Credentials.@Nullable Keeper keeper;
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
        this.keeper = keeper();
        this.adapted = backend.transport().isStreamableHttp()
                ? null
                : new AdapterExchanges(adapter(), failures, reachability, backend, settings.timer());
        this.connections = Connections.open(settings.loops(), settings.egress(), backend.source(), settings.tls());
        this.origins = adapted != null
                ? Map.of()
                : backend.endpoints().stream()
                        .map(Endpoint::url)
                        .distinct()
                        .collect(Collectors.toUnmodifiableMap(Function.identity(), Origin::of));
    }

    /** Only over HTTP; what an adapter needs, it knows itself. */
    private Credentials.@Nullable Keeper keeper() {
        if (!backend.transport().isStreamableHttp()) {
            return null;
        }
        try {
            return settings.credentials().of(backend).orElse(null);
        } catch (IllegalArgumentException e) {
            BackendFailure why = failures.unavailable(String.valueOf(e.getMessage()));
            return new Credentials.Keeper() {
                @Override
                public Mono<String> authorization() {
                    return Mono.error(why);
                }

                @Override
                public Mono<Boolean> refused(String header, int status, String challenge) {
                    return Mono.just(false);
                }
            };
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

        /** For a stream of changes of the modern era ({@code subscriptions/listen}), which stays open. */
        static Ask listen(byte[] body) {
            return new Ask(
                    HttpMethod.POST,
                    null,
                    false,
                    headers -> headers.set("Accept", BOTH)
                            .set(McpHeaders.PROTOCOL_VERSION, ProtocolVersion.LATEST_MODERN.wire())
                            .set(McpHeaders.METHOD, McpMethod.SUBSCRIPTIONS_LISTEN.wire()),
                    body,
                    null,
                    true,
                    true,
                    Terms.OWN);
        }

        /** Of a call, on its own terms. */
        static Ask call(
                byte[] body,
                Consumer<HttpHeaders> headers,
                Duration timeout,
                boolean repeatable,
                Terms terms,
                @Nullable Endpoint endpoint,
                boolean movable) {
            Duration longest = terms.timeout();
            return new Ask(
                    HttpMethod.POST,
                    endpoint,
                    movable,
                    headers,
                    body,
                    longest == null ? timeout : longest,
                    false,
                    repeatable || terms.safe(),
                    terms,
                    null);
        }

        static Ask get(Endpoint endpoint, Consumer<HttpHeaders> headers, @Nullable Duration timeout, boolean again) {
            return new Ask(HttpMethod.GET, endpoint, false, headers, null, timeout, true, again, Terms.OWN);
        }

        Ask at(@Nullable Endpoint place) {
            return new Ask(method, place, movable, headers, body, timeout, longLived, repeatable, terms, to);
        }

        Ask also(CharSequence name, String value) {
            Consumer<HttpHeaders> before = headers;
            return new Ask(
                    method,
                    endpoint,
                    movable,
                    all -> {
                        before.accept(all);
                        all.set(name, value);
                    },
                    body,
                    timeout,
                    longLived,
                    repeatable,
                    terms,
                    to);
        }

        Ask to(URI address) {
            return new Ask(method, endpoint, movable, headers, body, timeout, longLived, repeatable, terms, address);
        }

        /** On a connection of its own, and in nobody's place. */
        Ask aside() {
            return new Ask(method, endpoint, movable, headers, body, timeout, true, false, terms, to);
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
        private final HttpResponse head;
        private final Received received;
        private final Attempt attempt;
        private final @Nullable Duration timeout;

        private HttpAnswer(HttpResponse head, Received received, Attempt attempt, @Nullable Duration timeout) {
            this.head = head;
            this.received = received;
            this.attempt = attempt;
            this.timeout = timeout;
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
            return head.headers().get(name);
        }

        @Override
        Flux<ByteBuf> body() {
            return isSmall()
                    ? collect(SMALL_BYTES)
                            .map(whole -> Unpooled.wrappedBuffer(whole))
                            .flux()
                    : received.body(() -> false).onErrorMap(this::failure);
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
            return received.body(() -> false)
                    .map(BackendHttp::taken)
                    .onErrorMap(this::failure)
                    .takeUntil(new Past(maxBytes)::reached)
                    .collectList()
                    .map(BackendHttp::joined);
        }

        @Override
        Flux<SseItem> items(SseReader reader, BooleanSupplier answered) {
            received.run(received::waitForever);
            return received.body(answered)
                    .map(part -> read(part, reader))
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
            received.body(() -> false).take(16).subscribe(ReferenceCountUtil::release, ignored -> {});
        }

        @Override
        void close() {
            received.giveUp();
        }

        private Throwable failure(Throwable error) {
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

    private static byte[] taken(ByteBuf part) {
        try {
            return ByteBufUtil.getBytes(part);
        } finally {
            part.release();
        }
    }

    private static List<SseItem> read(ByteBuf part, SseReader reader) {
        try {
            return reader.read(part);
        } finally {
            part.release();
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
            if (ask.longLived() || closed) {
                return inside != null ? inside.send(ask) : send(ask, false, null);
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
            return send(ask, true, permit);
        }
        return inside.send(ask)
                .doOnSuccess(answer -> permit.end(Outcome.SUCCEEDED, System.nanoTime()))
                .doOnError(error -> permit.end(Outcome.FAILED, System.nanoTime()))
                .doOnCancel(() -> permit.end(Outcome.IGNORED, System.nanoTime()));
    }

    /** @param permit held until the last byte of the answer; null for what lives long and is not counted */
    private Mono<Answer> send(Ask ask, boolean shared, @Nullable Permit permit) {
        budget.earn();
        Attempt first = first(ask, permit);
        return outcome(once(ask, shared, first, permit), ask, shared, first, permit);
    }

    /** What comes of a request that was sent once and may be sent again. */
    private Mono<Answer> outcome(Mono<Answer> once, Ask ask, boolean shared, Attempt first, @Nullable Permit permit) {
        return once.onErrorResume(
                        error -> mayRepeat(ask, error), error -> again(ask, shared, second(ask, first, error), permit))
                .flatMap(answer -> answer.status() >= 502
                                && answer.status() <= 504
                                && ask.endpoint() == null
                                && mayHelp(ask)
                                && budget.trySpend()
                        ? elsewhere(ask, shared, first, answer, permit)
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

    private Mono<Answer> elsewhere(Ask ask, boolean shared, Attempt first, Answer answer, @Nullable Permit permit) {
        return answer.refused()
                .then(Mono.defer(
                        () -> again(ask, shared, endpoints.pickOther(first.state(), System.nanoTime()), permit)));
    }

    private Mono<Answer> again(Ask ask, boolean shared, Attempt second, @Nullable Permit permit) {
        if (permit != null) {
            permit.retried();
        }
        return attempt(repeated(ask), shared, second, permit);
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
    private Mono<Answer> once(Ask ask, boolean shared, Attempt first, @Nullable Permit permit) {
        Mono<Answer> one = attempt(ask, shared, first, permit);
        long patience = slow.value();
        if (!ask.terms().hedged() || ask.endpoint() != null || endpoints.size() < 2 || patience == Long.MAX_VALUE) {
            return one;
        }
        Mono<Answer> other = Mono.delay(Duration.ofNanos(Math.max(1_000_000, patience)), settings.timer())
                .filter(late -> budget.trySpend())
                .flatMap(late -> again(ask, shared, endpoints.pickOther(first.state(), System.nanoTime()), permit))
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

    /** @param permit goes back if no endpoint can be picked, which would be a mistake of our own */
    private Attempt first(Ask ask, @Nullable Permit permit) {
        long now = System.nanoTime();
        try {
            return ask.endpoint() == null
                    ? endpoints.pick(ask.terms().affinity(), now)
                    : endpoints.pinned(ask.endpoint(), now);
        } catch (RuntimeException mistake) {
            end(permit, Outcome.IGNORED);
            throw mistake;
        }
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
            boolean left = !(error instanceof Lost lost && lost.way() == Lost.Way.UNUSED);
            return left && !(error instanceof Rejection) && ask.mayHaveActed() && refusal instanceof BackendFailure vain
                    ? vain.outcomeUnknown()
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
        if (!(error instanceof Lost lost)) {
            return false;
        }
        // What never arrived makes nobody's load heavier; anything else is paid for.
        return lost.way() == Lost.Way.UNUSED
                || (ask.repeatable() && (policy.retry() || ask.terms().own()) && budget.trySpend());
    }

    /** @param permit ended when the answer is over, but not when there is none */
    private Mono<Answer> attempt(Ask ask, boolean shared, Attempt attempt, @Nullable Permit permit) {
        return Mono.create(sink -> {
            EventLoop eventLoop = connections.eventLoop();
            Sending sending = new Sending(ask, attempt, permit, eventLoop);
            sending.tell(sink);
            sending.received.run(() -> send(sending, shared, eventLoop));
        });
    }

    /** One time that a request is sent. State is owned by the event loop of its exchange. */
    class Sending implements Received.Listener {
        final Ask ask;
        final Attempt attempt;
        final @Nullable Permit permit;
        final Received received;
        private @Nullable MonoSink<Answer> sink;
        private @Nullable Outcome outcome;

        Sending(Ask ask, Attempt attempt, @Nullable Permit permit, EventLoop eventLoop) {
            this.ask = ask;
            this.attempt = attempt;
            this.permit = permit;
            this.received = new Received(eventLoop, this);
        }

        /** From now on the outcome goes there. */
        void tell(MonoSink<Answer> whoWaits) {
            sink = whoWaits;
            whoWaits.onCancel(received::giveUp);
        }

        boolean isAwaited() {
            return sink != null;
        }

        @Override
        public void head(HttpResponse head) {
            attempt.answered(System.nanoTime());
            slow.add(attempt.nanosToHead());
            outcome = BackendHttp.outcome(head.status().code());
            if (ask.longLived()) {
                // It is nothing that the next call would have to wait for.
                attempt.end(outcome, System.nanoTime());
            }
            if (!Failures.concernsBackend(head.status().code())) {
                reachability.answered();
            }
            answered(head);
        }

        void answered(HttpResponse head) {
            if (sink != null) {
                sink.success(answer(head));
            }
        }

        final Answer answer(HttpResponse head) {
            return new HttpAnswer(head, received, attempt, ask.timeout());
        }

        @Override
        public void unanswered(Throwable error) {
            attempt.end(Outcome.FAILED, System.nanoTime());
            failed(error);
        }

        void failed(Throwable error) {
            if (sink != null) {
                sink.error(error);
            }
        }

        /** The permit of what was given up before its head came goes back with the publisher that gave it up. */
        @Override
        public void over() {
            long now = System.nanoTime();
            gate.tally().received(received.bytes());
            Outcome told = outcome;
            if (told == null) {
                attempt.end(Outcome.IGNORED, now);
                return;
            }
            Outcome taught = received.isBroken() ? Outcome.FAILED : told;
            attempt.end(taught, now);
            if (permit != null) {
                permit.end(taught, attempt.nanosToHead(), now);
            }
        }
    }

    /** Told, on the event loop, what became of a request that did not have to wait: one of the two, once. */
    interface Prompt {
        /** The whole of a small JSON answer. */
        void whole(byte[] json);

        /** Anything else, for somebody who can wait. */
        void otherwise(Mono<Answer> outcome);
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
                || closed
                || ask.longLived()
                || ask.terms().own()
                || ask.terms().hedged()
                || ask.terms().limit() != null) { // needs a timer
            return null;
        }
        Permit permit = gate.tryAdmit(ask.terms().priority(), System.nanoTime());
        if (permit == null) {
            return null;
        }
        budget.earn();
        Prompted prompted = new Prompted(ask, first(ask, permit), permit, eventLoop, prompt);
        try {
            send(prompted, true, eventLoop);
        } catch (RuntimeException mistake) {
            prompted.abandon();
            prompted.attempt.end(Outcome.IGNORED, System.nanoTime());
            throw mistake;
        }
        return prompted;
    }

    /** A request that was sent at once. To be used on its event loop, and no more once the {@link Prompt} was told. */
    final class Prompted extends Sending {
        private final Prompt prompt;
        private @Nullable HttpResponse small;
        private boolean settled;

        private Prompted(Ask ask, Attempt attempt, Permit permit, EventLoop eventLoop, Prompt prompt) {
            super(ask, attempt, permit, eventLoop);
            this.prompt = prompt;
        }

        /** Nobody wants the answer any more. */
        void abandon() {
            settled = true;
            received.giveUp();
            end(permit, Outcome.IGNORED);
        }

        /** Instead of what the {@link Prompt} would be told: the same for somebody who can wait. */
        Mono<Answer> handOver() {
            settled = true;
            HttpResponse head = small;
            return rest(head != null ? Mono.fromSupplier(() -> answer(head)) : Mono.create(this::tell));
        }

        private Mono<Answer> rest(Mono<Answer> first) {
            return BackendHttp.this.outcome(first, ask, true, attempt, permit).doOnDiscard(Answer.class, Answer::close);
        }

        @Override
        void answered(HttpResponse head) {
            if (isAwaited()) {
                super.answered(head);
            } else if (isSmallJson(head)) {
                small = head;
                received.gather();
            } else if (!settled) {
                settled = true;
                prompt.otherwise(rest(Mono.fromSupplier(() -> answer(head))));
            }
        }

        private boolean isSmallJson(HttpResponse head) {
            HttpHeaders headers = head.headers();
            String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
            String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
            return head.status().code() == 200
                    && type != null
                    && (type.equals(JSON) || type.equals(JSON_UTF_8))
                    && length != null
                    && length.length() <= 5
                    && !length.equals("0")
                    && Integer.parseInt(length) <= SMALL_BYTES
                    && !headers.contains(HttpHeaderNames.CONTENT_ENCODING);
        }

        @Override
        void failed(Throwable error) {
            if (isAwaited()) {
                super.failed(error);
            } else if (!settled) {
                settled = true;
                prompt.otherwise(rest(Mono.error(error)));
            }
        }

        @Override
        public void over() {
            super.over();
            HttpResponse head = small;
            if (settled || head == null) {
                return;
            }
            settled = true;
            if (received.isWhole()) {
                prompt.whole(received.gathered());
            } else {
                prompt.otherwise(rest(Mono.fromSupplier(() -> answer(head))));
            }
        }
    }

    private void send(Sending sending, boolean shared, EventLoop eventLoop) {
        if (sending.received.isOver()) {
            return;
        }
        Ask ask = sending.ask;
        URI url = ask.to() == null ? sending.attempt.endpoint().url() : ask.to();
        Origin known = origins.get(url);
        Origin origin = known != null ? known : Origin.of(url);
        Duration patience = ask.timeout() == null ? Duration.ZERO : ask.timeout();
        ByteBuf request;
        try {
            request = request(ask, origin);
        } catch (RuntimeException unsendable) {
            // Said here and not by throwing, which would reach nobody where this is a task of the event loop.
            sending.unanswered(unsendable);
            return;
        }
        gate.tally().sent(request.readableBytes());
        connections.send(eventLoop, origin, request, patience, shared && !closed, sending.received);
    }

    private ByteBuf request(Ask ask, Origin origin) {
        HeaderLines headers = new HeaderLines();
        headers.set(HttpHeaderNames.HOST, origin.authority());
        write(headers, ask);
        return RequestBytes.of(ask.method(), origin.target(), headers, ask.body());
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
        TimeLimit limit = ask.terms().limit();
        if (limit != null) {
            headers.set(McpHeaders.TIMEOUT, Long.toString(limit.toldMillis(System.nanoTime())));
        }
        ask.headers().accept(headers);
        backend.headers().forEach(headers::set);
    }

    /**
     * Closes idle connections, and the others with their last call. What is sent after this, by sessions that outlive
     * their upstream, takes a connection of its own.
     */
    Mono<Void> close() {
        AdapterExchanges inside = adapted;
        Mono<Void> adapter = inside == null ? Mono.empty() : inside.close();
        return adapter.then(Mono.fromRunnable(() -> {
            closed = true;
            connections.close();
        }));
    }
}
