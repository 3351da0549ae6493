package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Endpoint;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Opens sessions at a legacy backend by {@code initialize} and {@code notifications/initialized} (2025-11-25,
 * <em>Lifecycle</em>), any number of times and always in the name of the same client. Safe for use by many threads.
 */
final class Handshake {
    private static final Logger log = LoggerFactory.getLogger(Handshake.class);
    private static final int LONGEST_SESSION_ID = 4096;

    private final SessionHttp session;
    private final ClientFeatures features;
    private final ProtocolVersion offered;
    private final AtomicLong numbers = new AtomicLong();

    /** @param offered the revision that the backend is offered; what it chooses is what counts */
    Handshake(SessionHttp session, ClientFeatures features, ProtocolVersion offered) {
        this.session = session;
        this.features = features;
        this.offered = offered;
    }

    /** The backend does not do {@code initialize}: it may have changed its era, or never was an MCP server. */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * A new session. Fails with {@link Refused}, or a rejection when the backend cannot be asked.
     *
     * @param at where, or null for wherever there is room
     */
    Mono<Established> open(@Nullable Endpoint at) {
        BackendHttp http = session.http();
        return Mono.defer(() -> {
            byte[] body = Messages.request(
                    session.nextId(),
                    McpMethod.INITIALIZE.wire(),
                    Messages.initializeParams(offered, features, http.settings().clientInfo()));
            Ask ask = Ask.post(body, headers -> headers.set("Accept", MediaTypes.BOTH), http.probeTimeout(), true)
                    .at(at);
            return http.send(ask).flatMap(this::welcome).flatMap(this::confirm);
        });
    }

    /** A session that another replica opened, unless the backend is no longer where that was or how it was. */
    Optional<Established> of(SessionHandle known) {
        Optional<ProtocolVersion> version = spoken(known.revision());
        return session.http().backend().endpoints().stream()
                .filter(endpoint -> endpoint.url().equals(known.endpoint()))
                .findFirst()
                .flatMap(endpoint -> version.map(spoken -> new Established(
                        spoken, known.revision(), RawJson.of("{}"), known.id(), endpoint, numbers.incrementAndGet())));
    }

    private Mono<Established> welcome(Answer answer) {
        BackendHttp http = session.http();
        if (answer.isEventStream() || (answer.isSuccess() && !answer.isEmpty() && answer.isJson())) {
            return Messages.response(answer, http.settings())
                    .timeout(
                            http.probeTimeout(),
                            Mono.error(() -> http.failures().silent(http.probeTimeout())))
                    .switchIfEmpty(Mono.error(() -> new Refused("it answered initialize with nothing")))
                    .flatMap(message -> negotiated(answer, message));
        }
        return answer.refused().flatMap(refused -> {
            if (Failures.concernsBackend(refused.status())) {
                return Mono.error(
                        http.failures().answered(refused, answer.endpoint().url()));
            }
            String said = Failures.errorMessage(refused.body())
                    .map(text -> ": " + text)
                    .orElse("");
            String hint = refused.status() == 404 || refused.status() == 405
                    ? "; is " + Failures.shown(answer.endpoint().url()) + " its MCP endpoint?"
                    : "";
            return Mono.error(new Refused("it refused initialize with " + refused.status() + said + hint));
        });
    }

    private Mono<Established> negotiated(Answer answer, Envelope message) {
        if (message.error().isPresent() || !message.isObject(message.result())) {
            return Mono.error(new Refused("it answered initialize with an error: "
                    + Failures.errorMessage(message.body()).orElse("no result")));
        }
        Span named = message.member(message.result(), "protocolVersion");
        String wire = message.isString(named) ? message.text(named) : "";
        Optional<ProtocolVersion> version = spoken(wire);
        if (version.isEmpty()) {
            return Mono.error(new Refused(
                    "it answered initialize with protocol version '" + wire + "', which this gateway does not speak"));
        }
        String id = answer.header(McpHeaders.SESSION_ID);
        if (id != null && !isVisibleAscii(id)) {
            return Mono.error(new Refused(
                    "its session id is not visible ASCII of at most " + LONGEST_SESSION_ID + " characters"));
        }
        return Mono.just(new Established(
                version.get(), wire, message.raw(message.result()), id, answer.endpoint(), numbers.incrementAndGet()));
    }

    /**
     * Home-made servers often name the revision before Streamable HTTP while speaking it; the oldest we know is what
     * they mean.
     */
    private static Optional<ProtocolVersion> spoken(String wire) {
        if (wire.equals("2024-11-05") || wire.equals("2024-10-07")) {
            return Optional.of(ProtocolVersion.ASSUMED);
        }
        return ProtocolVersion.of(wire).filter(v -> v.era() == Era.LEGACY);
    }

    private static boolean isVisibleAscii(String id) {
        return !id.isEmpty() && id.length() <= LONGEST_SESSION_ID && id.chars().allMatch(c -> c >= 0x21 && c <= 0x7E);
    }

    /** A backend that chokes on the notification has still opened the session. */
    private Mono<Established> confirm(Established next) {
        byte[] body = Messages.notification(McpMethod.NOTIFICATION_INITIALIZED.wire(), null);
        return session.post(body, next, true)
                .doOnNext(answer -> {
                    if (!answer.isSuccess()) {
                        log.debug(
                                "Backend '{}' answered notifications/initialized with {}",
                                session.http().backend().name(),
                                answer.status());
                    }
                    answer.drop();
                })
                .thenReturn(next);
    }
}
