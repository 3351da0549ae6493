package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.auth.Caller;
import io.sluice.call.Answer;
import io.sluice.call.Inbound;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.SseWriter;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.concurrent.Queues;

/**
 * Serves agents that know nothing newer than HTTP+SSE (2024-11-05, <em>Transports</em>): {@code GET /sse} opens a stream whose first event names the address to POST to, and whatever is posted there is
 * answered on the stream. Behind it each connection is one session of the oldest revision of Streamable HTTP, which ends with the stream. A stream lives on one replica, and so do its messages.
 */
final class OldTransport {
    static final String STREAM = "/sse";
    static final String MESSAGES = "/messages";
    private static final String OLDEST = "2024-11-05";
    private static final int MOST_WAITING = 4096;
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);

    private final RequestPath path;
    private final SecureRandom random;
    private final Map<String, Connection> connections = new ConcurrentHashMap<>();

    OldTransport(RequestPath path, SecureRandom random) {
        this.path = path;
        this.random = random;
    }

    /** One agent's stream. */
    private final class Connection {
        private final String id;
        private final Inbound opened;
        private final Caller caller;
        private final Sinks.Many<byte[]> frames = Sinks.many()
                .unicast()
                .onBackpressureBuffer(Queues.<byte[]>get(MOST_WAITING).get());
        private final Disposable.Composite running = Disposables.composite();
        private final AtomicBoolean over = new AtomicBoolean();
        private volatile @Nullable String session;

        private Connection(String id, Inbound opened, Caller caller) {
            this.id = id;
            this.opened = opened;
            this.caller = caller;
        }

        void say(byte[] frame) {
            synchronized (frames) {
                if (frames.tryEmitNext(frame) != Sinks.EmitResult.OK) {
                    frames.tryEmitComplete(); // it reads nothing, or has gone
                }
            }
        }

        /** As the session of this connection sees it. */
        Inbound inbound() {
            HttpHeaders headers = new DefaultHttpHeaders().add(opened.headers());
            headers.remove(McpHeaders.PROTOCOL_VERSION).remove(McpHeaders.LAST_EVENT_ID);
            headers.set("Accept", "application/json, text/event-stream");
            headers.set("Content-Type", "application/json");
            String known = session;
            if (known == null) {
                headers.remove(McpHeaders.SESSION_ID);
            } else {
                headers.set(McpHeaders.SESSION_ID, known);
            }
            return Inbound.of(opened.mount(), headers);
        }

        /** Everything the session has to say besides answers. */
        void begin(String sealed) {
            session = sealed;
            running.add(path.get(inbound())
                    .flatMapMany(answer -> answer instanceof Answer.Events events ? events.frames() : Flux.empty())
                    .subscribe(this::pass, ignored -> {}));
        }

        void pass(ByteBuf frame) {
            try {
                say(ByteBufUtil.getBytes(frame));
            } finally {
                frame.release();
            }
        }

        /** Has a message answered on the stream. */
        Disposable answers(byte[] json, boolean initialize, boolean oldest) {
            return path.post(inbound(), json).subscribe(answer -> tell(answer, initialize, oldest), broken -> {});
        }

        private void tell(Answer answer, boolean initialize, boolean oldest) {
            if (answer instanceof Answer.Events events) {
                running.add(Flux.from(events.frames()).subscribe(this::pass, broken -> {}));
                return;
            }
            running.add(Answers.bytes(answer)
                    .subscribe(
                            json -> {
                                say(SseWriter.event(null, oldest ? old(json) : json));
                                String sealed = answer.headers().get(McpHeaders.SESSION_ID.toString());
                                if (initialize && sealed != null) {
                                    begin(sealed);
                                }
                            },
                            broken -> {}));
        }

        void end() {
            if (over.compareAndSet(false, true)) {
                connections.remove(id);
                running.dispose();
                if (session != null) {
                    try {
                        path.delete(inbound());
                    } catch (Rejection alreadyGone) {
                        // as wanted
                    }
                }
                synchronized (frames) {
                    frames.tryEmitComplete();
                }
            }
        }
    }

    /** {@code GET /sse}, or {@code GET /sse/{mount}}. */
    Answer open(Inbound inbound) {
        Caller caller = path.admitted(inbound);
        byte[] bytes = new byte[24];
        random.nextBytes(bytes);
        Connection connection = new Connection(HexFormat.of().formatHex(bytes), inbound, caller);
        connections.put(connection.id, connection);
        byte[] first = ("event: endpoint\ndata: " + MESSAGES + "?sessionId=" + connection.id + "\n\n")
                .getBytes(StandardCharsets.US_ASCII);
        Flux<byte[]> beats = Flux.interval(HEARTBEAT).onBackpressureDrop().map(beat -> SseWriter.comment());
        Flux<byte[]> said = Flux.concat(Flux.just(first), connection.frames.asFlux());
        Sinks.Empty<Void> done = Sinks.empty();
        return new Answer.Events(Flux.merge(said.doOnTerminate(done::tryEmitEmpty), beats.takeUntilOther(done.asMono()))
                .map(Replies::bytes)
                .doFinally(signal -> connection.end()));
    }

    /** {@code POST /messages?sessionId=…}. Answered at once; what comes of it goes to the stream. */
    Mono<Answer> post(String query, Inbound inbound, Mono<byte[]> body) {
        return Mono.defer(() -> {
            Caller caller = path.authenticated(inbound);
            Connection connection = sessionId(query).map(connections::get).orElse(null);
            if (connection == null || !connection.caller.equals(caller)) {
                return Mono.error(new Rejection.NotFound("This stream is not open here; open one with GET " + STREAM));
            }
            return body.map(json -> {
                take(connection, json);
                return (Answer) Answer.Empty.ACCEPTED;
            });
        });
    }

    private static Optional<String> sessionId(String query) {
        for (String part : List.of(query.split("&", -1))) {
            if (part.startsWith("sessionId=")) {
                return Optional.of(part.substring("sessionId=".length()));
            }
        }
        return Optional.empty();
    }

    private static void take(Connection connection, byte[] json) {
        Optional<Envelope> message = MessageReader.read(json);
        boolean initialize = message.flatMap(Envelope::knownMethod)
                .filter(McpMethod.INITIALIZE::equals)
                .isPresent();
        boolean oldest = initialize && isOldest(message.get());
        byte[] sent = oldest
                ? new Patch(message.get())
                        .replaceText(message.get().protocolVersion(), ProtocolVersion.ASSUMED.wire())
                        .toBytes()
                : json;
        connection.running.add(connection.answers(sent, initialize, oldest));
    }

    /** The answer to {@code initialize} in the words of a client that knows one revision. */
    private static byte[] old(byte[] json) {
        return MessageReader.read(json)
                .filter(answer -> answer.kind() == Kind.RESPONSE)
                .map(answer -> {
                    Span version = answer.member(answer.result(), "protocolVersion");
                    return version.isPresent()
                            ? new Patch(answer).replaceText(version, OLDEST).toBytes()
                            : json;
                })
                .orElse(json);
    }

    /** Ends all streams; their agents open others, here or elsewhere. */
    void close() {
        List.copyOf(connections.values()).forEach(Connection::end);
    }

    private static boolean isOldest(Envelope initialize) {
        return initialize.isString(initialize.protocolVersion())
                && initialize.text(initialize.protocolVersion()).equals(OLDEST);
    }
}
