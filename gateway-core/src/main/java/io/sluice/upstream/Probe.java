package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Endpoint;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * Asks a backend which era it speaks, by {@code server/discover}. What counts as evidence and what only as an outage
 * was collected from the probes of the official clients; the one deviation is that a limit or a hint to come back
 * later (408, 425, 429) is no evidence here, because a wrong "legacy" is believed for a day.
 */
final class Probe {
    private static final Logger log = LoggerFactory.getLogger(Probe.class);
    private static final RawJson UNKNOWN_CAPABILITIES = RawJson.of("{\"supportedVersions\":[\""
            + ProtocolVersion.LATEST_MODERN.wire()
            + "\"],\"capabilities\":{\"tools\":{},\"prompts\":{},\"resources\":{}}}");

    private final BackendHttp http;
    private final AtomicLong ids = new AtomicLong();

    Probe(BackendHttp http) {
        this.http = http;
    }

    /** What {@code server/discover} brought to light. */
    sealed interface Finding {
        /** It speaks this modern revision. */
        record Modern(ProtocolVersion version, RawJson discoverResult) implements Finding {}

        /** It does not know the modern era. */
        record Legacy() implements Finding {}
    }

    private static final Finding LEGACY = new Finding.Legacy();

    /**
     * Fails with a rejection when the backend cannot be asked or no revision is shared; that is not evidence of
     * anything.
     */
    Mono<Finding> discover() {
        return ask(ProtocolVersion.LATEST_MODERN, true);
    }

    /** Completes when this endpoint answers at all as a server would; on a connection of its own. */
    Mono<Void> check(Endpoint at) {
        return http.send(discover(ProtocolVersion.LATEST_MODERN).at(at).aside())
                .flatMap(answer -> answer.refused()
                        .flatMap(refused -> refused.status() >= 500
                                ? Mono.error(http.failures().answered(refused, at.url()))
                                : Mono.empty()));
    }

    private Mono<Finding> ask(ProtocolVersion version, boolean first) {
        return http.send(discover(version)).flatMap(answer -> judge(answer, version, first));
    }

    private Ask discover(ProtocolVersion version) {
        String method = McpMethod.DISCOVER.wire();
        byte[] body = Messages.request(
                RequestId.of("probe-" + ids.incrementAndGet()),
                method,
                Messages.modernParams("", version, http.settings().clientInfo()));
        return Ask.post(
                body,
                headers -> headers.set("Accept", MediaTypes.BOTH)
                        .set(McpHeaders.PROTOCOL_VERSION, version.wire())
                        .set(McpHeaders.METHOD, method),
                http.probeTimeout(),
                true);
    }

    private Mono<Finding> judge(Answer answer, ProtocolVersion version, boolean first) {
        if (answer.isEventStream() || (answer.isSuccess() && !answer.isEmpty() && answer.isJson())) {
            return Messages.response(answer, http.settings())
                    .map(Optional::of)
                    .defaultIfEmpty(Optional.empty())
                    .flatMap(message -> weigh(message.orElse(null), version, first))
                    .timeout(
                            http.probeTimeout(),
                            Mono.error(() -> http.failures().silent(http.probeTimeout())));
        }
        return answer.refused().flatMap(refused -> {
            if (Failures.concernsBackend(refused.status()) && !saysUnknown(refused)) {
                return Mono.error(
                        http.failures().answered(refused, answer.endpoint().url()));
            }
            return weigh(MessageReader.read(refused.body()).orElse(null), version, first);
        });
    }

    /** Some servers answer 500 to whatever they do not know; the body tells that from an outage. */
    private static boolean saysUnknown(Reply.Refused refused) {
        return refused.status() == 500
                && MessageReader.read(refused.body())
                        .map(Probe::code)
                        .filter(code -> code == ErrorCodes.METHOD_NOT_FOUND || code == ErrorCodes.INVALID_REQUEST)
                        .isPresent();
    }

    private Mono<Finding> weigh(@Nullable Envelope message, ProtocolVersion version, boolean first) {
        if (message == null) {
            return Mono.just(LEGACY);
        }
        if (message.error().isPresent()) {
            return weighError(message, version, first);
        }
        boolean shared = strings(message, message.member(message.result(), "supportedVersions"))
                .anyMatch(named -> ProtocolVersion.of(named)
                        .filter(v -> v.era() == Era.MODERN)
                        .isPresent());
        return Mono.just(shared ? new Finding.Modern(version, message.raw(message.result())) : LEGACY);
    }

    private Mono<Finding> weighError(Envelope message, ProtocolVersion version, boolean first) {
        int code = code(message);
        if (code == ErrorCodes.HEADER_MISMATCH || code == ErrorCodes.MISSING_CLIENT_CAPABILITY) {
            log.warn(
                    "Backend '{}' speaks {} but refused our own server/discover with {}: {}",
                    http.backend().name(),
                    version.wire(),
                    code,
                    Failures.errorMessage(message.body()).orElse(""));
            return Mono.just(new Finding.Modern(version, UNKNOWN_CAPABILITIES));
        }
        if (code != ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION) {
            return Mono.just(LEGACY);
        }
        List<String> supported = strings(message, message.member(message.member(message.error(), "data"), "supported"))
                .toList();
        Optional<ProtocolVersion> known = supported.stream()
                .map(ProtocolVersion::of)
                .flatMap(Optional::stream)
                .filter(v -> v.era() == Era.MODERN)
                .max(ProtocolVersion::compareTo);
        if (known.isPresent() && first) {
            return ask(known.get(), false);
        }
        boolean someLegacy = supported.isEmpty() || supported.stream().anyMatch(Probe::isLegacy);
        if (someLegacy && known.isEmpty()) {
            return Mono.just(LEGACY);
        }
        return Mono.error(http.failures()
                .unavailable("it speaks only " + String.join(", ", supported) + ", and this gateway "
                        + String.join(", ", ProtocolVersion.supported())));
    }

    /** Revisions are dates, and the eras parted with the first modern one. */
    private static boolean isLegacy(String version) {
        return version.compareTo(ProtocolVersion.V2026_07_28.wire()) < 0;
    }

    private static java.util.stream.Stream<String> strings(Envelope message, Span array) {
        return message.elements(array).stream().filter(message::isString).map(message::text);
    }

    /** The error's code, or 0 when it is no number. */
    static int code(Envelope message) {
        Span code = message.member(message.error(), "code");
        if (!code.isPresent() || code.length() > 11) {
            return 0;
        }
        try {
            return Integer.parseInt(message.raw(code).toString());
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
