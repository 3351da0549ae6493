package io.sluice.openapi;

import io.sluice.adapter.Adapter;
import io.sluice.adapter.Adapters;
import io.sluice.adapter.LocalServer;
import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend;
import reactor.core.scheduler.Scheduler;
import reactor.netty.resources.LoopResources;

/** Makes the adapters of backends that are REST services described by OpenAPI. */
public final class OpenApiAdapters implements Adapters {
    private final LoopResources loops;
    private final EgressPolicy egress;
    private final String userAgent;
    private final Scheduler timer;

    /**
     * @param egress which addresses may be dialled, for documents as well as for calls
     * @param timer for reading documents again
     */
    public OpenApiAdapters(LoopResources loops, EgressPolicy egress, String userAgent, Scheduler timer) {
        this.loops = loops;
        this.egress = egress;
        this.userAgent = userAgent;
        this.timer = timer;
    }

    @Override
    public Adapter open(Backend backend) {
        OpenApiSettings settings = OpenApiSettings.of(backend.transport());
        boolean file = settings.document().startsWith("file:");
        if (file && backend.source() != Backend.Source.FILE) {
            throw new IllegalArgumentException("only the configuration file may name a document in a file");
        }
        return new LocalServer(new RestService(backend, settings, loops, egress, userAgent, timer));
    }
}
