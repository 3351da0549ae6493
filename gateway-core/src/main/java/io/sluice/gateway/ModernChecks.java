package io.sluice.gateway;

import io.netty.util.AsciiString;
import io.sluice.call.Inbound;
import io.sluice.catalog.ParamHeader;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import io.sluice.wire.HeaderLines;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a modern request must satisfy before anything acts on it, in the order that makes the same request always get
 * the same answer (2026-07-28, Streamable HTTP, <em>Server
 * Validation</em>): envelope, mirrored version and method, supported version, presence of the headers, mirrored name.
 */
final class ModernChecks {
    private static final int LONGEST_NUMBER = 64;

    private ModernChecks() {}

    static ProtocolVersion check(Inbound inbound, Envelope envelope) {
        checkEnvelope(envelope);
        String version = envelope.text(envelope.metaProtocolVersion());
        String versionHeader = inbound.versionHeader();
        if (versionHeader != null && !versionHeader.equals(version)) {
            throw new Rejection.HeaderMismatch(McpHeaders.PROTOCOL_VERSION + " says " + Json.quote(versionHeader)
                    + " but the body says " + Json.quote(version));
        }
        String methodHeader = inbound.single(McpHeaders.METHOD);
        if (methodHeader != null && !methodHeader.equals(envelope.method())) {
            throw new Rejection.HeaderMismatch(McpHeaders.METHOD + " says " + Json.quote(methodHeader)
                    + " but the body says " + Json.quote(envelope.method()));
        }
        ProtocolVersion supported = ProtocolVersion.of(version)
                .filter(known -> known.era() == Era.MODERN)
                .orElseThrow(() -> new Rejection.UnsupportedVersion(Json.quote(version)));
        if (versionHeader == null) {
            throw new Rejection.HeaderMismatch("Header " + McpHeaders.PROTOCOL_VERSION + " is missing");
        }
        if (methodHeader == null) {
            throw new Rejection.HeaderMismatch("Header " + McpHeaders.METHOD + " is missing");
        }
        checkName(inbound, envelope);
        return supported;
    }

    private static void checkEnvelope(Envelope envelope) {
        if (envelope.metaProtocolVersion().isPresent()
                && envelope.metaClientCapabilities().isPresent()
                && envelope.isString(envelope.metaProtocolVersion())
                && envelope.isObject(envelope.metaClientCapabilities())
                && !envelope.metaClientInfo().isPresent()) {
            return;
        }
        List<String> missing = new ArrayList<>(2);
        if (!envelope.metaProtocolVersion().isPresent()) {
            missing.add(MetaKeys.PROTOCOL_VERSION);
        }
        if (!envelope.metaClientCapabilities().isPresent()) {
            missing.add(MetaKeys.CLIENT_CAPABILITIES);
        }
        if (!missing.isEmpty()) {
            throw new Rejection.InvalidEnvelope("params._meta lacks " + String.join(" and ", missing));
        }
        if (!envelope.isString(envelope.metaProtocolVersion())) {
            throw new Rejection.InvalidEnvelope(MetaKeys.PROTOCOL_VERSION + " must be a string");
        }
        requireObject(envelope, envelope.metaClientCapabilities(), MetaKeys.CLIENT_CAPABILITIES);
        if (envelope.metaClientInfo().isPresent()) {
            requireObject(envelope, envelope.metaClientInfo(), MetaKeys.CLIENT_INFO);
        }
    }

    private static void requireObject(Envelope envelope, Span span, String what) {
        if (!envelope.isObject(span)) {
            throw new Rejection.InvalidEnvelope(what + " must be an object");
        }
    }

    private static void checkName(Inbound inbound, Envelope envelope) {
        Optional<McpMethod> method = envelope.knownMethod();
        if (method.isEmpty()
                || !method.get().sentByClientsOf(Era.MODERN)
                || method.get().target() == McpMethod.Target.NONE) {
            return;
        }
        Span named = switch (method.get().target()) {
            case NAME -> envelope.name();
            case URI -> envelope.uri();
            case TASK_ID -> envelope.taskId();
            case NONE -> Span.NONE;
        };
        String header = inbound.single(McpHeaders.NAME);
        if (header == null) {
            throw new Rejection.HeaderMismatch("Header " + McpHeaders.NAME + " is missing");
        }
        String decoded = decoded(McpHeaders.NAME.toString(), header);
        if (!named.isPresent() || !envelope.isString(named) || !decoded.equals(envelope.text(named))) {
            throw new Rejection.HeaderMismatch(
                    McpHeaders.NAME + " says " + Json.quote(decoded) + " but the body names something else");
        }
    }

