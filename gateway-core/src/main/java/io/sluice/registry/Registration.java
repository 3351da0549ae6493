package io.sluice.registry;

import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A backend as the registry holds it, put together from its parts: the endpoints of all of them, and everything else as
 * the lasting part says, or without one as the newest leased part says.
 *
 * @param backend what calls go to
 * @param revision the newest of the revisions of its parts
 * @param since the revision at which the name was first registered; earlier ones keep their exposed names when names
 *     collide
 * @param parts at least one; the lasting part first, then the leased ones by instance
 */
public record Registration(Backend backend, long revision, long since, List<BackendPart> parts) {
    public Registration {
        parts = List.copyOf(parts);
    }

    /** One that was registered for good. */
    public Registration(Backend backend, long revision, long since) {
        this(backend, revision, since, List.of(new BackendPart(backend, revision, since, Optional.empty())));
    }

    /** @param parts at least one, with instances that differ, all of one name */
    public static Registration of(List<BackendPart> parts) {
        List<BackendPart> sorted = new ArrayList<>(parts);
        sorted.sort(Comparator.comparing(BackendPart::instance));
        long revision = 0;
        long since = Long.MAX_VALUE;
        BackendPart speaker = sorted.get(0);
        Map<URI, Endpoint> endpoints = new LinkedHashMap<>();
        for (BackendPart part : sorted) {
            revision = Math.max(revision, part.revision());
            since = Math.min(since, part.since());
            if (speaker.lease().isPresent() && part.revision() > speaker.revision()) {
                speaker = part;
            }
            part.backend().endpoints().forEach(endpoint -> endpoints.putIfAbsent(endpoint.url(), endpoint));
        }
        Backend whole = sorted.size() == 1
                ? speaker.backend()
                : speaker.backend().withEndpoints(List.copyOf(endpoints.values()));
        return new Registration(whole, revision, since, sorted);
    }

    /** What that instance registered; the empty string asks for the lasting part. */
    public Optional<BackendPart> part(String instance) {
        return parts.stream().filter(part -> part.instance().equals(instance)).findFirst();
    }
}
