package io.sluice.catalog;

import io.sluice.envelope.Json;
import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;

/**
 * Puts the shares of several backends together under one roof: settles the names, earlier claims first, and renders the
 * result. Used once per catalog, by one thread.
 */
final class Aggregation {
    /** Joined instructions longer than this, in bytes of JSON, are worth less to a model than the space they take. */
    static final int LONGEST_INSTRUCTIONS = 4_096;

    private final CatalogSettings settings;
    private final List<Share> shares;
    private final Map<String, Long> since;
    private final Map<String, Placed> before;
    private final Map<String, Placed> placed = new LinkedHashMap<>();
    private final Map<ListKind, Claims> claims = new EnumMap<>(ListKind.class);
    private final Map<ListKind, Map<String, Target>> targets = new EnumMap<>(ListKind.class);
    private final Map<ListKind, List<Offer.Line>> lines = new EnumMap<>(ListKind.class);

    /** By backend: its URIs and templates that stand here under another name. */
    private final Map<String, Map<String, String>> renamed = new HashMap<>();

    /** Templates by the backend that owns them, also while it does not list them. */
    private final TemplateIndex<String> claimedTemplates = new TemplateIndex<>();

    /**
     * @param shares those of the backends on the aggregate, in order of precedence
     * @param since every registration, whether aggregated or not
     * @param owners who owned which name before
     * @param before where backends stood before, by name; empty when a name may have become free since
     * @param recorded what all replicas agreed on about that
     */
    Aggregation(
            CatalogSettings settings,
            List<Share> shares,
            Map<String, Long> since,
            Map<ListKind, Map<String, Claims.Owner>> owners,
            Map<String, Placed> before,
            NameClaims recorded) {
        this.settings = settings;
        this.shares = shares;
        this.since = since;
        this.before = before;
        for (ListKind kind : ListKind.values()) {
            claims.put(kind, new Claims(recorded.of(kind), owners.getOrDefault(kind, Map.of()), since));
            targets.put(kind, new HashMap<>());
            lines.put(kind, new ArrayList<>());
        }
    }

    /** Settles the names, once, and renders what those see who see everything. */
    Offer offer() {
        present(claims, ListKind.RESOURCE_TEMPLATES)
                .known()
                .forEach((template, owner) -> claimedTemplates.add(template, owner.turn(), owner.backend()));
        for (Share share : shares) {
            Placed here = before.get(share.name());
            if (here != null && here.isOf(share) && hasItsNames(here, share)) {
                keep(here);
            } else {
                here = place(share);
            }
            placed.put(share.name(), here);
            renamed.put(share.name(), here.renamed());
            for (ListKind kind : ListKind.values()) {
                present(lines, kind).addAll(here.lines(kind));
                present(targets, kind).putAll(here.targets(kind));
            }
        }
        return Offer.render(targets, templates(targets), renamed, lines, frame(shares));
    }

    /** A recorded claim comes into force when its backend is registered, and may take a name from another one. */
    private boolean hasItsNames(Placed here, Share share) {
        return claims.entrySet().stream()
                .allMatch(kind -> here.names(kind.getKey()).stream()
                        .allMatch(name -> kind.getValue().owns(share.name(), name)));
    }

    /** A backend that says what it said, and has the names that it had, stands where it stood: none became free. */
    private void keep(Placed here) {
        claims.forEach((kind, claimed) -> claimed.keep(here.names(kind)));
    }

    private Placed place(Share share) {
        Placed here = new Placed(share);
        addUris(ListKind.RESOURCES, share, here);
        addUris(ListKind.RESOURCE_TEMPLATES, share, here);
        addNamed(ListKind.TOOLS, share, here);
        addNamed(ListKind.PROMPTS, share, here);
        return here;
    }

    /** Where each backend stands, by name, for the catalog after this one. */
    Map<String, Placed> placed() {
        return placed;
    }

    /** What others see: the same names, but not of all backends. To be called after {@link #offer()}. */
    Offer offer(Audience audience) {
        return offer(shares.stream().filter(audience::sees).toList(), (kind, target) -> true);
    }

    /** What a profile selects of all this. To be called after {@link #offer()}. */
    Offer offer(Profile profile) {
        return offer(seen(profile), (kind, target) -> profile.selects(kind, target) || isPageOf(profile, target));
    }

    /** The backends of which a profile selects something; what is built in stands on its own mount and the aggregate. */
    List<Share> seen(Profile profile) {
        Set<String> selected = new HashSet<>();
        targets.forEach((kind, all) -> all.values().stream()
                .filter(target -> profile.selects(kind, target))
                .forEach(target -> selected.add(target.backend())));
        return shares.stream()
                .filter(share -> !share.builtIn() && selected.contains(share.name()))
                .toList();
    }

    /** The resources that a backend's tools are shown with come with the tools. */
    private boolean isPageOf(Profile profile, Target target) {
        return target.exposedName().startsWith("ui://")
                && present(targets, ListKind.TOOLS).values().stream()
                        .anyMatch(tool ->
                                tool.backend().equals(target.backend()) && profile.selects(ListKind.TOOLS, tool));
    }

