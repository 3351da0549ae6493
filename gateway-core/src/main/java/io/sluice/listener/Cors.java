package io.sluice.listener;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** Lets web pages of the configured origins read answers. Off while none is configured. */
final class Cors {
    private static final String REQUEST_HEADERS = "Accept, Authorization, Content-Type, Last-Event-ID,"
            + " MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, traceparent, tracestate";
    private static final String RESPONSE_HEADERS = "Mcp-Session-Id, WWW-Authenticate, Retry-After";
    private static final String PARAMETER = "mcp-param-";

    private final Set<String> origins;
    private final boolean any;

    Cors(Set<String> origins) {
        this.origins = origins;
        this.any = origins.contains("*");
    }

    /**
     * Adds what a browser needs to hand the answer to its page.
     *
     * @return the whole answer if the request was a preflight, else null
     */
    @Nullable
    Publisher<Void> apply(HttpServerRequest request, HttpServerResponse response) {
        if (origins.isEmpty()) {
            return null;
        }
        HttpHeaders sent = request.requestHeaders();
        HttpHeaders headers = response.responseHeaders();
        headers.add(HttpHeaderNames.VARY, HttpHeaderNames.ORIGIN);
        String origin = sent.get(HttpHeaderNames.ORIGIN);
        if (origin == null || (!any && !origins.contains(origin))) {
            return null;
        }
        headers.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, any ? "*" : origin);
        headers.set(HttpHeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        if (!HttpMethod.OPTIONS.equals(request.method())
                || !sent.contains(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD)) {
            return null;
        }
        headers.set(HttpHeaderNames.ACCESS_CONTROL_ALLOW_METHODS, HeadRules.METHODS);
        headers.set(
                HttpHeaderNames.ACCESS_CONTROL_ALLOW_HEADERS,
                REQUEST_HEADERS + parameters(sent.get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_HEADERS)));
        headers.set(HttpHeaderNames.ACCESS_CONTROL_MAX_AGE, "600");
        return response.status(HttpResponseStatus.NO_CONTENT).send();
    }

    /** The mirrored parameters among the names asked for: there is no way to allow a prefix. */
    private static String parameters(@Nullable String asked) {
        StringBuilder names = new StringBuilder();
        for (String part : asked == null ? new String[0] : asked.split(",")) {
            String name = part.strip().toLowerCase(Locale.ROOT);
            if (name.startsWith(PARAMETER) && name.matches("[a-z0-9.-]{11,80}")) {
                names.append(", ").append(name);
            }
        }
        return names.toString();
    }
}