    private static String decoded(String name, String header) {
        return HeaderValue.decode(header)
                .orElseThrow(() -> new Rejection.HeaderMismatch(name
                        + " is neither printable ASCII nor valid base64 between its markers: " + Json.quote(header)));
    }

    /**
     * Compares {@code Mcp-Param-*} with the arguments that the tool's schema says they mirror. Headers that no
     * annotation names are nobody's business here and pass, unless one stands twice.
     *
     * @return all of them, as they came
     */
    static List<Map.Entry<String, String>> checkParams(Inbound inbound, Envelope envelope, Target target) {
        List<Map.Entry<String, String>> sent = paramHeaders(inbound);
        for (ParamHeader param : target.paramHeaders()) {
            String name = McpHeaders.PARAM_PREFIX + param.name();
            String header = inbound.single(name);
            @Nullable String argument = argument(envelope, param.path());
            if (argument == null) {
                if (header != null) {
                    throw new Rejection.HeaderMismatch(name + " is sent but the argument it mirrors is absent");
                }
                continue;
            }
            if (header == null) {
                throw new Rejection.HeaderMismatch(
                        "Header " + name + " is missing; it mirrors an argument of this call");
            }
            String decoded = decoded(name, header);
            if (!decoded.equals(argument) && !(isNumber(param) && sameNumber(decoded, argument))) {
                throw new Rejection.HeaderMismatch(name + " says " + Json.quote(decoded) + " but the argument differs");
            }
        }
        return sent;
    }

    private static List<Map.Entry<String, String>> paramHeaders(Inbound inbound) {
        if (inbound.headers() instanceof HeaderLines lines && !anyParam(lines)) {
            return List.of();
        }
        List<Map.Entry<String, String>> found = List.of();
        String prefix = McpHeaders.PARAM_PREFIX;
        for (Map.Entry<String, String> header : inbound.headers()) {
            String name = header.getKey();
            if (name.length() <= prefix.length() || !name.regionMatches(true, 0, prefix, 0, prefix.length())) {
                continue;
            }
            if (found.isEmpty()) {
                found = new ArrayList<>(4);
            }
            inbound.single(name); // refuses one that stands twice
            found.add(header);
        }
        return found;
    }

    private static boolean anyParam(HeaderLines lines) {
        String prefix = McpHeaders.PARAM_PREFIX;
        for (int i = 0; i < lines.size(); i++) {
            if (AsciiString.regionMatches(lines.name(i), true, 0, prefix, 0, prefix.length())) {
                return true;
            }
        }
        return false;
    }

    private static boolean isNumber(ParamHeader param) {
        return param.type() == ParamHeader.Type.INTEGER;
    }

    /** The text that mirrors the argument at a path, or null when it is absent or null. */
    static @Nullable String argument(Envelope envelope, List<String> path) {
        Span at = envelope.arguments();
        for (String key : path) {
            if (!envelope.isObject(at)) {
                return null;
            }
            at = envelope.member(at, key);
        }
        if (!at.isPresent()) {
            return null;
        }
        if (envelope.isString(at)) {
            return envelope.text(at);
        }
        String raw = envelope.raw(at).toString();
        return raw.equals("null") ? null : raw;
    }

    private static boolean sameNumber(String header, String argument) {
        if (header.length() > LONGEST_NUMBER || argument.length() > LONGEST_NUMBER || !isAscii(header)) {
            return false;
        }
        try {
            BigDecimal left = new BigDecimal(header);
            BigDecimal right = new BigDecimal(argument);
            return left.compareTo(right) == 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /** {@link BigDecimal} reads the digits of every script. */
    private static boolean isAscii(String text) {
        return text.chars().allMatch(c -> c < 0x80);
    }
}
