package io.sluice.catalog;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Where what one backend offers stands on the aggregate. Kept from one catalog to the next for as long as the backend
 * says the same and no name has become free, so that a change costs what the changed backend does, and not what all of
 * them do. Filled by one thread, then only read.
 */
final class Placed {
    private final Share share;
    private final Map<ListKind, List<Offer.Line>> lines = new EnumMap<>(ListKind.class);
    private final Map<ListKind, Map<String, Target>> targets = new EnumMap<>(ListKind.class);
    private final Map<ListKind, List<String>> names = new EnumMap<>(ListKind.class);
    private final Map<String, String> renamed = new HashMap<>();

    Placed(Share share) {
        this.share = share;
        for (ListKind kind : ListKind.values()) {
            lines.put(kind, new ArrayList<>(share.entries(kind).size()));
            targets.put(kind, new HashMap<>());
            names.put(kind, new ArrayList<>(share.entries(kind).size()));
        }
    }

    /** Whether it is also where the backend's share of now stands, if all names still belong to whom they did. */
    @SuppressWarnings("ReferenceEquality") // a share is kept for as long as its backend says the same
    boolean isOf(Share now) {
        return share == now || share.offer() == now.offer() && share.since() == now.since();
    }

    /** In the backend's own order. */
    List<Offer.Line> lines(ListKind kind) {
        return Objects.requireNonNull(lines.get(kind));
    }

    /** By every name that leads to them. */
    Map<String, Target> targets(ListKind kind) {
        return Objects.requireNonNull(targets.get(kind));
    }

    /** The names that it has claimed. */
    List<String> names(ListKind kind) {
        return Objects.requireNonNull(names.get(kind));
    }

    /** URIs and templates of the backend that stand here under another name. */
    Map<String, String> renamed() {
        return renamed;
    }
}
