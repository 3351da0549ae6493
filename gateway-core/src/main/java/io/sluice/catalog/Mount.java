package io.sluice.catalog;

import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One place where clients connect: {@code /mcp} with every backend, or {@code /mcp/{backend}} with one. Immutable;
 * look-ups do no I/O and any thread may ask.
 */
public final class Mount {
    private final String name;
    private final Offer offer;
    private final Map<String, Share> shares;
    private final List<String> missing;
    private final Set<String> withResources;
    private final boolean profile;

    /** @param shares of the backends on it, by name */
    Mount(String name, Offer offer, Map<String, Share> shares) {
        this(name, offer, shares, false);
    }

    /** A selection of what several backends offer; nothing leads to what is not selected. */
    static Mount ofProfile(String name, Offer offer, Map<String, Share> shares) {
        return new Mount(name, offer, shares, true);
    }

    private Mount(String name, Offer offer, Map<String, Share> shares, boolean profile) {
        this.profile = profile;
        this.name = name;
        this.offer = offer;
        this.shares = shares;
        this.missing = shares.values().stream()
                .filter(share -> share.contribution().listing().isEmpty())
                .map(Share::name)
                .toList();
        this.withResources = shares.values().stream()
                .filter(share -> !share.entries(ListKind.RESOURCES).isEmpty()
                        || !share.entries(ListKind.RESOURCE_TEMPLATES).isEmpty())
                .map(Share::name)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** The same, with what the backends contribute now. */
    Mount with(Map<String, Share> now) {
        Map<String, Share> mine = new LinkedHashMap<>(shares);
        mine.replaceAll((backend, then) -> now.getOrDefault(backend, then));
        return new Mount(name, offer, mine, profile);
    }

    /** The backend's or profile's name, or empty for the aggregate of all. */
    public String name() {
        return name;
    }

    /** Whether several backends stand here together. */
    public boolean aggregate() {
        return profile || name.isEmpty();
    }

    /**
     * The tool of that name. On the aggregate {@code backend__name} is understood as well, however the tool is listed.
     */
    public Optional<Target> tool(String exposedName) {
        return named(ListKind.TOOLS, exposedName);
    }

    /**
     * The prompt of that name. On the aggregate {@code backend__name} is understood as well, however the prompt is
     * listed.
     */
    public Optional<Target> prompt(String exposedName) {
        return named(ListKind.PROMPTS, exposedName);
    }

    private Optional<Target> named(ListKind kind, String exposedName) {
        Optional<Target> listed = offer.target(kind, exposedName);
        if (listed.isPresent() || !name.isEmpty()) {
            return listed;
        }
        int separator = exposedName.indexOf(ExposedNames.SEPARATOR);
        return separator < 0
                ? Optional.empty()
                : backend(exposedName.substring(0, separator))
                        .flatMap(share -> share.offer()
                                .target(kind, exposedName.substring(separator + ExposedNames.SEPARATOR.length())));
    }

    /**
     * Who answers for a URI: the resource listed under it; else the template it matches, the one claimed first; on the
     * aggregate also the backend that the qualified form {@code backend+scheme:…} names. Templates that leave the
     * scheme open are asked last. A backend may have resources that it does not list, so on its own mount, and in the
     * qualified form, any URI leads to it.
     */
    public Optional<Target> resource(String uri) {
        Optional<Target> found = offer.resource(uri);
        if (found.isEmpty()) {
            found = qualifier(uri).map(share -> share.resource(ExposedNames.unqualifiedUri(uri)));
        }
        if (found.isEmpty()) {
            found = offer.resourceOfAnyScheme(uri);
        }
        return found.isPresent() || aggregate() ? found : backend(name).map(share -> share.resource(uri));
    }

    /** The template listed under exactly this text; completion refers to templates so. */
    public Optional<Target> resourceTemplate(String uriTemplate) {
        Optional<Target> listed = offer.target(ListKind.RESOURCE_TEMPLATES, uriTemplate);
        return listed.isPresent()
                ? listed
                : qualifier(uriTemplate)
                        .flatMap(share -> share.offer()
                                .target(ListKind.RESOURCE_TEMPLATES, ExposedNames.unqualifiedUri(uriTemplate)));
    }

    /**
     * The URI by which a client of this mount can name what a backend calls {@code uri}: the inverse of
     * {@link #resource}.
     */
    public String exposedUri(String backend, String uri) {
        if (!aggregate()) {
            return uri;
        }
        String renamed = offer.renamed(backend).get(uri);
        if (renamed != null) {
            return renamed;
        }
        boolean bare =
                resource(uri).filter(target -> target.backend().equals(backend)).isPresent();
        return bare ? uri : ExposedNames.qualifiedUri(backend, uri);
    }

    /**
     * Whether what a backend says may name resources by URIs that mean others here: some other backend of this mount has
     * resources too.
     */
    public boolean ambiguousUris(String backend) {
        return aggregate()
                && (withResources.size() > 1 || !withResources.contains(backend))
                && !withResources.isEmpty();
    }

    /**
     * What a client of this mount must be told for a URI in a backend's result: another one where this leads elsewhere.
     * A URI that leads nowhere stays: it may be one that the client fetches by itself.
     */
    public String linkedUri(String backend, String uri) {
        if (!aggregate()) {
            return uri;
        }
        String renamed = offer.renamed(backend).get(uri);
        if (renamed != null) {
            return renamed;
        }
        boolean elsewhere = resource(uri)
                .filter(target -> !target.backend().equals(backend))
                .isPresent();
        return elsewhere ? ExposedNames.qualifiedUri(backend, uri) : uri;
    }

    private Optional<Share> qualifier(String uri) {
        return name.isEmpty() ? ExposedNames.uriQualifier(uri).flatMap(this::backend) : Optional.empty();
    }

    private Optional<Share> backend(String backend) {
        return Optional.ofNullable(shares.get(backend));
    }

    /**
     * The whole list, on one page.
     *
     * @param method one of the four list methods
     * @throws IllegalArgumentException for another method
     */
    public RenderedList list(McpMethod method, ProtocolVersion clientVersion) {
        return offer.list(ListKind.of(method), clientVersion.era());
    }

    /**
     * The {@code result} of {@code initialize}; a revision of the modern era, which has none, is answered with the
     * latest legacy one. A new array each time.
     */
    public byte[] initializeResult(ProtocolVersion version) {
        return offer.initialize(version);
    }

    /** The {@code result} of {@code server/discover}; with the life that it has left now. A new array each time. */
    public byte[] discoverResult() {
        return offer.discover();
    }

    /**
     * Whether a client of the era may use the method here: it exists in that era and some backend has the capability it
     * needs.
     */
    public boolean offers(McpMethod method, Era era) {
        return offer.capabilities().offers(method, era);
    }

    /** Backends of this mount without a usable listing at the moment, in order of precedence. */
    public List<String> missing() {
        return missing;
    }

    /**
     * The backend without a usable listing that a name, which leads nowhere at the moment, may belong to: the one that
     * the qualified form names, else the first of them.
     */
    public Optional<String> perhapsOf(String exposedName) {
        int separator = aggregate() ? exposedName.indexOf(ExposedNames.SEPARATOR) : -1;
        return separator < 0
                ? missing.stream().findFirst()
                : Optional.of(exposedName.substring(0, separator)).filter(missing::contains);
    }

    /** Whether tools of a backend of this mount can be called as tasks of the legacy era. */
    public boolean takesTasks(String backend) {
        return backend(backend).filter(share -> share.capabilities().tasks()).isPresent();
    }

    /** What a backend of this mount contributes, and what troubles it. */
    public Optional<Contribution> contribution(String backend) {
        return backend(backend).map(Share::contribution);
    }

    /** Whether it is the gateway's own, for those who manage it. */
    public boolean managing() {
        return !aggregate() && backend(name).filter(Share::builtIn).isPresent();
    }

    /** The id of the gateway that stands behind a backend's own mount, if it is one. */
    public Optional<String> gateway() {
        return aggregate()
                ? Optional.empty()
                : contribution(name).flatMap(Contribution::listing).flatMap(Listing::gateway);
    }

    Offer offer() {
        return offer;
    }
}
