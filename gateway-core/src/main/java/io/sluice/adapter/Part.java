package io.sluice.adapter;

import io.sluice.egress.EgressPolicy;
import io.sluice.egress.EgressTls;
import io.sluice.registry.Backend;
import reactor.core.scheduler.Scheduler;
import reactor.netty.resources.LoopResources;

/**
 * A part of the distribution that makes backends of one kind. Found by {@link java.util.ServiceLoader}, and only when the first such backend is used, so that its libraries cost nobody else anything:
 * see {@link PartAdapters}.
 */
public interface Part {
    /** The kind of {@link io.sluice.registry.Transport} it serves. */
    String kind();

    /**
     * What such a backend offers. Connects to nothing yet. Called on a thread that may block.
     *
     * @throws IllegalArgumentException with a sentence for the reader when the backend's settings cannot be meant
     */
    LocalContent open(Backend backend, Surroundings surroundings);

    /**
     * What all backends of a process share.
     *
     * @param loops those of the listener, so that a call stays where it arrived
     * @param egress which addresses may be dialled; there is no other way out
     * @param userAgent how the gateway calls itself
     * @param timer for what is done again and again
     */
    record Surroundings(LoopResources loops, EgressPolicy egress, EgressTls tls, String userAgent, Scheduler timer) {}
}
