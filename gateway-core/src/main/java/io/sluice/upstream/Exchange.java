package io.sluice.upstream;

import io.sluice.envelope.RequestId;
import reactor.core.publisher.Mono;

/**
 * A request about to go out on a session.
 *
 * @param upstreamId the id it bears there, for {@link LegacySession#cancel}
 * @param reply sends it, once, when subscribed to; cancelling closes the HTTP exchange and tells the backend nothing
 */
public record Exchange(RequestId upstreamId, Mono<Reply> reply) {}