    private Offer offer(List<Share> seen, BiPredicate<ListKind, Target> selected) {
        Set<String> names = seen.stream().map(Share::name).collect(Collectors.toSet());
        Map<ListKind, Map<String, Target>> theirs = new EnumMap<>(ListKind.class);
        targets.forEach((kind, all) -> {
            Map<String, Target> some = new HashMap<>(all);
            some.values().removeIf(target -> !names.contains(target.backend()) || !selected.test(kind, target));
            theirs.put(kind, some);
        });
        Map<ListKind, List<Offer.Line>> shown = new EnumMap<>(ListKind.class);
        lines.forEach((kind, all) -> shown.put(
                kind,
                all.stream()
                        .filter(line -> names.contains(line.target().backend()) && selected.test(kind, line.target()))
                        .toList()));
        return Offer.render(theirs, templates(theirs), renamed, shown, frame(seen));
    }

    private TemplateIndex<Target> templates(Map<ListKind, Map<String, Target>> of) {
        TemplateIndex<Target> templates = new TemplateIndex<>();
        Claims templateClaims = present(claims, ListKind.RESOURCE_TEMPLATES);
        present(of, ListKind.RESOURCE_TEMPLATES)
                .forEach((template, target) -> templates.add(template, templateClaims.turn(template), target));
        return templates;
    }

    Map<ListKind, Map<String, Claims.Owner>> owners() {
        Map<ListKind, Map<String, Claims.Owner>> owners = new EnumMap<>(ListKind.class);
        claims.forEach((kind, claimed) -> owners.put(kind, claimed.owners()));
        return owners;
    }

    /** Whether {@link #owners()} left some out, so that names are free for those who had to do without them. */
    boolean forgot() {
        return claims.values().stream().anyMatch(Claims::forgot);
    }

    private static <K, V> V present(Map<K, V> map, K key) {
        return Objects.requireNonNull(map.get(key));
    }

    private void addUris(ListKind kind, Share share, Placed here) {
        for (Entry entry : share.entries(kind)) {
            String exposed = exposeUri(kind, share, entry.key());
            Target target = present(share.offer().targets(kind), entry.key());
            here.lines(kind).add(new Offer.Line(entry, renaming(entry, exposed, List.of()), target.exposedAs(exposed)));
            addUri(kind, target, exposed, here);
            if (kind == ListKind.RESOURCE_TEMPLATES) {
                claimedTemplates.add(exposed, present(claims, kind).turn(exposed), share.name());
            }
        }
    }

    private static void addUri(ListKind kind, Target own, String exposed, Placed here) {
        here.names(kind).add(exposed);
        here.targets(kind).put(exposed, own.exposedAs(exposed));
        if (!exposed.equals(own.originalName())) {
            here.renamed().put(own.originalName(), exposed);
        }
    }

    private void addNamed(ListKind kind, Share share, Placed here) {
        Map<String, Target> named = here.targets(kind);
        for (Entry entry : share.entries(kind)) {
            String exposed = expose(kind, share, entry.key());
            Target target = present(share.offer().targets(kind), entry.key()).exposedAs(exposed);
            here.names(kind).add(exposed);
            here.lines(kind).add(new Offer.Line(entry, renaming(entry, exposed, links(entry, share, here)), target));
            named.put(exposed, target);
            String qualified = share.name() + ExposedNames.SEPARATOR + entry.key();
            if (target.renamed() && !exposed.equals(qualified)) {
                named.put(qualified, target);
            }
        }
    }

    /** The links of a tool with the URIs under which they can be read here. */
    private List<Entry.Link> links(Entry entry, Share share, Placed here) {
        return entry.links().stream()
                .map(link -> new Entry.Link(exposeLink(link.uri(), share, here), link.span()))
                .toList();
    }

    /**
     * Backends need not list the resources that tools are shown with; an unlisted one is claimed as if it were listed.
     */
    private String exposeLink(String uri, Share share, Placed here) {
        if (share.offer().target(ListKind.RESOURCES, uri).isPresent()
                || here.renamed().containsKey(uri)) {
            return here.renamed().getOrDefault(uri, uri);
        }
        if (here.targets(ListKind.RESOURCES).containsKey(uri)) {
            return uri; // by another tool of the backend
        }
        String exposed = exposeUri(ListKind.RESOURCES, share, uri);
        addUri(ListKind.RESOURCES, share.resource(uri), exposed, here);
        return exposed;
    }

    private static List<Entry.Edit> renaming(Entry entry, String exposed, List<Entry.Link> links) {
        if (exposed.equals(entry.key()) && links.isEmpty()) {
            return List.of();
        }
        List<Entry.Edit> edits = new ArrayList<>(1);
        if (!exposed.equals(entry.key())) {
            edits.add(new Entry.Edit(entry.name(), Json.quoteUtf8(exposed)));
        }
        for (int i = 0; i < links.size(); i++) {
            Entry.Link link = links.get(i);
            if (!link.uri().equals(entry.links().get(i).uri())) {
                edits.add(new Entry.Edit(link.span(), Json.quoteUtf8(link.uri())));
            }
        }
        edits.sort(Comparator.comparingInt(edit -> edit.span().start()));
        return edits;
    }

