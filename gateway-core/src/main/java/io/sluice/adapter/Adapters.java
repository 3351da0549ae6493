package io.sluice.adapter;

import io.sluice.registry.Backend;
import java.util.Map;

/** Makes the adapters of backends, by the kind of their {@link io.sluice.registry.Transport}. */
@FunctionalInterface
public interface Adapters {
    /** No kind but those that are spoken natively. */
    Adapters NONE = backend -> {
        throw unknown(backend);
    };

    /**
     * The adapter of a backend whose transport is not native. Connects and starts nothing yet.
     *
     * @throws IllegalArgumentException with a sentence for the reader when its settings cannot be meant
     */
    Adapter open(Backend backend);

    /** Those of a table from kinds to makers. */
    static Adapters of(Map<String, Adapters> byKind) {
        Map<String, Adapters> table = Map.copyOf(byKind);
        return backend -> {
            Adapters maker = table.get(backend.transport().kind());
            if (maker == null) {
                throw unknown(backend);
            }
            return maker.open(backend);
        };
    }

    private static IllegalArgumentException unknown(Backend backend) {
        return new IllegalArgumentException("this gateway does not know the transport '"
                + backend.transport().kind() + "'");
    }
}
