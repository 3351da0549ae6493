package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.sluice.envelope.RequestId;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Told, on the event loop, what a request brought that was sent without waiting: one of the two, once. */
public interface Direct {
    /** The whole of a small JSON answer with status 200. */
    void whole(byte[] json);

    /** Anything else, as it would have come from the form of the request that waits: a reply, or the failure. */
    void otherwise(Mono<Reply> reply);

    /**
     * Who takes a large JSON answer with status 200 as it comes, instead of its being told {@link #otherwise}; null when
     * nobody does.
     */
    default @Nullable Flow flow() {
        return null;
    }

    /**
     * Takes a large answer as it comes, on the event loop. What breaks off before it begins is told to {@link
     * Direct#otherwise}.
     */
    interface Flow {
        /**
         * More has come than is held back.
         *
         * @param held what that is; only to be looked at, the parts follow
         */
        void begin(Iterable<ByteBuf> held);

        /** @param part released by the receiver */
        void part(ByteBuf part);

        /** That was all for now. */
        void pauseInArrival();

        void end();

        /** Too late to be said in its place. */
        void failed();
    }

    /** A request on its way. To be used on its event loop, and no more once something was told, but for a {@link Flow}. */
    interface Sent {
        /** Nobody wants the answer any more: closes the exchange. */
        void abandon();

        /** Whether more of a {@link Flow} is wanted for now; what has been read is told all the same. */
        default void reading(boolean on) {}

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
