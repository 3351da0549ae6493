package io.sluice.catalog;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything all backends offer, at one moment: where each name leads on each mount, and every list already rendered.
 * Immutable; replaced as a whole.
 *
 * <p>Backends stand in the order in which they were first registered, and what a backend offers in its own order, so
 * that every replica lists the same. A name on the aggregate belongs to the backend that exposed it first for as long
 * as that registration lasts: nothing registered later, and nothing a backend adds later, can take its place.
 */
public final class Catalog {
    private static final Comparator<Share> PRECEDENCE =
            Comparator.comparingLong(Share::since).thenComparing(Share::name);

    /** No backend at all. */
    public static final Catalog EMPTY = make(List.of(), null, CatalogSettings.DEFAULT, NameClaims.NONE, true);

    private final long version;
    private final CatalogSettings settings;
    private final Map<String, Share> shares;
    private final Map<String, Mount> mounts;
    private final Map<Audience, Mount> aggregates;
    private final Map<ListKind, Map<String, Claims.Owner>> owners;
    private final Map<String, Placed> placed;
    private final NameClaims recorded;

    private Catalog(
            long version,
            CatalogSettings settings,
            Map<String, Share> shares,
            Map<String, Mount> mounts,
            Map<Audience, Mount> aggregates,
            Map<ListKind, Map<String, Claims.Owner>> owners,
            Map<String, Placed> placed,
            NameClaims recorded) {
        this.placed = placed;
        this.recorded = recorded;
        this.version = version;
        this.settings = settings;
        this.shares = shares;
        this.mounts = mounts;
        this.aggregates = aggregates;
        this.owners = owners;
    }

    /**
     * The catalog of these contributions.
     *
     * @param contributions at most one per backend, in any order
     * @param previous the catalog to be replaced: its names stay with their owners, and what did not change since is
     *     not rendered again
     */
    public static Catalog build(List<Contribution> contributions, Catalog previous, CatalogSettings settings) {
        return build(contributions, previous, settings, NameClaims.NONE);
    }

    /**
     * As the other.
     *
     * @param recorded who owns which names as all replicas agreed; it comes before what {@code previous} says
     */
    public static Catalog build(
            List<Contribution> contributions, Catalog previous, CatalogSettings settings, NameClaims recorded) {
        return make(contributions, previous, settings, recorded, false);
    }

    /** As {@link #build}, but settles each name anew: slower, and comes to the same. */
    static Catalog anew(
            List<Contribution> contributions, Catalog previous, CatalogSettings settings, NameClaims recorded) {
        return make(contributions, previous, settings, recorded, true);
    }

    @SuppressWarnings("ReferenceEquality") // a share is kept for as long as its backend says the same
    private static Catalog make(
            List<Contribution> contributions,
            @Nullable Catalog previous,
            CatalogSettings settings,
            NameClaims recorded,
            boolean anew) {
        Map<String, Share> before = previous == null ? Map.of() : previous.shares;
        boolean sameSettings = previous != null && previous.settings.equals(settings);
        Map<String, Long> since = new HashMap<>();
        List<Share> ordered = new ArrayList<>(contributions.size());
        for (Contribution contribution : contributions) {
            String name = contribution.registration().backend().name();
            since.put(name, contribution.registration().since());
            ordered.add(Share.of(contribution, before.get(name), settings, sameSettings));
        }
        ordered.sort(PRECEDENCE);
        Map<String, Share> shares = new LinkedHashMap<>();
        ordered.forEach(share -> shares.put(share.name(), share));

        Map<String, Share> aggregated = new LinkedHashMap<>(shares);
        aggregated.values().removeIf(share -> !share.aggregated());
        Map<Audience, Offer> offers = new HashMap<>();
        Map<String, Mount> profiles = new LinkedHashMap<>();
        Map<ListKind, Map<String, Claims.Owner>> owners;
        Map<String, Placed> placed;
        boolean sameRules = previous != null && sameSettings && recorded.equals(previous.recorded);
        if (previous != null && sameRules && sameOffers(previous.shares, shares)) {
            previous.aggregates.forEach((audience, mount) -> offers.put(audience, mount.offer()));
            settings.profiles().forEach(profile -> {
                Mount then = previous.mounts.get(profile.name());
                if (then != null && !shares.containsKey(profile.name())) {
                    profiles.put(profile.name(), then.with(shares));
                }
            });
            owners = previous.owners;
            placed = previous.placed;
        } else {
            Aggregation aggregation = new Aggregation(
                    settings,
                    List.copyOf(aggregated.values()),
                    since,
                    previous == null ? Map.of() : previous.owners,
                    previous != null && sameRules && !anew && allStay(previous.shares, since)
                            ? previous.placed
                            : Map.of(),
                    recorded);
            offers.put(Audience.ALL, aggregation.offer());
            for (Audience audience : audiences(aggregated.values())) {
                offers.put(audience, aggregation.offer(audience));
            }
            for (Profile profile : settings.profiles()) {
                Map<String, Share> seen = new LinkedHashMap<>();
                aggregation.seen(profile).forEach(share -> seen.put(share.name(), share));
                profiles.put(profile.name(), Mount.ofProfile(profile.name(), aggregation.offer(profile), seen));
            }
            owners = aggregation.owners();
            placed = aggregation.forgot() ? Map.of() : aggregation.placed();
        }
        Map<String, Mount> mounts = new LinkedHashMap<>();
        Map<Audience, Mount> aggregates = new HashMap<>();
        offers.forEach((audience, offer) -> {
            Map<String, Share> seen = new LinkedHashMap<>(aggregated);
            seen.values().removeIf(share -> !audience.sees(share));
            aggregates.put(audience, new Mount("", offer, Collections.unmodifiableMap(seen)));
        });
        mounts.put("", Objects.requireNonNull(aggregates.get(Audience.ALL)));
        shares.forEach((name, share) -> mounts.put(
                name,
                previous != null && before.get(name) == share
                        ? Objects.requireNonNull(previous.mounts.get(name))
                        : new Mount(name, share.offer(), Map.of(name, share))));
        profiles.forEach(mounts::putIfAbsent);
        return new Catalog(
                version(previous, mounts),
                settings,
                shares,
                Collections.unmodifiableMap(mounts),
                aggregates,
                owners,
                placed,
                recorded);
    }

