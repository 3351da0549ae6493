package io.sluice.catalog;

import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a mount offers: its look-up tables, its lists, rendered when they are asked for, and its greetings. Immutable;
 * shared by the catalogs between which it did not change.
 */
final class Offer {
    private static final byte[] NOTHING = {};

    private final Map<ListKind, Map<String, Target>> targets;
    private final TemplateIndex<Target> templates;
    private final Map<String, Map<String, String>> renamed;
    private final Map<Era, Map<ListKind, RenderedList>> lists;
    private final Capabilities capabilities;
    private final byte[] initializeTail;
    private final Dated discover;

    private Offer(
            Map<ListKind, Map<String, Target>> targets,
            TemplateIndex<Target> templates,
            Map<String, Map<String, String>> renamed,
            Map<Era, Map<ListKind, RenderedList>> lists,
            Capabilities capabilities,
            byte[] initializeTail,
            Dated discover) {
        this.targets = targets;
        this.templates = templates;
        this.renamed = renamed;
        this.lists = lists;
        this.capabilities = capabilities;
        this.initializeTail = initializeTail;
        this.discover = discover;
    }

    /**
     * One line of a list.
     *
     * @param renaming edits that give it the mount's names in place of the backend's, in the order of their spans
     * @param target where it leads, under the name that it has here
     */
    record Line(Entry entry, List<Entry.Edit> renaming, Target target) {
        List<Entry.Edit> edits(Era client) {
            return entry.edits(renaming, client);
        }

        int size(Era client) {
            int size = entry.definition().json().bytes().length;
            for (Entry.Edit edit : edits(client)) {
                size += edit.replacement().length - edit.span().length();
            }
            return size;
        }

        void write(JsonBytes out, Era client) {
            entry.write(out, edits(client));
        }

        /** Whether clients of the era could tell no difference between the two. */
        @SuppressWarnings("ReferenceEquality") // the same entry looks the same; others are compared
        boolean looksLike(Line other, Era client) {
            if (this == other || entry == other.entry && renaming.isEmpty() && other.renaming.isEmpty()) {
                return true;
            }
            int size = size(client);
            return size == other.size(client) && Arrays.equals(bytes(size, client), other.bytes(size, client));
        }

        private byte[] bytes(int size, Era client) {
            JsonBytes out = JsonBytes.sized(size);
            write(out, client);
            return out.toBytes();
        }
    }

    /**
     * What is said about a mount and around its lists.
     *
     * @param gatewayId by which other gateways know this one; empty says nothing of it
     * @param instructions a JSON string literal
     * @param ttlMillis longest life that its lists and greetings may claim
     * @param freshness how long each of its parts is good
     * @param missing backends to be named as absent
     */
    record Frame(
            Capabilities capabilities,
            RawJson serverInfo,
            String gatewayId,
            Optional<RawJson> instructions,
            long ttlMillis,
            List<Freshness> freshness,
            boolean shareable,
            List<String> missing) {}

    static Offer ofBackend(
            Contribution contribution,
            Map<ListKind, List<Entry>> entries,
            Capabilities capabilities,
            CatalogSettings settings) {
        String backend = contribution.registration().backend().name();
        Optional<Listing> listing = contribution.listing();
        Era era = listing.map(known -> known.version().era()).orElse(Era.LEGACY);
        Map<ListKind, Map<String, Target>> targets = new EnumMap<>(ListKind.class);
        Map<ListKind, List<Line>> lines = new EnumMap<>(ListKind.class);
        TemplateIndex<Target> templates = new TemplateIndex<>();
        entries.forEach((kind, list) -> {
            Map<String, Target> byName = new HashMap<>(list.size() * 4 / 3 + 1);
            List<Line> rendered = new ArrayList<>(list.size());
            for (Entry entry : list) {
                Target target = entry.target(backend);
                byName.put(entry.key(), target);
                rendered.add(new Line(entry, List.of(), target));
                if (kind == ListKind.RESOURCE_TEMPLATES) {
                    templates.add(entry.key(), rendered.size(), target);
                }
            }
            targets.put(kind, byName);
            lines.put(kind, rendered);
        });
        Frame frame = new Frame(
                capabilities,
                listing.flatMap(Listing::serverInfo).orElse(settings.serverInfo()),
                settings.gatewayId(),
                listing.flatMap(Listing::instructions),
                listing.map(settings::ttlMillis).orElseGet(() -> settings.ttlMillis(settings.defaultTtl())),
                List.of(contribution.freshness()),
                listing.filter(Listing::shareable).isPresent() && era == Era.MODERN,
                List.of());
        return render(targets, templates, Map.of(), lines, frame);
    }

