package io.sluice.catalog;

import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.ToolOverride;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One backend's contribution, read: its definitions with their spans, its capabilities, and what its own mount offers.
 * Kept from one catalog to the next while the backend says the same.
 *
 * @param entries in the backend's own order, each key once, tools as the registration filters them
 * @param offer what {@code /mcp/{backend}} offers
 */
record Share(Contribution contribution, Map<ListKind, List<Entry>> entries, Capabilities capabilities, Offer offer) {
    private static final Logger log = LoggerFactory.getLogger(Share.class);

    static Share of(Contribution contribution, @Nullable Share before, CatalogSettings settings, boolean sameSettings) {
        if (before != null && sameSettings && before.contribution.equals(contribution)) {
            return before;
        }
        if (before != null && sameSettings && before.saysTheSameAs(contribution)) {
            return new Share(contribution, before.entries, before.capabilities, before.offer);
        }
        Map<ListKind, List<Entry>> entries = new EnumMap<>(ListKind.class);
        for (ListKind kind : ListKind.values()) {
            entries.put(kind, entries(kind, contribution, before));
        }
        Capabilities capabilities = contribution
                .listing()
                .map(listing -> Capabilities.of(
                        listing.capabilities(), listing.version().era()))
                .orElse(Capabilities.TOOLS);
        Offer offer = Offer.ofBackend(contribution, entries, capabilities, settings);
        return new Share(contribution, entries, capabilities, offer);
    }

    String name() {
        return contribution.registration().backend().name();
    }

    long since() {
        return contribution.registration().since();
    }

    boolean aggregated() {
        return contribution.registration().backend().aggregated();
    }

    /** Whether it is a part of this gateway itself, which only those who manage it see on the aggregate. */
    boolean builtIn() {
        return contribution.registration().backend().source() == Backend.Source.BUILT_IN;
    }

    /** Whether it is another gateway, whose backends are not passed on to third ones. */
    boolean gateway() {
        return contribution.listing().flatMap(Listing::gateway).isPresent();
    }

    List<Entry> entries(ListKind kind) {
        return entries.getOrDefault(kind, List.of());
    }

    /** What the backend's own URI leads to; it may have resources that it does not list. */
    Target resource(String uri) {
        return offer.resource(uri)
                .or(() -> offer.resourceOfAnyScheme(uri))
                .orElseGet(() -> Target.unlisted(name(), uri));
    }

    /** The era the backend speaks; legacy while that is unknown. */
    Era era() {
        return contribution.listing().map(listing -> listing.version().era()).orElse(Era.LEGACY);
    }

    private boolean saysTheSameAs(Contribution other) {
        Backend mine = contribution.registration().backend();
        Backend theirs = other.registration().backend();
        return mine.includeTools().equals(theirs.includeTools())
                && mine.excludeTools().equals(theirs.excludeTools())
                && mine.fallbackTools().equals(theirs.fallbackTools())
                && mine.overrides().equals(theirs.overrides())
                && contribution.listing().equals(other.listing())
                && contribution.freshness() == other.freshness();
    }

    private static List<Entry> entries(ListKind kind, Contribution contribution, @Nullable Share before) {
        Backend backend = contribution.registration().backend();
        List<Definition> definitions = definitions(kind, contribution);
        if (definitions.isEmpty()) {
            return List.of();
        }
        Map<String, Entry> known = new HashMap<>();
        if (before != null) {
            before.entries(kind).forEach(entry -> known.put(entry.key(), entry));
        }
        Map<String, Entry> entries = new LinkedHashMap<>(definitions.size() * 4 / 3 + 1);
        for (Definition definition : definitions) {
            if (kind == ListKind.TOOLS && !offered(backend, definition.key())) {
                continue;
            }
            ToolOverride override = kind == ListKind.TOOLS ? backend.overrides().get(definition.key()) : null;
            Entry old = override == null ? known.get(definition.key()) : null;
            if (old != null
                    && old.definition().equals(definition)
                    && old.fixed().equals(FixedArguments.NONE)) {
                entries.putIfAbsent(definition.key(), old);
                continue;
            }
            try {
                if (override == null) {
                    entries.putIfAbsent(definition.key(), EntryReader.read(kind, definition));
                } else {
                    Shown shown = Shown.of(definition, override);
                    entries.putIfAbsent(
                            shown.definition().key(),
                            EntryReader.read(kind, shown.definition()).shownFor(shown.originalName(), shown.fixed()));
                }
            } catch (IllegalArgumentException e) {
                log.warn(
                        "Backend '{}': '{}' is left out of its {}: {}",
                        backend.name(),
                        definition.key(),
                        kind.member(),
                        e.getMessage());
            }
        }
        return List.copyOf(entries.values());
    }

    private static List<Definition> definitions(ListKind kind, Contribution contribution) {
        Optional<Listing> listing = contribution.listing();
        return switch (kind) {
            case TOOLS -> listing.map(Listing::tools).orElseGet(() -> fallback(contribution));
            case PROMPTS -> listing.map(Listing::prompts).orElse(List.of());
            case RESOURCES -> listing.map(Listing::resources).orElse(List.of());
            case RESOURCE_TEMPLATES -> listing.map(Listing::resourceTemplates).orElse(List.of());
        };
    }

    private static List<Definition> fallback(Contribution contribution) {
        List<Definition> tools = new ArrayList<>();
        for (RawJson json : contribution.registration().backend().fallbackTools()) {
            EntryReader.nameOf(json.bytes()).ifPresent(name -> tools.add(new Definition(name, json)));
        }
        return tools;
    }

    /** Globs are written for the backend's own name of a tool, or for the qualified one. */
    private static boolean offered(Backend backend, String tool) {
        String qualified = backend.name() + ExposedNames.SEPARATOR + tool;
        List<String> hidden = backend.excludeTools();
        List<String> shown = backend.includeTools();
        return !Glob.anyMatches(hidden, tool)
                && !Glob.anyMatches(hidden, qualified)
                && (shown.isEmpty() || Glob.anyMatches(shown, tool) || Glob.anyMatches(shown, qualified));
    }
}