    /** Those who do not see everything, if there is something that they do not see. */
    private static Set<Audience> audiences(Collection<Share> aggregated) {
        Set<Audience> audiences = new LinkedHashSet<>();
        for (Audience audience : Audience.OTHERS) {
            if (!aggregated.stream().allMatch(audience::sees)) {
                audiences.add(audience);
            }
        }
        return audiences;
    }

    /** Whether the aggregate comes out the same: only what troubles the backends may differ. */
    private static boolean sameOffers(Map<String, Share> before, Map<String, Share> now) {
        return before.keySet().equals(now.keySet())
                && now.values().stream().allMatch(share -> {
                    Share then = Objects.requireNonNull(before.get(share.name()));
                    return then.offer() == share.offer()
                            && then.since() == share.since()
                            && then.aggregated() == share.aggregated();
                });
    }

    /** Whether every registration is still there, so that no name of one has become free. */
    private static boolean allStay(Map<String, Share> before, Map<String, Long> since) {
        return before.values().stream().allMatch(share -> Objects.equals(since.get(share.name()), share.since()));
    }

    private static long version(@Nullable Catalog previous, Map<String, Mount> mounts) {
        if (previous == null) {
            return 0;
        }
        boolean same = previous.mounts.keySet().equals(mounts.keySet())
                && mounts.values().stream()
                        .allMatch(mount -> mount.offer()
                                .looksLike(Objects.requireNonNull(previous.mounts.get(mount.name()))
                                        .offer()));
        return same ? previous.version : previous.version + 1;
    }

    /** Who owns which name of a tool or prompt here, also while it is not listed. */
    public NameClaims claims() {
        return new NameClaims(claims(ListKind.TOOLS), claims(ListKind.PROMPTS));
    }

    private Map<String, NameClaims.Claim> claims(ListKind kind) {
        Map<String, NameClaims.Claim> claims = new HashMap<>();
        owners.getOrDefault(kind, Map.of())
                .forEach((name, owner) -> claims.put(name, new NameClaims.Claim(owner.backend(), owner.since())));
        return claims;
    }

    /** Grows by one with each catalog in which a client can see a difference; counted by this replica alone. */
    public long version() {
        return version;
    }

    /** The aggregate under the empty name, a backend's own mount under its name. */
    public Optional<Mount> mount(String name) {
        return Optional.ofNullable(mounts.get(name));
    }

    /** What one asks at {@code /mcp} or below it: as {@link #mount(String)}, but of the aggregate what this audience sees. */
    public Optional<Mount> mount(String name, Audience audience) {
        return name.isEmpty() ? Optional.of(aggregate(audience)) : mount(name);
    }

    private Mount aggregate(Audience audience) {
        Mount theirs = aggregates.get(audience);
        return theirs == null ? aggregate() : theirs;
    }

    /** The mount of every aggregated backend, which there always is. */
    public Mount aggregate() {
        return Objects.requireNonNull(mounts.get(""));
    }

    /** The aggregate, then the backends' own mounts in order of precedence. */
    public Collection<Mount> mounts() {
        return mounts.values();
    }

    /**
     * Which lists hold other definitions than they did in an older catalog. Mounts that are gone are not named: nobody
     * is left to be told.
     */
    public Changes changesSince(Catalog older) {
        Map<String, Changes.Lists> changed = new HashMap<>();
        mounts.forEach((name, mount) -> {
            Mount then = older.mounts.get(name);
            Changes.Lists lists = then == null
                    ? mount.offer().changesSinceNothing()
                    : mount.offer().changesSince(then.offer());
            if (lists.any()) {
                changed.put(name, lists);
            }
        });
        return new Changes(changed);
    }
}
