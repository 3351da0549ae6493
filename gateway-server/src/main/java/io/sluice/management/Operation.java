package io.sluice.management;

import io.netty.handler.codec.http.HttpMethod;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import reactor.core.publisher.Mono;

/**
 * One method on one path.
 *
 * @param summary a line for the API's description
 * @param manual what the API's description says besides
 */
record Operation(HttpMethod method, PathPattern path, Access access, String summary, Manual manual, Action action) {
    /** One that everyone may call who can connect. */
    static Operation open(HttpMethod method, String path, String summary, Action action) {
        return new Operation(method, PathPattern.of(path), Access.OPEN, summary, Manual.NONE, action);
    }

    /** One for callers with management rights. */
    static Operation managing(HttpMethod method, String path, String summary, Action action) {
        return new Operation(method, PathPattern.of(path), Access.MANAGING, summary, Manual.NONE, action);
    }

    Operation with(Manual described) {
        return new Operation(method, path, access, summary, described, action);
    }

    /** Who may call. */
    enum Access {
        /** Everyone who can connect: probes carry no token. */
        OPEN,
        /** Callers with management rights. */
        MANAGING
    }

    /** What an operation does. A {@link Problem} is its refusal. */
    @FunctionalInterface
    interface Action {
        /** Called on the event loop of the connection; must not block. */
        Mono<Answer> run(Question question);
    }

    /**
     * A request whose caller may ask.
     *
     * @param path values of the path's variables
     * @param query what follows {@code ?}, raw; empty without
     * @param body at most {@link ManagementApi#MAX_BODY_BYTES}; empty without
     * @param contentType as it came; empty without
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Question(Map<String, String> path, String query, byte[] body, String contentType) {
        /** The decoded value of a parameter of the query, its first one; empty when it is absent or cannot be decoded. */
        Optional<String> parameter(String name) {
            for (String part : query.split("&", -1)) {
                int equals = part.indexOf('=');
                if (equals > 0 && part.substring(0, equals).equals(name)) {
                    try {
                        return Optional.of(URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
                    } catch (IllegalArgumentException malformed) {
                        return Optional.empty();
                    }
                }
            }
            return Optional.empty();
        }
    }

    /**
     * What goes back.
     *
     * @param body a value for Jackson to write, or a {@link Page}
     */
    record Answer(int status, Object body) {}

    /** Something that is sent as it is. The array is not to be written to. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Page(String contentType, byte[] content) {}
}
