package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.protocol.RawJson;
import reactor.core.publisher.Mono;

/**
 * An MCP server inside this process, which speaks the newest revision and needs no network. It is a backend like any
 * other: its lists are read, its calls are translated for older clients. Asked on event loops; must not block.
 */
public interface BuiltIn {
    /** The result of {@code server/discover}. Lists that change without notice are read again once a minute. */
    RawJson discoverResult();

    /**
     * Answers any other request.
     *
     * @return the whole response, which may be an error; failing with a {@link io.sluice.rejection.Rejection} is an
     *     answer as well
     */
    Mono<byte[]> answer(Envelope request);
}