    /** @param renamed by backend, its URIs and templates that have another name on this mount */
    static Offer render(
            Map<ListKind, Map<String, Target>> targets,
            TemplateIndex<Target> templates,
            Map<String, Map<String, String>> renamed,
            Map<ListKind, List<Line>> lines,
            Frame frame) {
        Map<Era, Map<ListKind, RenderedList>> lists = new EnumMap<>(Era.class);
        for (Era era : Era.values()) {
            Map<ListKind, RenderedList> byKind = new EnumMap<>(ListKind.class);
            for (ListKind kind : ListKind.values()) {
                byKind.put(kind, list(kind, era, lines.getOrDefault(kind, List.of()), frame));
            }
            lists.put(era, byKind);
        }
        return new Offer(
                targets, templates, renamed, lists, frame.capabilities(), initializeTail(frame), discover(frame));
    }

    private static RenderedList list(ListKind kind, Era era, List<Line> lines, Frame frame) {
        JsonBytes head = JsonBytes.sized(64).ascii("{");
        if (era == Era.MODERN) {
            head.ascii("\"resultType\":\"complete\",");
        }
        head.ascii("\"").ascii(kind.member()).ascii("\":[");
        JsonBytes tail = JsonBytes.sized(64).ascii("]");
        int ttl = era == Era.MODERN ? cacheable(tail, frame) : -1;
        if (!frame.missing().isEmpty()) {
            tail.ascii(",\"_meta\":{").quoted(MetaKeys.MISSING).ascii(":");
            strings(tail, frame.missing()).ascii("}");
        }
        tail.ascii("}");

        return new RenderedList(
                head,
                lines,
                tail,
                era,
                bytes -> dated(bytes, ttl < 0 ? ttl : bytes.length - tail.length() + ttl, kind.method(), frame));
    }

    /** @return where the number of {@code ttlMs} begins */
    private static int cacheable(JsonBytes out, Frame frame) {
        int start = out.ascii(",\"ttlMs\":").length();
        out.ascii(Long.toString(frame.ttlMillis()));
        out.ascii(",\"cacheScope\":").ascii(frame.shareable() ? "\"public\"" : "\"private\"");
        return start;
    }

    private static Dated dated(byte[] bytes, int ttl, McpMethod method, Frame frame) {
        int end = ttl + Long.toString(frame.ttlMillis()).length();
        return new Dated(bytes, ttl, end, frame.ttlMillis(), method, frame.freshness());
    }

    private static byte[] initializeTail(Frame frame) {
        JsonBytes out = JsonBytes.sized(512).ascii(",\"capabilities\":");
        frame.capabilities().write(out, Era.LEGACY);
        out.ascii(",\"serverInfo\":").raw(frame.serverInfo());
        frame.instructions().ifPresent(text -> out.ascii(",\"instructions\":").raw(text));
        if (!frame.gatewayId().isEmpty()) {
            out.ascii(",\"_meta\":{").quoted(MetaKeys.GATEWAY).ascii(":").quoted(frame.gatewayId());
            out.ascii("}");
        }
        return out.ascii("}").toBytes();
    }

    private static Dated discover(Frame frame) {
        JsonBytes out = JsonBytes.sized(768).ascii("{\"resultType\":\"complete\",\"supportedVersions\":");
        strings(out, ProtocolVersion.supported()).ascii(",\"capabilities\":");
        frame.capabilities().write(out, Era.MODERN);
        frame.instructions().ifPresent(text -> out.ascii(",\"instructions\":").raw(text));
        int ttl = cacheable(out, frame);
        out.ascii(",\"_meta\":{").quoted(MetaKeys.SERVER_INFO).ascii(":").raw(frame.serverInfo());
        if (!frame.gatewayId().isEmpty()) {
            out.ascii(",").quoted(MetaKeys.GATEWAY).ascii(":").quoted(frame.gatewayId());
        }
        return dated(out.ascii("}}").toBytes(), ttl, McpMethod.DISCOVER, frame);
    }

