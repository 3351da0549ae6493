package io.sluice.upstream;

import io.sluice.envelope.RequestId;
import reactor.core.publisher.Mono;

/** Told, on the event loop, what a request brought that was sent without waiting: one of the two, once. */
public interface Direct {
    /** The whole of a small JSON answer with status 200. */
    void whole(byte[] json);

    /** Anything else, as it would have come from the form of the request that waits: a reply, or the failure. */
    void otherwise(Mono<Reply> reply);

    /** A request on its way. To be used on its event loop, and no more once something was told. */
    interface Sent {
        /** Nobody wants the answer any more: closes the exchange. */
        void abandon();

        /** Instead of telling: the same for somebody who can wait. Subscribed to once, or given up with {@link #abandon}. */
        Mono<Reply> handOver();
    }

    /** The same on a session, where the request has another id than its client gave it. */
    interface SentOnSession extends Sent {
        /** The id that it bears there, for {@link LegacySession#cancel}. */
        RequestId upstreamId();

        /**
         * What {@link Direct#whole} was told, under the client's id.
         *
         * @throws io.sluice.rejection.Rejection.BackendFailure when it is no response
         */
        byte[] downstream(byte[] json);
    }
}
