package io.sluice.grpc;

import io.sluice.adapter.GrpcSettings;
import io.sluice.adapter.LocalContent;
import io.sluice.adapter.Part;
import io.sluice.registry.Backend;
import java.util.logging.Level;
import java.util.logging.Logger;

/** gRPC services with server reflection, unary and server streaming. */
public final class GrpcPart implements Part {
    /** Tells at the level of information what a cancelled call still receives. Kept, for the level goes with it. */
    private static final Logger STREAMS = Logger.getLogger("io.grpc.internal.AbstractClientStream");

    static {
        STREAMS.setLevel(Level.WARNING);
    }

    @Override
    public String kind() {
        return GrpcSettings.KIND;
    }

    @Override
    public LocalContent open(Backend backend, Surroundings surroundings) {
        return new GrpcService(backend, GrpcSettings.of(backend.transport()), surroundings);
    }
}
