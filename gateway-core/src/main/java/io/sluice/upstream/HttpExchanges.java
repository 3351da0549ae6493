package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.balance.Attempt;
import io.sluice.envelope.Patch;
import io.sluice.guard.Gate;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.Quantile;
import io.sluice.protocol.McpHeaders;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.wire.Connections;
import io.sluice.wire.HeaderLines;
import io.sluice.wire.Origin;
import io.sluice.wire.RequestBytes;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Sends requests to one backend over HTTP, each once: writes the request's head anew, puts it on a connection of the
 * event loop, and learns from what comes back. Whether one is sent again is decided in {@link HttpAttempts}.
 *
 * <p>Safe for use by many threads. What belongs to one request is its {@link Sending}, which its event loop owns; the
 * bytes of a request are the connection's as soon as they are sent.
 */
final class HttpExchanges {
    private final Backend backend;
    private final UpstreamSettings settings;
    private final Reachability reachability;
    private final Failures failures;
    private final Gate gate;
    private final Quantile slow = new Quantile(0.95);
    private final Connections connections;
    private final Map<URI, Destination> destinations;
    private volatile boolean closed;

    HttpExchanges(Backend backend, UpstreamSettings settings, Reachability reachability, Failures failures, Gate gate) {
        this.backend = backend;
        this.settings = settings;
        this.reachability = reachability;
        this.failures = failures;
        this.gate = gate;
        this.connections = Connections.open(settings.loops(), settings.egress(), backend.source(), settings.tls());
        this.destinations = backend.transport().isStreamableHttp()
                ? backend.endpoints().stream()
                        .map(Endpoint::url)
                        .distinct()
                        .collect(Collectors.toUnmodifiableMap(Function.identity(), this::destination))
                : Map.of();
    }

    /** On an event loop of the connections' own choice, as soon as somebody waits for the answer. */
    Mono<Answer> attempt(Ask ask, boolean shared, Attempt attempt, @Nullable Permit permit) {
        return Mono.create(sink -> {
            EventLoop eventLoop = connections.eventLoop();
            Sending sending = new Sending(this, ask, attempt, permit, eventLoop);
            sending.tell(sink);
            sending.received.run(() -> send(sending, shared, eventLoop));
        });
    }

    /**
     * On the event loop. What goes wrong is told to {@code sending}.
     *
     * @param shared whether it may take a connection of the pool's
     */
    void send(Sending sending, boolean shared, EventLoop eventLoop) {
        if (sending.received.isOver()) {
            return;
        }
        Ask ask = sending.ask;
        URI url = ask.to() == null ? sending.attempt.endpoint().url() : ask.to();
        Duration patience = ask.timeout() == null ? Duration.ZERO : ask.timeout();
        Destination to;
        ByteBuf request;
        try {
            Destination known = destinations.get(url);
            to = known != null ? known : destination(url);
            request = request(ask, to);
        } catch (RuntimeException unsendable) {
            // Said here and not by throwing, which would reach nobody where this is a task of the event loop.
            // The endpoint has no part in it: a client that has left, say, took its large request along.
            sending.attempt.end(Outcome.IGNORED, System.nanoTime());
            sending.unanswered(unsendable);
            return;
        }
        gate.tally().sent(request.readableBytes());
        connections.send(eventLoop, to.origin(), request, patience, shared && !closed, sending.received);
    }

    /** @param headers that every request to there has; not to be written to */
    private record Destination(Origin origin, HeaderLines headers) {}

    private Destination destination(URI url) {
        Origin origin = Origin.of(url);
        HeaderLines headers = new HeaderLines();
        headers.set(HttpHeaderNames.HOST, origin.authority());
        headers.set(HttpHeaderNames.USER_AGENT, settings.userAgent());
        if (!settings.gatewayId().isEmpty()) {
            headers.set(McpHeaders.VIA, settings.gatewayId());
        }
        return new Destination(origin, headers);
    }

    private ByteBuf request(Ask ask, Destination to) {
        HeaderLines headers = new HeaderLines(to.headers());
        write(headers, ask);
        String target = to.origin().target();
        Patch large = ask.large();
        return large == null
                ? RequestBytes.of(ask.method(), target, headers, ask.body())
                : RequestBytes.of(ask.method(), target, headers, large);
    }

    private void write(HttpHeaders headers, Ask ask) {
        int length = ask.length();
        if (length >= 0) {
            headers.set(HttpHeaderNames.CONTENT_TYPE, MediaTypes.JSON);
            headers.set(HttpHeaderNames.CONTENT_LENGTH, length);
        }
        TimeLimit limit = ask.terms().limit();
        if (limit != null) {
            headers.set(McpHeaders.TIMEOUT, Long.toString(limit.toldMillis(System.nanoTime())));
        }
        ask.headers().accept(headers);
        backend.headers().forEach(headers::set);
    }

    /** A head came after this time: that the backend answers, and how long an answer takes. */
    void answered(int status, long nanosToHead) {
        slow.add(nanosToHead);
        if (!Failures.concernsBackend(status)) {
            reachability.answered();
        }
    }

    /** So much of a body came. */
    void received(long bytes) {
        gate.tally().received(bytes);
    }

    /** What nearly all answers took less than; {@code Long.MAX_VALUE} while that is not known. */
    long slowNanos() {
        return slow.value();
    }

    Failures failures() {
        return failures;
    }

    /**
     * Closes idle connections, and the others with their last call. What is sent after this, by sessions that outlive
     * their upstream, takes a connection of its own.
     */
    void close() {
        closed = true;
        connections.close();
    }

    boolean isClosed() {
        return closed;
    }
}
