package io.sluice.catalog;

import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.List;

/**
 * How a catalog names and presents what its backends offer.
 *
 * @param names which names the aggregate lists
 * @param maxTtl longest life any list may claim
 * @param defaultTtl life of a list whose backend promised none: of the legacy era, or never reached; zero makes clients
 *     ask again each time
 * @param serverInfo the gateway's own {@code Implementation} object
 * @param gatewayId by which other gateways know this one; empty keeps it to itself
 * @param profiles selections with mounts of their own
 */
public record CatalogSettings(
        Names names,
        Duration maxTtl,
        Duration defaultTtl,
        RawJson serverInfo,
        String gatewayId,
        List<Profile> profiles) {
    public static final CatalogSettings DEFAULT = new CatalogSettings(
            Names.BARE,
            Duration.ofSeconds(60),
            Duration.ofSeconds(30),
            RawJson.of("{\"name\":\"sluice\",\"version\":\"0.1.0\"}"));

    /** Which names the aggregate lists. The qualified form {@code backend__name} is understood either way. */
    public enum Names {
        /** A name stands as its backend spells it while it is unique; a newcomer that collides is qualified. */
        BARE,
        /** Every tool and prompt is qualified. Resources keep their URIs. */
        QUALIFIED
    }

    public CatalogSettings {
        profiles = List.copyOf(profiles);
        if (maxTtl.isNegative() || defaultTtl.isNegative()) {
            throw new IllegalArgumentException("life of lists is negative: " + maxTtl + ", " + defaultTtl);
        }
    }

    /** Without an id and without profiles. */
    public CatalogSettings(Names names, Duration maxTtl, Duration defaultTtl, RawJson serverInfo) {
        this(names, maxTtl, defaultTtl, serverInfo, "", List.of());
    }

    /** The defaults, with {@code serverInfo} naming this version of Sluice. */
    public static CatalogSettings ofVersion(String version) {
        RawJson serverInfo = JsonBytes.sized(64)
                .ascii("{\"name\":\"sluice\",\"version\":")
                .quoted(version)
                .ascii("}")
                .toRawJson();
        return new CatalogSettings(DEFAULT.names, DEFAULT.maxTtl, DEFAULT.defaultTtl, serverInfo);
    }

    public CatalogSettings withNames(Names replacement) {
        return new CatalogSettings(replacement, maxTtl, defaultTtl, serverInfo, gatewayId, profiles);
    }

    public CatalogSettings withGatewayId(String replacement) {
        return new CatalogSettings(names, maxTtl, defaultTtl, serverInfo, replacement, profiles);
    }

    public CatalogSettings withProfiles(List<Profile> replacement) {
        return new CatalogSettings(names, maxTtl, defaultTtl, serverInfo, gatewayId, replacement);
    }

    long ttlMillis(Listing listing) {
        boolean promised = listing.version().era() == Era.MODERN;
        return ttlMillis(promised ? listing.ttl() : defaultTtl);
    }

    long ttlMillis(Duration ttl) {
        return Math.max(0, Math.min(ttl.toMillis(), maxTtl.toMillis()));
    }
}
