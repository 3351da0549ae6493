package io.sluice.catalog;

import io.sluice.registry.Registration;
import java.util.Optional;

/**
 * One backend's share of the catalog.
 *
 * @param registration the backend
 * @param listing the last good answer, stale or not; empty when it was never reached
 * @param trouble why the backend cannot be used at the moment and since when, as one sentence; empty when it is well
 * @param freshness how long the listing is good; the same object for as long as the listing is the same
 */
public record Contribution(
        Registration registration, Optional<Listing> listing, Optional<String> trouble, Freshness freshness) {
    /** Whose listing is good for the same time, whenever it is used. */
    public Contribution(Registration registration, Optional<Listing> listing, Optional<String> trouble) {
        this(registration, listing, trouble, Freshness.STEADY);
    }
}
