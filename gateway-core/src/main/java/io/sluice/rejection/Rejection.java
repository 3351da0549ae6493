package io.sluice.rejection;

import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.ProtocolVersion;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * A refusal by the gateway. Thrown by the deciding stages and carried as the error of a publisher; it has no stack trace, because it is an answer and not an
 * accident. Status and code follow the table of 2026-07-28, Streamable HTTP, <em>Server Validation</em>.
 */
public abstract sealed class Rejection extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final int code;

    private Rejection(int status, int code, String message) {
        super(message, null, false, false);
        this.status = status;
        this.code = code;
    }

    /** The HTTP status of the answer. 200 for refusals that the protocol wants inside a normal reply. */
    public final int status() {
        return status;
    }

    /** The JSON-RPC error code, or 0 where the refusal happens below JSON-RPC. */
    public final int code() {
        return code;
    }

    /** The sentence for a reader. Never null. */
    public final String reason() {
        return String.valueOf(getMessage());
    }

    /** The {@code data} member of the JSON-RPC error, as JSON text, if the case has one. */
    public Optional<String> data() {
        return Optional.empty();
    }

    /** HTTP headers that belong to the refusal, such as {@code Allow} or {@code Retry-After}. */
    public Map<String, String> headers() {
        return Map.of();
    }

    /** Whether the connection is in a state that forbids another request on it. */
    public boolean closesConnection() {
        return false;
    }

    /** The body is not JSON, or not JSON that every parser reads alike. */
    public static final class ParseError extends Rejection {
        private static final long serialVersionUID = 1L;

        public ParseError(String message) {
            super(400, ErrorCodes.PARSE_ERROR, message);
        }
    }

    /** The body is JSON but not one JSON-RPC message that may stand here. */
    public static final class InvalidRequest extends Rejection {
        private static final long serialVersionUID = 1L;

        public InvalidRequest(String message) {
            super(400, ErrorCodes.INVALID_REQUEST, message);
        }
    }

    /** The envelope's own metadata is missing or malformed: refused with status 400. */
    public static final class InvalidEnvelope extends Rejection {
        private static final long serialVersionUID = 1L;

        public InvalidEnvelope(String message) {
            super(400, ErrorCodes.INVALID_PARAMS, message);
        }
    }

    /** The parameters are wrong in a way the protocol reports inside a normal reply: unknown tool or prompt, bad cursor, unknown log level. */
    public static final class InvalidParams extends Rejection {
        private static final long serialVersionUID = 1L;

        public InvalidParams(String message) {
            super(200, ErrorCodes.INVALID_PARAMS, message);
        }
    }

    /** No backend of the mount has this resource. The code differs by era: -32602 modern, -32002 legacy. */
    public static final class ResourceNotFound extends Rejection {
        private static final long serialVersionUID = 1L;
        private final String dataJson;

        /** @param uriJson the URI as a JSON string literal, quotes included */
        public ResourceNotFound(String uriJson, boolean modern) {
            super(
                    200,
                    modern ? ErrorCodes.INVALID_PARAMS : ErrorCodes.LEGACY_RESOURCE_NOT_FOUND,
                    "Resource not found: " + uriJson);
            this.dataJson = "{\"uri\":" + uriJson + "}";
        }

        @Override
        public Optional<String> data() {
            return Optional.of(dataJson);
        }
    }

    /** A mirrored header is missing, malformed, doubled, or says something else than the body. */
    public static final class HeaderMismatch extends Rejection {
        private static final long serialVersionUID = 1L;

        public HeaderMismatch(String message) {
            super(400, ErrorCodes.HEADER_MISMATCH, message);
        }
    }

    /** The client named a revision that Sluice does not speak. */
    public static final class UnsupportedVersion extends Rejection {
        private static final long serialVersionUID = 1L;
        private final String dataJson;

        /** @param requestedJson the revision asked for, as a JSON string literal, quotes included */
        public UnsupportedVersion(String requestedJson) {
            super(
                    400,
                    ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION,
                    "Unsupported protocol version " + requestedJson + "; supported: "
                            + String.join(", ", ProtocolVersion.supported()));
            this.dataJson = "{\"supported\":[\"" + String.join("\",\"", ProtocolVersion.supported())
                    + "\"],\"requested\":" + requestedJson + "}";
        }

        @Override
        public Optional<String> data() {
            return Optional.of(dataJson);
        }
    }

    /** The method does not exist, was removed in the client's revision, or belongs to a capability that is not offered. */
    public static final class MethodNotFound extends Rejection {
        private static final long serialVersionUID = 1L;

        /** @param modern the modern era answers 404, the legacy one a normal reply */
        public MethodNotFound(String method, boolean modern) {
            super(modern ? 404 : 200, ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + method);
        }
    }

    /** No caller could be named: the token is missing, unknown or malformed. */
    public static final class Unauthenticated extends Rejection {
        private static final long serialVersionUID = 1L;
        private final String challenge;

        public Unauthenticated(String message, String challenge) {
            super(401, 0, message);
            this.challenge = challenge;
        }

        @Override
        public Map<String, String> headers() {
            return Map.of("WWW-Authenticate", challenge);
        }
    }

    /** The caller, its address, its {@code Host} or its {@code Origin} may not do this. */
    public static final class Forbidden extends Rejection {
        private static final long serialVersionUID = 1L;

        public Forbidden(String message) {
            super(403, 0, message);
        }
    }

    /** The session is unknown, ended, expired, or another caller's: one answer for all four, so that nothing can be learnt from it. */
    public static final class UnknownSession extends Rejection {
        private static final long serialVersionUID = 1L;

        public UnknownSession() {
            super(404, ErrorCodes.INVALID_REQUEST, "Session not found: start again with initialize");
        }
    }

    /** There is nothing at this path. */
    public static final class NotFound extends Rejection {
        private static final long serialVersionUID = 1L;

        public NotFound(String message) {
            super(404, 0, message);
        }
    }

    /** The HTTP request itself cannot be accepted: wrong method, type, size, shape. */
    public static final class BadHttp extends Rejection {
        private static final long serialVersionUID = 1L;
        private final Map<String, String> headers;
        private final boolean closes;

        private BadHttp(int status, String message, Map<String, String> headers, boolean closes) {
            super(status, ErrorCodes.INVALID_REQUEST, message);
            this.headers = headers;
            this.closes = closes;
        }

        public static BadHttp badRequest(String message) {
            return new BadHttp(400, message, Map.of(), true);
        }

        /** A request that breaks HTTP's own rules; nothing after it on the connection is read. */
        public static BadHttp malformed(int status, String message) {
            return new BadHttp(status, message, Map.of(), true);
        }

        public static BadHttp methodNotAllowed(String method, String allow) {
            return new BadHttp(405, "Method " + method + " is not allowed here", Map.of("Allow", allow), false);
        }

        public static BadHttp notAcceptable(String needed) {
            return new BadHttp(406, "Not acceptable: the client must accept " + needed, Map.of(), false);
        }

        public static BadHttp tooLarge(long limitBytes) {
            return new BadHttp(413, "The request body exceeds " + limitBytes + " bytes", Map.of(), true);
        }

        public static BadHttp unsupportedMediaType(String message) {
            return new BadHttp(415, message, Map.of(), false);
        }

        @Override
        public Map<String, String> headers() {
            return headers;
        }

        @Override
        public boolean closesConnection() {
            return closes;
        }
    }

    /** Gateways lead to each other in a circle, and this request went round it. */
    public static final class LoopDetected extends Rejection {
        private static final long serialVersionUID = 1L;

        public LoopDetected(String message) {
            super(508, ErrorCodes.INVALID_REQUEST, message);
        }
    }

    /** Not now: the same request may be welcome after a while. */
    public abstract static sealed class NotNow extends Rejection {
        private static final long serialVersionUID = 1L;
        private final String kind;
        private final Duration retryAfter;

        private NotNow(int status, String kind, String message, Duration retryAfter) {
            super(status, ErrorCodes.LIMITED, message);
            this.kind = kind;
            this.retryAfter = retryAfter;
        }

        /** In whole seconds, rounded up, as the header wants it; {@link #data} is exact. */
        @Override
        public Map<String, String> headers() {
            return Map.of("Retry-After", Long.toString(Math.max(1, (retryAfter.toMillis() + 999) / 1000)));
        }

        @Override
        public Optional<String> data() {
            return Optional.of(
                    "{\"kind\":\"" + kind + "\",\"retryAfterMs\":" + Math.max(1, retryAfter.toMillis()) + "}");
        }
    }

    /** The caller has used up what it may have for now. */
    public static final class Limited extends NotNow {
        private static final long serialVersionUID = 1L;

        public Limited(String message, Duration retryAfter) {
            super(429, "limited", message, retryAfter);
        }
    }

    /** The gateway does this no more for the moment, so that it can go on with what matters more. */
    public static final class Overloaded extends NotNow {
        private static final long serialVersionUID = 1L;

        public Overloaded(String message, Duration retryAfter) {
            super(503, "overloaded", message, retryAfter);
        }
    }

    /** The gateway as a whole takes no more work at the moment. */
    public static final class Unavailable extends Rejection {
        private static final long serialVersionUID = 1L;
        private final Duration retryAfter;

        public Unavailable(String message, Duration retryAfter) {
            super(503, ErrorCodes.LIMITED, message);
            this.retryAfter = retryAfter;
        }

        @Override
        public Map<String, String> headers() {
            return Map.of("Retry-After", Long.toString(Math.max(1, retryAfter.toSeconds())));
        }
    }

    /**
     * A backend could not do its part: unreachable, too slow, too busy, speaking nonsense. Reported in-band, as an {@code isError} result for a tool call and as a
     * JSON-RPC error otherwise, because clients drop the body of a 429 or 5xx.
     */
    public static final class BackendFailure extends Rejection {
        private static final long serialVersionUID = 1L;
        private final String backend;
        private final String kind;
        private final Duration retryAfter;
        private final boolean unknown;

        private BackendFailure(int code, String backend, String kind, String message, Duration retryAfter) {
            this(code, backend, kind, message, retryAfter, false);
        }

        private BackendFailure(
                int code, String backend, String kind, String message, Duration retryAfter, boolean unknown) {
            super(200, code, message);
            this.unknown = unknown;
            this.backend = backend;
            this.kind = kind;
            this.retryAfter = retryAfter;
        }

        public static BackendFailure unavailable(String backend, String message, Duration retryAfter) {
            return new BackendFailure(ErrorCodes.BACKEND_UNAVAILABLE, backend, "unavailable", message, retryAfter);
        }

        public static BackendFailure timeout(String backend, String message) {
            return new BackendFailure(ErrorCodes.BACKEND_TIMEOUT, backend, "timeout", message, Duration.ZERO);
        }

        public static BackendFailure limited(String backend, String message, Duration retryAfter) {
            return new BackendFailure(ErrorCodes.LIMITED, backend, "limited", message, retryAfter);
        }

        public static BackendFailure erasDiffer(String backend, String message) {
            return new BackendFailure(ErrorCodes.ERAS_DIFFER, backend, "eras_differ", message, Duration.ZERO);
        }

        /** The same, of a call that may have done what it was to do: whoever makes it again may do it twice. */
        public BackendFailure outcomeUnknown() {
            return unknown ? this : new BackendFailure(code(), backend, kind, reason(), retryAfter, true);
        }

        /** Whether nobody can tell if the call did something. */
        public boolean isOutcomeUnknown() {
            return unknown;
        }

        public String backend() {
            return backend;
        }

        /** One of {@code unavailable}, {@code timeout}, {@code limited}, {@code eras_differ}: a bounded set, fit for a tag. */
        public String kind() {
            return kind;
        }

        @Override
        public Optional<String> data() {
            String retry = retryAfter.isZero() ? "" : ",\"retryAfterMs\":" + retryAfter.toMillis();
            String outcome = unknown ? ",\"outcome\":\"unknown\"" : "";
            return Optional.of("{\"backend\":\"" + backend + "\",\"kind\":\"" + kind + "\"" + retry + outcome + "}");
        }
    }

    /** The client did not declare a capability that the call needs (modern era). */
    public static final class MissingClientCapability extends Rejection {
        private static final long serialVersionUID = 1L;
        private final String dataJson;

        public MissingClientCapability(String message, String requiredCapabilitiesJson) {
            super(400, ErrorCodes.MISSING_CLIENT_CAPABILITY, message);
            this.dataJson = "{\"requiredCapabilities\":" + requiredCapabilitiesJson + "}";
        }

        @Override
        public Optional<String> data() {
            return Optional.of(dataJson);
        }
    }
}
