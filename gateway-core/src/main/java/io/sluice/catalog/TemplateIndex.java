package io.sluice.catalog;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Finds the template of highest precedence that a URI matches. Templates are kept by their literal beginning, so that a
 * look-up tries those alone whose beginning the URI has. Filled by one thread, then only read.
 */
final class TemplateIndex<T> {
    /**
     * A template in the index.
     *
     * @param turn lower ones have precedence
     */
    record Slot<T>(UriTemplate template, long turn, T value) {}

    private final Map<String, List<Slot<T>>> byPrefix = new HashMap<>();
    private final TreeSet<Integer> prefixLengths = new TreeSet<>();

    /** Adds a template; one that cannot be read is left out. */
    void add(String template, long turn, T value) {
        UriTemplate.of(template).ifPresent(readable -> {
            byPrefix.computeIfAbsent(readable.prefix(), prefix -> new ArrayList<>(1))
                    .add(new Slot<>(readable, turn, value));
            prefixLengths.add(readable.prefix().length());
        });
    }

    /** The match of highest precedence among the templates that pass the filter. */
    Optional<Slot<T>> find(String uri, Predicate<Slot<T>> filter) {
        Slot<T> best = null;
        for (int length : prefixLengths) {
            if (length > uri.length()) {
                break;
            }
            for (Slot<T> slot : byPrefix.getOrDefault(uri.substring(0, length), List.of())) {
                boolean better = best == null || slot.turn() < best.turn();
                if (better && filter.test(slot) && slot.template().matches(uri)) {
                    best = slot;
                }
            }
        }
        return Optional.ofNullable(best);
    }
}
