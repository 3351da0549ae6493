package io.sluice.gateway;

import io.sluice.catalog.Catalog;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.Map;

/** What the stages decide by: the catalog and the way to each backend in it, of one moment. Replaced as a whole. */
record View(Catalog catalog, Map<String, Upstream> upstreams) {
    static final View EMPTY = new View(Catalog.EMPTY, Map.of());

    View {
        upstreams = Map.copyOf(upstreams);
    }

    /** The ways alone, for what lasts longer than the catalog. */
    View ways() {
        return new View(Catalog.EMPTY, upstreams);
    }

    Upstream upstream(String backend) {
        Upstream upstream = upstreams.get(backend);
        if (upstream == null) {
            throw Rejection.BackendFailure.unavailable(
                    backend, "Backend '" + backend + "' was removed a moment ago", Duration.ZERO);
        }
        return upstream;
    }
}