    private String expose(ListKind kind, Share share, String name) {
        Claims claimed = present(claims, kind);
        if (settings.names() == CatalogSettings.Names.BARE) {
            String bare = ExposedNames.bare(name);
            if (!ExposedNames.looksQualified(bare) && claimed.take(bare, share.name(), share.since())) {
                return bare;
            }
        }
        Map<String, Target> own = share.offer().targets(kind);
        for (int salt = 0; ; salt++) {
            String qualified = ExposedNames.qualified(share.name(), name, salt);
            boolean another = isQualifiedFormOfAnother(qualified, share.name(), name, own);
            if (!another && claimed.take(qualified, share.name(), share.since())) {
                return qualified;
            }
        }
    }

    /** A shortened name may by chance, or by design, spell the qualified form of another tool of the backend. */
    private static boolean isQualifiedFormOfAnother(
            String qualified, String backend, String name, Map<String, Target> own) {
        int start = backend.length() + ExposedNames.SEPARATOR.length();
        if (qualified.length() < start || !qualified.startsWith(backend + ExposedNames.SEPARATOR)) {
            return false;
        }
        String rest = qualified.substring(start);
        return !rest.equals(name) && own.containsKey(rest);
    }

    private String exposeUri(ListKind kind, Share share, String uri) {
        Claims claimed = present(claims, kind);
        String exposed = uri;
        if (!claimed.owns(share.name(), uri) && (spellsAnother(uri, share) || isServedByAnother(kind, uri, share))) {
            exposed = ExposedNames.qualifiedUri(share.name(), uri);
        }
        while (!claimed.take(exposed, share.name(), share.since())) {
            exposed = ExposedNames.qualifiedUri(share.name(), exposed);
        }
        return exposed;
    }

    /**
     * Whether a URI is the qualified form of one of another backend that is registered. Other schemes with a plus, as
     * {@code git+https}, stand.
     */
    private boolean spellsAnother(String uri, Share share) {
        return ExposedNames.uriQualifier(uri)
                .filter(backend -> !backend.equals(share.name()) && since.containsKey(backend))
                .isPresent();
    }

    /**
     * Whether a URI not seen before has been another backend's to answer, through one of its templates. Templates for
     * any scheme come last and claim nothing.
     */
    private boolean isServedByAnother(ListKind kind, String uri, Share share) {
        return kind == ListKind.RESOURCES
                && claimedTemplates
                        .find(
                                uri,
                                slot -> slot.template().hasScheme()
                                        && !slot.value().equals(share.name()))
                        .isPresent();
    }

    private Offer.Frame frame(List<Share> seen) {
        List<String> missing = new ArrayList<>();
        List<Freshness> freshness = new ArrayList<>(seen.size());
        Capabilities merged = Capabilities.NONE;
        long ttlMillis = settings.ttlMillis(seen.isEmpty() ? settings.defaultTtl() : settings.maxTtl());
        // What differs from caller to caller must not be kept for several.
        boolean shareable = !seen.isEmpty() && shares.stream().noneMatch(Share::builtIn);
        for (Share share : seen) {
            Optional<Listing> listing = share.contribution().listing();
            if (listing.isEmpty()) {
                missing.add(share.name());
            }
            freshness.add(share.contribution().freshness());
            merged = merged.and(share.capabilities());
            ttlMillis = Math.min(
                    ttlMillis,
                    listing.map(settings::ttlMillis).orElseGet(() -> settings.ttlMillis(settings.defaultTtl())));
            shareable &= listing.filter(Listing::shareable).isPresent() && share.era() == Era.MODERN;
        }
        if (seen.isEmpty()) {
            merged = Capabilities.TOOLS;
        }
        return new Offer.Frame(
                merged,
                settings.serverInfo(),
                settings.gatewayId(),
                instructions(seen),
                ttlMillis,
                freshness,
                shareable,
                missing);
    }

    /** A paragraph for each backend that has instructions, or nothing at all when they are too long together. */
    private static Optional<RawJson> instructions(List<Share> seen) {
        Map<String, byte[]> paragraphs = new LinkedHashMap<>();
        for (Share share : seen) {
            share.contribution()
                    .listing()
                    .flatMap(Listing::instructions)
                    .filter(literal -> literal.bytes().length > 2)
                    .ifPresent(literal -> paragraphs.put(share.name(), literal.bytes()));
        }
        JsonBytes out = JsonBytes.sized(256).ascii("\"");
        for (Map.Entry<String, byte[]> paragraph : paragraphs.entrySet()) {
            byte[] literal = paragraph.getValue();
            out.ascii(out.length() > 1 ? "\\n\\n" : "")
                    .ascii(paragraph.getKey())
                    .ascii(": ");
            out.raw(literal, 1, literal.length - 1);
            if (out.length() > LONGEST_INSTRUCTIONS) {
                return Optional.empty();
            }
        }
        return paragraphs.isEmpty()
                ? Optional.empty()
                : Optional.of(out.ascii("\"").toRawJson());
    }
}