    private static JsonBytes strings(JsonBytes out, List<String> texts) {
        out.ascii("[");
        for (int i = 0; i < texts.size(); i++) {
            out.ascii(i == 0 ? "" : ",").quoted(texts.get(i));
        }
        return out.ascii("]");
    }

    Optional<Target> target(ListKind kind, String name) {
        return Optional.ofNullable(targets.getOrDefault(kind, Map.of()).get(name));
    }

    Map<String, Target> targets(ListKind kind) {
        return Collections.unmodifiableMap(targets.getOrDefault(kind, Map.of()));
    }

    /** URIs and templates of a backend that have another name on this mount. */
    Map<String, String> renamed(String backend) {
        return renamed.getOrDefault(backend, Map.of());
    }

    /** What an exact URI leads to, or one that a template matches whose scheme is fixed. */
    Optional<Target> resource(String uri) {
        Optional<Target> exact = target(ListKind.RESOURCES, uri);
        return exact.isPresent() ? exact : expanded(uri, true);
    }

    /** What a URI leads to if a template matches it that leaves the scheme open. */
    Optional<Target> resourceOfAnyScheme(String uri) {
        return expanded(uri, false);
    }

    private Optional<Target> expanded(String uri, boolean scheme) {
        return templates
                .find(uri, slot -> slot.template().hasScheme() == scheme)
                .map(slot -> {
                    Target template = slot.value();
                    String own = uri;
                    for (int qualified = template.exposedName().length();
                            qualified > template.originalName().length();
                            qualified -= template.backend().length() + 1) {
                        own = ExposedNames.unqualifiedUri(own);
                    }
                    return template.expanded(own, uri);
                });
    }

    RenderedList list(ListKind kind, Era era) {
        return Objects.requireNonNull(Objects.requireNonNull(lists.get(era)).get(kind));
    }

    Capabilities capabilities() {
        return capabilities;
    }

    byte[] initialize(ProtocolVersion version) {
        ProtocolVersion spoken = version.era() == Era.LEGACY ? version : ProtocolVersion.LATEST_LEGACY;
        return JsonBytes.sized(32 + initializeTail.length)
                .ascii("{\"protocolVersion\":\"")
                .ascii(spoken.wire())
                .ascii("\"")
                .raw(initializeTail)
                .toBytes();
    }

    byte[] discover() {
        return discover.between(NOTHING, NOTHING);
    }

    /** Whether clients could tell no difference between this and the other. */
    boolean looksLike(Offer other) {
        if (this == other) {
            return true;
        }
        for (Era era : Era.values()) {
            for (ListKind kind : ListKind.values()) {
                if (!list(kind, era).sameBytes(other.list(kind, era))) {
                    return false;
                }
            }
        }
        return Arrays.equals(initializeTail, other.initializeTail)
                && Arrays.equals(discover.bytes(), other.discover.bytes());
    }

    /**
     * Which lists hold other definitions. The modern ones decide: they leave nothing out that the legacy ones show, but
     * for tools that need a task.
     */
    Changes.Lists changesSince(Offer older) {
        if (this == older) {
            return Changes.Lists.NONE;
        }
        return new Changes.Lists(
                differs(ListKind.TOOLS, older),
                differs(ListKind.PROMPTS, older),
                differs(ListKind.RESOURCES, older) || differs(ListKind.RESOURCE_TEMPLATES, older));
    }

    private boolean differs(ListKind kind, Offer older) {
        return !list(kind, Era.MODERN).sameEntries(older.list(kind, Era.MODERN))
                || !list(kind, Era.LEGACY).sameEntries(older.list(kind, Era.LEGACY));
    }

    /** Every list that is not empty, as changes since nothing was there. */
    Changes.Lists changesSinceNothing() {
        return new Changes.Lists(
                list(ListKind.TOOLS, Era.LEGACY).size() > 0,
                list(ListKind.PROMPTS, Era.LEGACY).size() > 0,
                list(ListKind.RESOURCES, Era.LEGACY).size()
                                + list(ListKind.RESOURCE_TEMPLATES, Era.LEGACY).size()
                        > 0);
    }
}
