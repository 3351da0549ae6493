package io.sluice.upstream;

import io.netty.handler.codec.http.HttpMethod;
import io.sluice.adapter.Adapter;
import io.sluice.adapter.Pipe;
import io.sluice.adapter.Switchboard;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection.BackendFailure;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.concurrent.Queues;

/**
 * A backend that speaks HTTP+SSE (2024-11-05, <em>Transports</em>): one event stream for each session, whose first event names the address to POST to; what is posted is answered on the stream. Each
 * session of the gateway's gets a stream of its own, so that what belongs to one client reaches no other. When the stream ends, so does the session, and the next request opens another.
 */
final class LegacySse implements Adapter {
    private static final Logger log = LoggerFactory.getLogger(LegacySse.class);
    private static final int MOST_WAITING = 1024;

    private final BackendHttp http;
    private final AtomicLong numbers = new AtomicLong();
    private final Map<String, Connection> connections = new ConcurrentHashMap<>();
    private volatile boolean closed;

    LegacySse(BackendHttp http) {
        this.http = http;
    }

    /** One event stream, and the way back. */
    private final class Connection implements Pipe {
        private final String id = "sse-" + numbers.incrementAndGet();
        private final Switchboard switchboard =
                new Switchboard(this, http.backend().name());
        private final Sinks.Many<byte[]> outgoing = Sinks.many()
                .unicast()
                .onBackpressureBuffer(Queues.<byte[]>get(MOST_WAITING).get());
        private final Sinks.One<URI> address = Sinks.one();
        private final Disposable.Composite running = Disposables.composite();
        private volatile @Nullable Endpoint at;

        /** Completes when the backend has said where to POST. */
        Mono<Connection> open() {
            running.add(http.send(new Ask(
                            HttpMethod.GET,
                            null,
                            false,
                            headers -> headers.set("Accept", MediaTypes.EVENT_STREAM),
                            null,
                            null,
                            true,
                            true,
                            Terms.OWN))
                    .flatMapMany(this::read)
                    .subscribe(
                            ignored -> {},
                            error -> end(
                                    error instanceof BackendFailure known
                                            ? known
                                            : http.failures().unavailable(String.valueOf(error.getMessage()))),
                            () -> end(http.failures().unavailable("it ended its event stream"))));
            return address.asMono()
                    .timeout(
                            http.probeTimeout(),
                            Mono.error(() -> http.failures()
                                    .unavailable("its event stream did not begin with an endpoint event within "
                                            + Failures.seconds(http.probeTimeout()))),
                            http.settings().timer())
                    .doOnError(error -> close())
                    .doOnCancel(this::close)
                    .doOnNext(this::post)
                    .thenReturn(this);
        }

        private Flux<SseItem> read(Answer answer) {
            if (!answer.isEventStream()) {
                return answer.refused()
                        .flatMapMany(refused -> Flux.error(http.failures()
                                .answered(refused, answer.endpoint().url())));
            }
            at = answer.endpoint();
            SseReader reader = new SseReader(http.settings().maxEventBytes());
            return answer.items(reader, () -> false).doOnNext(this::take);
        }

        private void take(SseItem item) {
            if (item instanceof SseItem.Dispatched event && event.type().equals("endpoint") && event.data() != null) {
                URI named = address(new String(event.data(), StandardCharsets.UTF_8));
                if (named == null) {
                    address.tryEmitError(http.failures()
                            .unavailable("it wants messages to be posted to another origin, which is not done"));
                } else {
                    address.tryEmitValue(named);
                }
            } else {
                Messages.messagesOf(item).forEach(message -> switchboard.arrived(message.body()));
            }
        }

        /** Only ever of the origin that was asked: an address from the network is not to send the gateway elsewhere. */
        private @Nullable URI address(String reference) {
            try {
                URI base = Objects.requireNonNull(at).url();
                URI named = base.resolve(reference.strip());
                boolean same = Objects.equals(named.getScheme(), base.getScheme())
                        && Objects.equals(named.getHost(), base.getHost())
                        && named.getPort() == base.getPort()
                        && named.getRawUserInfo() == null
                        && named.getRawFragment() == null;
                return same ? named : null;
            } catch (IllegalArgumentException e) {
                return null;
            }
        }

        private void post(URI to) {
            Endpoint there = Objects.requireNonNull(at);
            Duration timeout = http.backend().timeout();
            running.add(outgoing.asFlux()
                    .concatMap(
                            json -> http.send(Ask.post(
                                                    json,
                                                    headers -> headers.set("Accept", MediaTypes.BOTH),
                                                    timeout,
                                                    false)
                                            .at(there)
                                            .to(to))
                                    .flatMap(this::taken),
                            1)
                    .subscribe(
                            ignored -> {},
                            error -> end(
                                    error instanceof BackendFailure known
                                            ? known
                                            : http.failures().unavailable(String.valueOf(error.getMessage())))));
        }

        private Mono<Void> taken(Answer answer) {
            if (answer.isSuccess()) {
                answer.drop();
                return Mono.empty();
            }
            return answer.refused()
                    .flatMap(refused -> Mono.error(
                            http.failures().answered(refused, answer.endpoint().url())));
        }

        @Override
        public boolean send(byte[] json) {
            synchronized (outgoing) {
                return outgoing.tryEmitNext(json) == Sinks.EmitResult.OK;
            }
        }

        private void end(BackendFailure why) {
            connections.remove(id);
            address.tryEmitError(why);
            switchboard.broken(why);
            running.dispose();
        }

        void close() {
            end(http.failures().unavailable("the session has ended"));
        }
    }

    @Override
    public Mono<Outcome> post(Post post) {
        Envelope message = post.message();
        McpMethod method = message.knownMethod().orElse(null);
        if (method == McpMethod.DISCOVER && message.kind() == Kind.REQUEST) {
            return Mono.just(Outcome.Message.of(Messages.error(
                    Objects.requireNonNull(message.id()), ErrorCodes.METHOD_NOT_FOUND, "Method not found")));
        }
        if (method == McpMethod.INITIALIZE) {
            return open(message);
        }
        Connection connection = find(post.session());
        return connection == null
                ? Mono.just(Outcome.Refused.NO_SUCH_SESSION)
                : connection.switchboard.post(message, null);
    }

    private Mono<Outcome> open(Envelope initialize) {
        return Mono.defer(() -> {
            if (closed) {
                return Mono.error(http.failures().unavailable("it was removed"));
            }
            Connection connection = new Connection();
            return connection.open().flatMap(opened -> {
                connections.put(connection.id, connection);
                log.debug("Backend '{}': opened event stream {}", http.backend().name(), connection.id);
                return connection.switchboard.post(initialize, connection.id).doOnError(error -> connection.close());
            });
        });
    }

    private @Nullable Connection find(@Nullable String session) {
        return session == null ? null : connections.get(session);
    }

    @Override
    public Mono<Outcome> stream(@Nullable String session) {
        Connection connection = find(session);
        return Mono.just(
                connection == null
                        ? Outcome.Refused.NO_SUCH_SESSION
                        : new Outcome.Messages(connection.switchboard.listen()));
    }

    @Override
    public Mono<Void> end(String session) {
        return Mono.fromRunnable(() -> {
            Connection connection = find(session);
            if (connection != null) {
                connection.close();
            }
        });
    }

    @Override
    public Mono<Void> close() {
        return Mono.defer(() -> {
            closed = true;
            List.copyOf(connections.values()).forEach(Connection::close);
            return http.close();
        });
    }
}
