package io.sluice.discovery;

import io.sluice.catalog.Contribution;
import io.sluice.upstream.Upstream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of all backends at one moment. Immutable; the upstreams in it live on.
 *
 * @param contributions one for each registered backend, by name
 * @param upstreams by backend name; for exactly the backends that contribute
 */
public record DiscoveryState(List<Contribution> contributions, Map<String, Upstream> upstreams) {
    public static final DiscoveryState EMPTY = new DiscoveryState(List.of(), Map.of());

    public DiscoveryState {
        contributions = List.copyOf(contributions);
        upstreams = Map.copyOf(upstreams);
    }

    /** What the backend of that name contributes; empty when none is followed. */
    public Optional<Contribution> contribution(String name) {
        return contributions.stream()
                .filter(each -> each.registration().backend().name().equals(name))
                .findFirst();
    }
}
