package io.sluice.upstream;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.envelope.Patch;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.registry.Endpoint;
import java.net.URI;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A request to send.
 *
 * @param endpoint where to, or null to pick one
 * @param movable whether failing to connect to {@code endpoint} is told as {@link HttpAttempts.Unreached}
 * @param headers adds what is particular to this request; the backend's own headers come after it
 * @param timeout longest wait for the head and between parts of a body that is no event stream; null for none
 * @param longLived whether it takes a connection of its own instead of one of the pool's
 * @param repeatable whether it may be sent again when nobody can tell if it arrived
 * @param terms the gateway's own, or a client's
 * @param to another address of the same origin than the endpoint's own, or null
 * @param large a body that is taken from where it is each time that this is sent, instead of {@code body}; null for none
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
        @Nullable URI to,
        @Nullable Patch large) {
    private static final String RETRY_ATTEMPT = "X-Retry-Attempt";

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
        this(method, endpoint, movable, headers, body, timeout, longLived, repeatable, terms, null, null);
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
                headers -> headers.set("Accept", MediaTypes.BOTH)
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
            byte @Nullable [] body,
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
                null,
                null);
    }

    static Ask get(Endpoint endpoint, Consumer<HttpHeaders> headers, @Nullable Duration timeout, boolean again) {
        return new Ask(HttpMethod.GET, endpoint, false, headers, null, timeout, true, again, Terms.OWN);
    }

    Ask at(@Nullable Endpoint place) {
        return new Ask(method, place, movable, headers, body, timeout, longLived, repeatable, terms, to, large);
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
                to,
                large);
    }

    Ask to(URI address) {
        return new Ask(method, endpoint, movable, headers, body, timeout, longLived, repeatable, terms, address, large);
    }

    /** The same for the second time that it is sent, which it says. */
    Ask again() {
        return also(RETRY_ATTEMPT, "1");
    }

    /** On a connection of its own, and in nobody's place. */
    Ask aside() {
        return new Ask(method, endpoint, movable, headers, body, timeout, true, false, terms, to, large);
    }

    Ask carrying(Patch message) {
        return new Ask(method, endpoint, movable, headers, null, timeout, longLived, repeatable, terms, to, message);
    }

    /** The body in an array, for those who do not take it from where it is. */
    byte @Nullable [] bytes() {
        return large == null ? body : large.toBytes();
    }

    /** Length of the body, or -1 for none. */
    int length() {
        return large != null ? large.length() : body != null ? body.length : -1;
    }

    /** Whether nobody knows, when no answer comes, if it did something. */
    boolean mayHaveActed() {
        return !terms.own() && !repeatable;
    }
}
